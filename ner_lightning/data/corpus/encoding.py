"""Encode sentences to subword ids and tag ids, once, as flat arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ner_lightning.data.corpus.sentence_store import CHUNK, SentenceStore, in_memory
from ner_lightning.data.sentence import Sentence
from ner_lightning.storage.fingerprint import digest
from ner_lightning.storage.flat_arrays import Arrays, ArrayType, ArrayWriter, MemoryWriter, Schema
from ner_lightning.tagging.spans import EntitySpan
from ner_lightning.tagging.tagset import TagSet

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from transformers import PreTrainedTokenizerFast

UNKNOWN_TAG = -1
"""The tag id of a word that nobody annotated."""

ENCODED: Schema = {
    "pieces": ArrayType("i4"),
    "piece_start": ArrayType("i8"),
    "word_start": ArrayType("i8"),
    "tags": ArrayType("i2"),
}


class WordEncoder:
    """Subword ids of words; each distinct word is tokenised once.

    A fast tokenizer treats the words of a pre-split sentence one by one, so a word's pieces do not depend on its
    neighbours. A word without any piece (a lone U+FE0F, U+3000, a zero-width character) is given the unknown token: it
    keeps its place and gets a tag. A word with more pieces than fit into a row keeps its first ones.

    Args:
        tokenizer: a fast tokenizer.
        max_subwords: positions of an encoder row, including special tokens.
    """

    REMEMBERED = 1_000_000

    def __init__(self, tokenizer: PreTrainedTokenizerFast, max_subwords: int) -> None:
        self.tokenizer = tokenizer
        probe = tokenizer(["a"], is_split_into_words=True, return_special_tokens_mask=True)
        ids, special = probe["input_ids"], probe["special_tokens_mask"]
        inner = [i for i, flag in enumerate(special) if not flag]
        self.prefix: tuple[int, ...] = tuple(ids[: inner[0]])
        self.suffix: tuple[int, ...] = tuple(ids[inner[-1] + 1 :])
        self.room = max_subwords - len(self.prefix) - len(self.suffix)
        self.pad_id: int = tokenizer.pad_token_id or 0
        candidates = (tokenizer.unk_token_id, tokenizer.mask_token_id, tokenizer.pad_token_id)
        self._unknown = next(token for token in candidates if token is not None)
        self.mask_id: int = self._unknown if tokenizer.mask_token_id is None else tokenizer.mask_token_id
        self._pieces: dict[str, tuple[int, ...]] = {}
        self.pieceless: set[str] = set()
        self.shortened: set[str] = set()

    def learn(self, words: Iterable[str]) -> None:
        """Tokenise the words not seen before, in one batch."""
        if len(self._pieces) > self.REMEMBERED:  # an endless stream must not fill the memory
            self._pieces.clear()
        new = [word for word in dict.fromkeys(words) if word not in self._pieces]
        if not new:
            return
        rows = self.tokenizer(
            [[word] for word in new],
            is_split_into_words=True,
            add_special_tokens=False,
            return_attention_mask=False,
            return_token_type_ids=False,
        )
        for word, row in zip(new, rows["input_ids"], strict=True):
            if not row:
                self.pieceless.add(word)
                row = [self._unknown]
            elif len(row) > self.room:
                self.shortened.add(word)
                row = row[: self.room]
            self._pieces[word] = tuple(row)

    @cached_property
    def fingerprint(self) -> str:
        """Digest everything that decides which pieces a word gets."""
        import tokenizers

        backend = self.tokenizer.backend_tokenizer
        backend.no_padding()  # left over from the last call, and irrelevant to words
        backend.no_truncation()
        return digest(
            type(self.tokenizer).__name__,
            tokenizers.__version__,
            backend.to_str(),
            [self.prefix, self.suffix, self.room, self._unknown],
        )

    def pieces(self, word: str) -> tuple[int, ...]:
        """Return the subword ids of one word, at least one."""
        if word not in self._pieces:
            self.learn([word])
        return self._pieces[word]


@dataclass(frozen=True)
class EncodedCorpus:
    """A corpus as flat arrays: cheap to hold, to index and to memory-map.

    Word `w` of the corpus has the subwords `pieces[piece_start[w]:piece_start[w + 1]]`; sentence `s` has the words
    `word_start[s]` up to `word_start[s + 1]`.
    """

    pieces: NDArray[np.int32]
    piece_start: NDArray[np.int64]
    word_start: NDArray[np.int64]
    tags: NDArray[np.int16]
    source: Arrays | None = None

    @classmethod
    def over(cls, arrays: Arrays) -> EncodedCorpus:
        """Make the corpus from the arrays that `write_encoded` wrote."""
        return cls(**{name: arrays[name] for name in ENCODED}, source=arrays)

    def __reduce__(self) -> tuple[Any, ...]:
        """Send a corpus of a folder to another process as the name of its folder."""
        if self.source is not None and self.source.folder is not None:
            return EncodedCorpus.over, (self.source,)
        return EncodedCorpus, (self.pieces, self.piece_start, self.word_start, self.tags)

    def __len__(self) -> int:
        """Count the sentences."""
        return len(self.word_start) - 1

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Subwords of each sentence, without special tokens."""
        return np.diff(self.piece_start[self.word_start])


def encode(sentences: Sequence[Sentence], words: WordEncoder, tags: TagSet) -> EncodedCorpus:
    """Encode sentences; every word keeps its place, whatever the tokenizer makes of it.

    Raises:
        ValueError: when a span's type is not in `tags`.
    """
    store = sentences if isinstance(sentences, SentenceStore) else in_memory(sentences)
    return EncodedCorpus.over(write_encoded(store, words, tags, MemoryWriter(ENCODED)))


def write_encoded(store: SentenceStore, words: WordEncoder, tags: TagSet, writer: ArrayWriter) -> Arrays:
    """Encode stored sentences chunk by chunk.

    Args:
        store: the sentences.
        words: the encoder's view of words.
        tags: with every type that occurs.
        writer: takes `ENCODED`.

    Returns:
        The arrays, and with them the words that are `pieceless` and `shortened`.

    Raises:
        ValueError: when a span's type is not in `tags`.
    """
    of_type = _tags_of_types(store.types, tags)
    pieceless: set[str] = set()
    shortened: set[str] = set()
    writer.append(piece_start=np.zeros(1), word_start=store.arrays["word_start"][:1])
    n_pieces = 0
    for first in range(0, len(store), CHUNK):
        last = min(first + CHUNK, len(store))
        listed = store.words(first, last)
        numbers = {word: number for number, word in enumerate(dict.fromkeys(listed))}
        words.learn(numbers)
        pieceless |= words.pieceless & numbers.keys()
        shortened |= words.shortened & numbers.keys()
        rows = [words.pieces(word) for word in numbers]
        which = np.fromiter(map(numbers.__getitem__, listed), np.int64, len(listed))
        pieces, counts = _gathered(rows, which)
        ends = n_pieces + np.cumsum(counts)
        n_pieces = int(ends[-1])
        writer.append(
            pieces=pieces,
            piece_start=ends,
            word_start=store.arrays["word_start"][first + 1 : last + 1],
            tags=_tag_ids(store, first, last, of_type),
        )
    return writer.finish({"pieceless": sorted(pieceless), "shortened": sorted(shortened)})


def _gathered(rows: list[tuple[int, ...]], which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Concatenate the chosen rows, and return the length of each."""
    sizes = np.fromiter(map(len, rows), np.int64, len(rows))
    flat = np.fromiter((piece for row in rows for piece in row), np.int32, int(sizes.sum()))
    starts, counts = (np.cumsum(sizes) - sizes)[which], sizes[which]
    return flat[ragged_range(starts, counts)], counts


def ragged_range(starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Count up from each start, as many numbers as its count says.

    >>> ragged_range(np.array([5, 0]), np.array([2, 3])).tolist()
    [5, 6, 0, 1, 2]
    """
    before = np.cumsum(counts) - counts
    return np.arange(int(counts.sum())) + np.repeat(starts - before, counts)


def _tags_of_types(types: Sequence[str], tags: TagSet) -> np.ndarray:
    """Return, per type, the tag ids of a mention of one word, and of the first, inner and last word of longer ones."""
    rows = [[*tags.encode([EntitySpan(0, 1, label)], 1), *tags.encode([EntitySpan(0, 3, label)], 3)] for label in types]
    return np.array(rows, np.int16).reshape(-1, 4)


def _tag_ids(store: SentenceStore, first: int, last: int, of_type: np.ndarray) -> np.ndarray:
    """Return the tag ids of the words of sentences `first` up to `last`."""
    starts = store.arrays["word_start"][first : last + 1] - store.arrays["word_start"][first]
    ids = np.zeros(starts[-1], np.int16)
    rows, base = _of_sentences(store, "spans", first, last, starts)
    begin, end = base + rows[:, 0], base + rows[:, 1]
    single, opening, inner, closing = of_type[rows[:, 2]].T
    inside = np.maximum(end - begin - 2, 0)
    ids[ragged_range(begin + 1, inside)] = np.repeat(inner, inside)
    ids[end - 1] = closing
    ids[begin] = np.where(end - begin == 1, single, opening)
    unknown, base = _of_sentences(store, "unknown", first, last, starts)
    ids[base + unknown] = UNKNOWN_TAG
    return ids


def _of_sentences(
    store: SentenceStore, name: str, first: int, last: int, word_starts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the stored rows of some sentences, and for each row the position of its sentence's first word."""
    ends = store.arrays[f"{name}_start"][first : last + 1]
    return store.arrays[name][ends[0] : ends[-1]], np.repeat(word_starts[:-1], np.diff(ends))
