"""From sentences to subword ids and tag ids, once, as flat arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ner_lightning.tagging.tagset import TagSet

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from transformers import PreTrainedTokenizerFast

    from ner_lightning.data.sentence import Sentence

UNKNOWN_TAG = -1
"""The tag id of a word that nobody annotated."""


class WordEncoder:
    """Subword ids of words, each distinct word tokenised once.

    A fast tokenizer treats the words of a pre-split sentence one by one, so a word's pieces do not depend on its
    neighbours. A word that gets no piece at all (a lone U+FE0F, U+3000, a zero-width character) is given the unknown
    token: it keeps its place and gets a tag. A word of more pieces than a row can hold keeps its first ones.

    Args:
        tokenizer: a fast tokenizer.
        max_subwords: positions of an encoder row, special tokens included.
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
        self._pieces: dict[str, tuple[int, ...]] = {}
        self.pieceless: set[str] = set()
        self.shortened: set[str] = set()

    def learn(self, words: Iterable[str]) -> None:
        """Tokenise the words not seen before, in one batch."""
        if len(self._pieces) > self.REMEMBERED:  # a stream without end must not fill the memory
            self._pieces.clear()
        new = [word for word in dict.fromkeys(words) if word not in self._pieces]
        if not new:
            return
        rows = self.tokenizer([[word] for word in new], is_split_into_words=True, add_special_tokens=False)
        for word, row in zip(new, rows["input_ids"], strict=True):
            if not row:
                self.pieceless.add(word)
                row = [self._unknown]
            elif len(row) > self.room:
                self.shortened.add(word)
                row = row[: self.room]
            self._pieces[word] = tuple(row)

    def pieces(self, word: str) -> tuple[int, ...]:
        """Subword ids of one word, at least one."""
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

    def __len__(self) -> int:
        """Number of sentences."""
        return len(self.word_start) - 1

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Subwords of each sentence, special tokens not counted."""
        return np.diff(self.piece_start[self.word_start])

    @cached_property
    def has_unknown(self) -> bool:
        """Whether some word's tag is unknown."""
        return bool((self.tags == UNKNOWN_TAG).any())


def encode(sentences: Sequence[Sentence], words: WordEncoder, tags: TagSet) -> EncodedCorpus:
    """Encode sentences; every word keeps its place, whatever the tokenizer makes of it.

    Raises:
        KeyError: when a span's type is not in `tags`.
    """
    words.learn(word for sentence in sentences for word in sentence.words)
    pieces: list[int] = []
    counts: list[int] = []
    tag_ids: list[int] = []
    for sentence in sentences:
        for word in sentence.words:
            row = words.pieces(word)
            pieces.extend(row)
            counts.append(len(row))
        row_tags = list(tags.encode(sentence.spans, len(sentence.words)))
        for index in sentence.unknown:
            row_tags[index] = UNKNOWN_TAG
        tag_ids.extend(row_tags)
    return EncodedCorpus(
        pieces=np.asarray(pieces, dtype=np.int32),
        piece_start=np.concatenate(([0], np.cumsum(counts, dtype=np.int64))),
        word_start=np.concatenate(([0], np.cumsum([len(s.words) for s in sentences], dtype=np.int64))),
        tags=np.asarray(tag_ids, dtype=np.int16),
    )
