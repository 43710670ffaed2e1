"""What stands around a sentence in its document, as context for the encoder.

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
    """The document of each sentence `[sentences]`; one that belongs to none stands alone.

    Attributes:
        first: its first sentence.
        last: the sentence after its last.
    """

    first: Numbers
    last: Numbers

    @classmethod
    def of(cls, store: SentenceStore) -> Documents:
        """Read off what the reader found."""
        number, own = store.arrays["document"], np.arange(len(store))
        begins = np.flatnonzero(np.diff(number, prepend=-1))
        sizes = np.diff(np.append(begins, len(store)))
        named = (np.diff(store.arrays["documents_start"]) > 0)[number]
        first = np.where(named, np.repeat(begins, sizes), own)
        return cls(first, np.where(named, np.repeat(begins + sizes, sizes), own + 1))


@dataclass(frozen=True)
class DocumentContext:
    """Takes subwords of the sentences before and after from the same document: the nearest, and whole words only.

    The sentences of a corpus stand one after another, so that a sentence and what is around it are one run of subwords.
    Each side has at most `size` of them, and at most half of what the sentence leaves of its row; one side does not
    grow where the other is short. A sentence that leaves nothing has no context.

    Attributes:
        corpus: the encoded sentences.
        documents: where their documents begin and end.
        size: subwords on each side at most.
        room: subwords of a row, special tokens not counted.
    """

    corpus: EncodedCorpus
    documents: Documents
    size: int
    room: int

    def bounds(self, sentences: Numbers, lengths: Numbers) -> tuple[Numbers, Numbers]:
        """Where the subwords of sentences begin and end together with their context.

        Args:
            sentences: their numbers.
            lengths: subwords that each has in its row, which may be more than the corpus has of it.

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
        """The subwords before and after each of several sentences; arguments as of `bounds`."""
        words, starts, pieces = self.corpus.word_start, self.corpus.piece_start, self.corpus.pieces
        own = zip(starts[words[sentences]].tolist(), starts[words[sentences + 1]].tolist(), strict=True)
        with_context = zip(*(bound.tolist() for bound in self.bounds(sentences, lengths)), strict=True)
        return [
            (pieces[outer:begin], pieces[end:outer_end])
            for (begin, end), (outer, outer_end) in zip(own, with_context, strict=True)
        ]

    def sizes(self) -> Numbers:
        """Subwords of context of each sentence of the corpus, both sides together."""
        begin, end = self.bounds(np.arange(len(self.corpus)), self.corpus.lengths)
        return end - begin - self.corpus.lengths


def check_documents(store: SentenceStore, split: str, size: int, place: Path | str) -> None:
    """See whether context can be had from the documents of a split; warn where it cannot.

    Args:
        store: the sentences.
        split: its name.
        size: subwords of context asked for.
        place: of the corpus, for the message.

    Raises:
        DataError: the training data know no documents.
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
