"""Pieces of corpora, and splits that are combined from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ner_lightning.data.corpus.corpus import Corpus
from ner_lightning.data.corpus.sentence_store import SENTENCES, SentenceStore, store_sentences
from ner_lightning.data.read_report import ReadReport, SentenceLimit
from ner_lightning.data.sentence import Sentence
from ner_lightning.storage.cache import Cache
from ner_lightning.storage.fingerprint import digest, fingerprint_code
from ner_lightning.storage.flat_arrays import Arrays, ArrayWriter, MemoryWriter
from ner_lightning.tagging.spans import EntitySpan

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Piece:
    """Sentences of a file.

    Attributes:
        corpus: the corpus of the file.
        store: the sentences of the whole file.
        chosen: the chosen ones, in their order; None: all.
    """

    corpus: Corpus
    store: SentenceStore
    chosen: Numbers | None = None

    def __len__(self) -> int:
        return len(self.store) if self.chosen is None else len(self.chosen)

    @property
    def indices(self) -> Numbers:
        """The chosen sentences of the file, by number."""
        return np.arange(len(self.store)) if self.chosen is None else self.chosen

    def take(self, wanted: Numbers) -> Piece:
        """Take some of its sentences, by their places in the piece."""
        return replace(self, chosen=self.indices[wanted])

    @property
    def as_it_is(self) -> bool:
        """Whether it is a file as it is, of the only corpus."""
        renamed = any(self.corpus.label(name) != name for name in self.store.types)
        return self.chosen is None and not self.corpus.name and not renamed

    def sentences(self) -> Iterator[Sentence]:
        """Yield the sentences with types and document names as used for all corpora together."""
        corpus = self.corpus
        labels = {name: corpus.label(name) for name in self.store.types}
        renamed = any(name != label for name, label in labels.items())
        for index in self.indices.tolist():
            sentence = self.store[index]
            if renamed:
                pairs = [(span, labels[span.label]) for span in sentence.spans]
                spans = tuple(EntitySpan(span.start, span.end, label) for span, label in pairs if label is not None)
                sentence = replace(sentence, spans=spans)
            if corpus.name:
                document = f"{corpus.name}/{sentence.document}" if sentence.document else ""
                sentence = replace(sentence, id=f"{corpus.name}/{sentence.id}", document=document)
            yield sentence


def join_pieces(pieces: Sequence[Piece], cache: Cache | None) -> SentenceStore:
    """Join the sentences of pieces; a single file as it is needs no joining.

    Args:
        pieces: at least one.
        cache: keeps the result; None: it is not kept.
    """
    if len(pieces) == 1 and pieces[0].as_it_is:
        return pieces[0].store

    def build(writer: ArrayWriter) -> Arrays:
        report = _decisions(pieces)
        drawn = (report.count(sentence) for piece in pieces for sentence in piece.sentences())
        return store_sentences(_documents_counted(drawn, report), report, writer)

    key = _key(pieces)
    if cache is None or key is None:
        return SentenceStore(build(MemoryWriter(SENTENCES)))
    return SentenceStore(cache.entry("sentences", key, SENTENCES, build), key)


def _documents_counted(sentences: Iterator[Sentence], report: ReadReport) -> Iterator[Sentence]:
    names = set()
    for sentence in sentences:
        if sentence.document and sentence.document not in names:
            names.add(sentence.document)
            report.documents = len(names)
        yield sentence


def _decisions(pieces: Sequence[Piece]) -> ReadReport:
    """Combine the decisions of readers in whole files; for a divided file nobody knows which part they concern.

    Counts of sentences and of their content are left at zero.
    """
    whole = ReadReport(limit=SentenceLimit(None))  # they were read before
    for piece in pieces:
        if piece.chosen is None:
            whole.add(piece.store.report)
    schemes = dict.fromkeys(piece.store.report.scheme or "spans" for piece in pieces)
    whole.scheme = "" if list(schemes) == ["spans"] else ", ".join(schemes)
    whole.sentences = whole.words = whole.entities = whole.documents = whole.unknown_words = 0
    whole.types.clear()
    return whole


def _key(pieces: Sequence[Piece]) -> str | None:
    """Digest the content of the pieces; None if one of the files has no digest."""
    if any(piece.store.key is None for piece in pieces):
        return None
    parts = [
        (
            piece.store.key,
            None if piece.chosen is None else digest(piece.chosen.tolist()),
            piece.corpus.name,
            {name: piece.corpus.label(name) for name in piece.store.types},
        )
        for piece in pieces
    ]
    return digest("joined", parts, fingerprint_code())


class Extent(NamedTuple):
    """The sentences of one corpus in a split, from `first` up to `last`, and counts of their content."""

    first: int
    last: int
    words: int
    entities: int
    types: int

    @classmethod
    def of(cls, store: SentenceStore, first: int, last: int) -> Extent:
        """Count the content of some sentences of a split."""
        start, end = store.arrays["word_start"][[first, last]].tolist()
        span, last_span = store.arrays["spans_start"][[first, last]].tolist()
        types = np.unique(store.arrays["spans"][span:last_span, 2])
        return cls(first, last, end - start, last_span - span, len(types))


def find_extents(pieces: Sequence[Piece], store: SentenceStore) -> dict[str, Extent]:
    """Find the sentences of each corpus in the joined pieces, which are in the order of their corpora."""
    sizes: dict[str, int] = {}
    for piece in pieces:
        sizes[piece.corpus.name] = sizes.get(piece.corpus.name, 0) + len(piece)
    found, first = {}, 0
    for name, size in sizes.items():
        found[name] = Extent.of(store, first, first + size)
        first += size
    return found


class Weighted(NamedTuple):
    """Sentences `first` up to `last`, and how often each is drawn per epoch; 0.5: another half of them each epoch."""

    first: int
    last: int
    weight: float
