"""The surroundings of a sentence in its document, as context for the encoder.

S. Schweter, A. Akbik. FLERT: Document-Level Features for Named Entity Recognition. arXiv:2011.06993, 2020.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pytorch_lightning.utilities import rank_zero_warn

from ner_lightning.data.corpus.encoding import EncodedCorpus
from ner_lightning.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from ner_lightning.data.corpus.sentence_store import SentenceStore

Numbers = NDArray[np.int64]


class Documents(NamedTuple):
    """The document of each sentence `[sentences]`; one without a document is a document by itself.

    Attributes:
        first: its first sentence.
        last: the sentence after its last one.
    """

    first: Numbers
    last: Numbers

    @classmethod
    def of(cls, store: SentenceStore) -> Documents:
        """Read the documents off a store."""
        number, own = store.arrays["document"], np.arange(len(store))
        begins = np.flatnonzero(np.diff(number, prepend=-1))
        sizes = np.diff(np.append(begins, len(store)))
        named = (np.diff(store.arrays["documents_start"]) > 0)[number]
        first = np.where(named, np.repeat(begins, sizes), own)
        return cls(first, np.where(named, np.repeat(begins + sizes, sizes), own + 1))


@dataclass(frozen=True)
class DocumentContext:
    """Takes subwords of the sentences before and after from the same document: the nearest, whole words only.

    The sentences of a corpus follow one another, so a sentence and its surroundings are one run of subwords. Each side
    has at most `size` of them, and at most half of what the sentence leaves of its row; one side does not grow if the
    other is short. A sentence that leaves nothing has no context.

    Attributes:
        corpus: the encoded sentences.
        documents: the beginning and end of their documents.
        size: most subwords on each side.
        room: subwords of a row, without special tokens.
    """

    corpus: EncodedCorpus
    documents: Documents
    size: int
    room: int

    def bounds(self, sentences: Numbers, lengths: Numbers) -> tuple[Numbers, Numbers]:
        """Find where the subwords of sentences begin and end, including their context.

        Args:
            sentences: their numbers.
            lengths: number of subwords of each in its row, which may be more than in the corpus.

        Returns:
            Positions in the subwords of the corpus, `[begin, end)`.
        """
        words, pieces = self.corpus.word_start, self.corpus.piece_start
        begin, end = pieces[words[sentences]], pieces[words[sentences + 1]]
        reach = np.clip((self.room - lengths) // 2, 0, self.size)
        first = np.searchsorted(pieces, begin - reach)
        last = np.searchsorted(pieces, end + reach, side="right") - 1
        first = np.maximum(first, words[self.documents.first[sentences]])
        last = np.minimum(last, words[self.documents.last[sentences]])
        return pieces[first], pieces[last]

    def around(self, sentences: Numbers, lengths: Numbers) -> list[tuple[NDArray[np.int32], NDArray[np.int32]]]:
        """Return the subwords before and after each of several sentences; arguments as in `bounds`."""
        words, starts, pieces = self.corpus.word_start, self.corpus.piece_start, self.corpus.pieces
        own = zip(starts[words[sentences]].tolist(), starts[words[sentences + 1]].tolist(), strict=True)
        with_context = zip(*(bound.tolist() for bound in self.bounds(sentences, lengths)), strict=True)
        return [
            (pieces[outer:begin], pieces[end:outer_end])
            for (begin, end), (outer, outer_end) in zip(own, with_context, strict=True)
        ]

    def sizes(self) -> Numbers:
        """Count the subwords of context of each sentence of the corpus, both sides together."""
        begin, end = self.bounds(np.arange(len(self.corpus)), self.corpus.lengths)
        return end - begin - self.corpus.lengths


def check_documents(store: SentenceStore, split: str, size: int, place: Path | str) -> None:
    """Check that the documents of a split can give context; warn if they cannot.

    Args:
        store: the sentences.
        split: its name.
        size: subwords of context asked for.
        place: of the corpus, for the message.

    Raises:
        DataError: the training data have no documents.
    """
    if not store.arrays["documents"].size:
        what = f"data.context={size}: no sentence of the {split} split belongs to a document"
        if split != "train":
            rank_zero_warn(f"{what}; it is read without context")
            return
        first = store[0].id
        raise DataError(
            f"{what} (the first is {first}): expected -DOCSTART- lines, `# newdoc` comments or a `document` in each "
            "record; mark the documents, or set data.context=0",
            place,
        )
    documents = Documents.of(store)
    if np.array_equal(documents.first + 1, documents.last):
        rank_zero_warn(
            f"data.context={size}: every sentence of the {split} split is a document of its own: there is nothing "
            "around it to be read"
        )
