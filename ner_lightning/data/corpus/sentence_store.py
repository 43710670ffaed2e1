"""The sentences of a file as flat arrays: small, mapped from disk, and made into objects one by one when needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import overload

import numpy as np

from ner_lightning.data.read_report import ReadReport, SentenceLimit, report_from_dict, report_to_dict
from ner_lightning.data.sentence import Sentence
from ner_lightning.storage.flat_arrays import Arrays, ArrayType, ArrayWriter, MemoryWriter, Schema
from ner_lightning.tagging.spans import EntitySpan, touches

CHUNK = 10_000
"""Number of sentences that are Python objects at a time while a file is read."""

# Strings are concatenated in UTF-8. `*_start` has a row for each sentence and one more.
SENTENCES: Schema = {
    "words": ArrayType("u1"),
    "words_start": ArrayType("i8"),  # byte where the words of a sentence begin
    "word_bytes": ArrayType("u4"),  # a row for each word
    "word_start": ArrayType("i8"),
    "spans": ArrayType("i4", 3),  # first word, word after the last, number of the type
    "spans_start": ArrayType("i8"),
    "unknown": ArrayType("i4"),
    "unknown_start": ArrayType("i8"),
    "ids": ArrayType("u1"),
    "ids_start": ArrayType("i8"),
    "documents": ArrayType("u1"),  # a name for each run of sentences of one document
    "documents_start": ArrayType("i8"),
    "document": ArrayType("i4"),  # number of that run
    "texts": ArrayType("u1"),
    "texts_start": ArrayType("i8"),
    "offsets": ArrayType("i4", 2),
    "offsets_start": ArrayType("i8"),  # no offsets: no text
}


class SentenceStore(Sequence[Sentence]):
    """Sentences over the arrays of `SENTENCES`, each made when needed; a slice is a list.

    Args:
        arrays: as `store_sentences` writes them.
        key: digest of their source; None if they are not kept.
    """

    def __init__(self, arrays: Arrays, key: str | None = None) -> None:
        self.arrays, self.key = arrays, key
        self.types: list[str] = arrays.about["types"]

    @property
    def report(self) -> ReadReport:
        """The report of reading them."""
        return report_from_dict(self.arrays.about["report"])

    def __len__(self) -> int:
        return len(self.arrays["word_start"]) - 1

    @overload
    def __getitem__(self, index: int) -> Sentence: ...
    @overload
    def __getitem__(self, index: slice) -> list[Sentence]: ...
    def __getitem__(self, index: int | slice) -> Sentence | list[Sentence]:
        if isinstance(index, slice):
            return [self._sentence(i) for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return self._sentence(index % len(self))

    def __iter__(self) -> Iterator[Sentence]:
        return map(self._sentence, range(len(self)))

    def type_counts(self) -> dict[str, int]:
        """Count the mentions of each entity type.

        >>> in_memory([Sentence(("Oslo",), (EntitySpan(0, 1, "LOC"),))]).type_counts()
        {'LOC': 1}
        """
        counts = np.bincount(self.arrays["spans"][:, 2], minlength=len(self.types)).tolist()
        return dict(zip(self.types, counts, strict=True))

    def uncounted_entities(self) -> int:
        """Count the entities that evaluation ignores: those with or beside an unannotated word.

        >>> in_memory([Sentence(("in", "Oslo", "now"), (EntitySpan(1, 2, "LOC"),), unknown=(2,))]).uncounted_entities()
        1
        """
        partial = np.flatnonzero(np.diff(self.arrays["unknown_start"])).tolist()
        return sum(touches(span, set(self[index].unknown)) for index in partial for span in self[index].spans)

    def words(self, first: int, last: int) -> list[str]:
        """Return the words of sentences `first` up to `last`, one after another."""
        start, end = self.arrays["word_start"][[first, last]]
        byte, last_byte = self.arrays["words_start"][[first, last]]
        return _split(self.arrays["words"][byte:last_byte], self.arrays["word_bytes"][start:end])

    def _sentence(self, index: int) -> Sentence:
        spans = self._rows("spans", index).tolist()
        offsets = self._rows("offsets", index).tolist()
        number = int(self.arrays["document"][index])
        return Sentence(
            tuple(self.words(index, index + 1)),
            tuple(EntitySpan(start, end, self.types[label]) for start, end, label in spans),
            tuple(self._rows("unknown", index).tolist()),
            self._string("ids", index),
            self._string("documents", number),
            self._string("texts", index) if offsets else None,
            tuple((start, end) for start, end in offsets) or None,
        )

    def _rows(self, name: str, index: int) -> np.ndarray:
        starts = self.arrays[f"{name}_start"]
        return self.arrays[name][starts[index] : starts[index + 1]]

    def _string(self, name: str, index: int) -> str:
        return self._rows(name, index).tobytes().decode()


def _split(raw: np.ndarray, sizes: np.ndarray) -> list[str]:
    whole, ends = raw.tobytes(), np.cumsum(sizes, dtype=np.int64).tolist()
    if whole.isascii():  # bytes are characters: decode once
        text = whole.decode("ascii")
        return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    return [whole[start:end].decode() for start, end in zip([0, *ends], ends, strict=False)]


def store_sentences(sentences: Iterable[Sentence], report: ReadReport, writer: ArrayWriter) -> Arrays:
    """Write sentences as arrays, with never more than a chunk of them in memory.

    Args:
        sentences: iterated once.
        report: complete after the last sentence.
        writer: takes `SENTENCES`.
    """
    packer, drawn = _Packer(), iter(sentences)
    writer.append(**packer.starts())
    while chunk := list(islice(drawn, CHUNK)):
        writer.append(**packer.pack(chunk))
    return writer.finish({"types": list(packer.types), "report": report_to_dict(report)})


def in_memory(sentences: Iterable[Sentence]) -> SentenceStore:
    """Store sentences as arrays in memory.

    >>> in_memory([Sentence(("Oslo", "is"), (EntitySpan(0, 1, "LOC"),))])[0].spans
    (EntitySpan(start=0, end=1, label='LOC'),)
    """
    report = ReadReport(limit=SentenceLimit(None))
    return SentenceStore(store_sentences(map(report.count, sentences), report, MemoryWriter(SENTENCES)))


class _Packer:
    """Turns chunks of sentences into rows to append to those written before."""

    def __init__(self) -> None:
        self.types: dict[str, int] = {}
        self._ends = dict.fromkeys((name for name in SENTENCES if name.endswith("_start")), 0)
        self._document, self._documents = "", 0

    def starts(self) -> dict[str, np.ndarray]:
        """Return the first row of each `*_start`."""
        return {name: np.zeros(1, np.int64) for name in self._ends}

    def pack(self, chunk: list[Sentence]) -> dict[str, np.ndarray]:
        words = [word.encode() for sentence in chunk for word in sentence.words]
        sizes = np.fromiter(map(len, words), np.int64, len(words))
        counts = np.fromiter((len(sentence.words) for sentence in chunk), np.int64, len(chunk))
        word_ends = np.cumsum(counts)
        document, names = self._number_documents(chunk)
        spans = [
            (start, end, self.types.setdefault(label, len(self.types)))
            for sentence in chunk
            for start, end, label in sentence.spans
        ]
        offsets = [pair for sentence in chunk for pair in sentence.offsets or ()]
        return {
            "words": _bytes(words),
            "words_start": self._put("words_start", np.concatenate(([0], np.cumsum(sizes)))[word_ends]),
            "word_bytes": sizes,
            "word_start": self._put("word_start", word_ends),
            "spans": np.array(spans, np.int32).reshape(-1, 3),
            "spans_start": self._count("spans_start", (len(s.spans) for s in chunk)),
            "unknown": np.array([index for sentence in chunk for index in sentence.unknown], np.int32),
            "unknown_start": self._count("unknown_start", (len(s.unknown) for s in chunk)),
            "document": document,
            "offsets": np.array(offsets, np.int32).reshape(-1, 2),
            "offsets_start": self._count("offsets_start", (len(s.offsets or ()) for s in chunk)),
            **self._strings("ids", [sentence.id for sentence in chunk]),
            **self._strings("documents", names),
            **self._strings("texts", [sentence.text or "" for sentence in chunk]),
        }

    def _number_documents(self, chunk: list[Sentence]) -> tuple[np.ndarray, list[str]]:
        numbers, names = [], []
        for sentence in chunk:
            if sentence.document != self._document or not self._documents:
                names.append(sentence.document)
                self._document, self._documents = sentence.document, self._documents + 1
            numbers.append(self._documents - 1)
        return np.array(numbers, np.int32), names

    def _strings(self, name: str, strings: list[str]) -> dict[str, np.ndarray]:
        encoded = [string.encode() for string in strings]
        return {name: _bytes(encoded), f"{name}_start": self._count(f"{name}_start", map(len, encoded))}

    def _count(self, name: str, counts: Iterable[int]) -> np.ndarray:
        return self._put(name, np.cumsum(np.fromiter(counts, np.int64)))

    def _put(self, name: str, ends: np.ndarray) -> np.ndarray:
        ends = ends + self._ends[name]
        if len(ends):
            self._ends[name] = int(ends[-1])
        return ends


def _bytes(parts: list[bytes]) -> np.ndarray:
    return np.frombuffer(b"".join(parts), np.uint8)
