"""Read brat's standoff format: a text in `.txt`, its annotations beside it in `.ann`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

from ner_lightning.data.locate import ALIASES
from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.reader_options import check_option
from ner_lightning.data.sentence import Sentence
from ner_lightning.data.text.alignment import Annotation, Place
from ner_lightning.data.text.documents import Document, TextOptions, document_sentences
from ner_lightning.data.text.lines import numbered_lines, whole_text
from ner_lightning.errors import DataError

Discontinuous = Literal["join", "first", "drop", "error"]
DISCONTINUOUS: tuple[Discontinuous, ...] = ("join", "first", "drop", "error")

_LOOKED_AT = 20  # documents that decide how words are split
_ENTITY = re.compile(r"(?P<type>\S+) (?P<pieces>\d{1,15} \d{1,15}(?:;\d{1,15} \d{1,15})*)")
# Relations, events, attributes, normalisations, equivalences, notes: nothing about where entities are.
_OTHER = re.compile(r"[REAMN#*][^\t]*\t")

Pieces = list[tuple[int, int]]


@dataclass(eq=False)
class BratReader(TextOptions):
    """A reader of brat's standoff files; positions are characters, and CR LF is two of them.

    A path is a folder of documents, with all folders below it, or the `.txt` or `.ann` of one document. Only text-bound
    annotations (`T`) are read, not relations, events, attributes and notes. Triggers of events are text-bound
    annotations too: choose with `types`. A text without its `.ann` is not annotated; an empty `.ann` says that there
    are no entities. Texts are split by punctuation, and positions are counted so that the texts in the `.ann` are
    found, unless the options say otherwise.

    Args: those of `TextOptions`, and
        types: entity types to read; None: all.
        discontinuous: what to do with a span of several pieces with words between: `join` takes all from its first to
            its last word, `first` its first piece, `drop` leaves it out, `error` refuses. All are counted. Pieces with
            only white space between them are one.
    """

    types: list[str] | None = None
    discontinuous: Discontinuous = "join"
    reads_documents: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check_option("discontinuous", self.discontinuous, DISCONTINUOUS)

    def split_path(self, dataset: str, split: str | None) -> Path | None:
        """Find the folder of a split, below that of the corpus, by its name or another name of the split."""
        for name in () if split is None else (split, *ALIASES.get(split, ())):
            if (Path(dataset).expanduser() / name).is_dir():
                return Path(dataset).expanduser() / name
        return None

    def shard_paths(self, dataset: str, split: str | None) -> list[Path]:
        """List the texts of a split, each of which can be read by itself.

        Raises:
            DataError: there is no such folder, or no document in it.
        """
        path = self.split_path(dataset, split)
        if path is None:
            raise DataError(f"expected a folder {split} with documents, found none", dataset)
        return _texts(path)

    def files_beside(self, path: Path) -> list[Path]:
        """List what `read` reads along with a text: its annotations; or with annotations, their text."""
        return [path.with_suffix(".txt" if path.suffix == ".ann" else ".ann")]

    def read(self, path: Path, report: ReadReport) -> Iterator[Sentence]:
        """Yield the sentences of each document and fill the report.

        Raises:
            DataError: no document, a line that is no annotation, a span outside its text or unlike the text the file
                gives for it, or whatever an option `error` refuses.
        """
        texts = _texts(path)
        root = path if path.is_dir() else path.parent
        reading = self.reading_of(whole_text(file, self.encoding) for file in islice(texts, _LOOKED_AT))
        for file in texts:
            report.documents += 1
            some = False
            for sentence in document_sentences(self._document(file, root, report), reading, report):
                some = True
                yield report.count(sentence, file)
            if not some:
                report.empty_sentences += 1
                report.note("left out: a document without words", file, 1, "empty")

    def _document(self, file: Path, root: Path, report: ReadReport) -> Document:
        text = whole_text(file, self.encoding)
        name = file.relative_to(root).with_suffix("").as_posix()
        standoff = file.with_suffix(".ann")
        if not standoff.is_file():
            return Document(text, None, name, name, Place(file, 1))
        found = []
        for line in _entities(standoff, self.encoding):
            if self.types is None or line.label in self.types:
                found += self._annotation(line, text, standoff, report)
        return Document(text, found, name, name, Place(standoff, 1))

    def _annotation(self, line: _Line, text: str, standoff: Path, report: ReadReport) -> list[Annotation]:
        """Return the annotation of a line in one piece, or none if the options say so."""
        start, end, surface = line.pieces[0][0], line.pieces[-1][1], line.surface
        gaps = [text[a[1] : b[0]] for a, b in pairwise(line.pieces)]
        if not any(gap.strip() for gap in gaps):
            return [Annotation(start, end, line.label, surface, line.number)]
        shown = ";".join(f"[{a}, {b})" for a, b in line.pieces)
        problem = f"{line.label} {shown} {surface!r} is discontinuous"
        if self.discontinuous == "error":
            remedy = "correct it, or write discontinuous=join, first or drop"
            raise DataError(f"expected entities in one piece; {problem}: {remedy}", standoff, line.number)
        report.discontinuous += 1
        done = {"join": f"joined to {text[start:end]!r}", "first": "its first piece taken", "drop": "left out"}
        report.note(
            f"{problem}: {done[self.discontinuous]} ({self.discontinuous})",
            standoff,
            line.number,
            "discontinuous",
            surface,
        )
        if self.discontinuous == "drop":
            return []
        if self.discontinuous == "first":
            end = line.pieces[0][1]
        return [Annotation(start, end, line.label, None, line.number)]


class _Line(NamedTuple):
    label: str
    pieces: Pieces
    surface: str
    number: int


def _texts(path: Path) -> list[Path]:
    """List the texts of a folder, or that of a single document."""
    if path.is_dir():
        texts = sorted(file for file in path.rglob("*.txt") if file.is_file())
        if lonely := next((f for f in sorted(path.rglob("*.ann")) if not f.with_suffix(".txt").is_file()), None):
            raise DataError(f"expected {lonely.stem}.txt beside it, found none; both files are needed", lonely)
        if not texts:
            raise DataError("expected documents (.txt with .ann), found none in the folder or below it", path)
        return texts
    text = path.with_suffix(".txt")
    if not text.is_file():
        raise DataError(f"expected a folder, or {text.name} of a document, found none; check the path", path)
    return [text]


def _entities(standoff: Path, encoding: str) -> Iterator[_Line]:
    """Yield the text-bound annotations of a file."""
    for number, line in numbered_lines(standoff, encoding):
        if not line.strip() or _OTHER.match(line):
            continue
        name, _, rest = line.partition("\t")
        where, tab, surface = rest.partition("\t")
        match = _ENTITY.fullmatch(where)
        if not name.startswith("T") or not tab or match is None:
            raise DataError(
                f"expected an annotation such as 'T1<tab>PER 0 3<tab>Ann', found {line[:60]!r}; correct the line",
                standoff,
                number,
            )
        pieces = [(int(start), int(end)) for start, end in (piece.split(" ") for piece in match["pieces"].split(";"))]
        if any(a[1] > b[0] for a, b in pairwise(pieces)):
            raise DataError(
                f"expected pieces in their order, found {match['pieces']}; correct the line", standoff, number
            )
        yield _Line(match["type"], pieces, surface, number)
