"""Turn texts with annotated spans into sentences; shared by the readers of annotation tools."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.reader_options import check_option
from ner_lightning.data.sentence import Sentence
from ner_lightning.data.text.alignment import (
    MISALIGNED,
    POSITION_CHOICES,
    SURFACES,
    Annotation,
    Counting,
    Misaligned,
    Place,
    Policy,
    Surface,
    in_characters,
    lay,
)
from ner_lightning.data.text.positions import Positions
from ner_lightning.data.text.sentence_splitting import SENTENCE_RULES, SentenceRule, split_sentences
from ner_lightning.data.text.tags import TagWriting
from ner_lightning.data.text.words import OVERLAPS, SPLIT_RULES, Overlap, SplitRule, split_rule, split_words
from ner_lightning.errors import DataError


class Document(NamedTuple):
    """A text and its annotations.

    Attributes:
        text: the text.
        annotations: its entities, positions as the file has them; None: nobody annotated it.
        name: the name that its sentences are named after.
        document: name of the document that it is or belongs to; empty if unknown.
        place: its place in a file.
    """

    text: str
    annotations: list[Annotation] | None
    name: str
    document: str
    place: Place


class Reading(NamedTuple):
    """The rules by which texts become sentences.

    Attributes:
        words: see `split_words`.
        sentences: see `split_sentences`.
        policy: for spans that do not fit.
        positions: how positions are counted; `auto`: as the surfaces in the file say.
        options: names of the reader's options for counting, for messages.
        surface: what to do if a text differs from what the file says it is.
        writing: how tags are written, if records have tags.
    """

    words: SplitRule
    sentences: SentenceRule
    policy: Policy
    positions: Positions | Counting | Literal["auto"]
    options: str = "positions"
    surface: Surface = "error"
    writing: TagWriting = TagWriting()


@dataclass(kw_only=True, eq=False)
class TextOptions:
    """The options of every reader of annotated texts, and how texts become sentences by them.

    Args:
        words: how a text becomes words, see `split_words`: `whitespace`, `punctuation` or `characters`; `auto`:
            characters if the first texts are in a script without spaces, otherwise `punctuation`.
        sentences: where a text is split, see `split_sentences`: `punctuation`, `lines` or `none`; `auto`: as usual for
            the format.
        positions: how positions are counted: `characters` (code points), `utf16` (as JavaScript does), `graphemes` or
            `bytes`; `auto`: as the file shows.
        misaligned: what to do with a span that has an edge inside a word: `snap` widens it to whole words, `drop`
            leaves it out, `error` refuses. All are counted. A span of only white space is dropped.
        surface: what to do if the text at a position differs from the one the file gives: `error`, or take the position
            and `warn` in the report, or `ignore` it. Some exports widen positions to words but not the text.
        overlap: which of overlapping spans stays, `first` or `longest`, or `error`; the others are counted.
        encoding: of the files.

    Raises:
        ValueError: an unknown option; the message names it and the known ones.
    """

    words: SplitRule | Literal["auto"] = "auto"
    sentences: SentenceRule | Literal["auto"] = "auto"
    positions: Positions | Literal["auto"] = "auto"
    misaligned: Misaligned = "snap"
    surface: Surface = "error"
    overlap: Overlap = "first"
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        check_option("words", self.words, ("auto", *SPLIT_RULES))
        check_option("sentences", self.sentences, ("auto", *SENTENCE_RULES))
        check_option("positions", self.positions, POSITION_CHOICES)
        check_option("misaligned", self.misaligned, MISALIGNED)
        check_option("surface", self.surface, SURFACES)
        check_option("overlap", self.overlap, OVERLAPS)

    def reading_of(self, texts: Iterable[str], sentences: SentenceRule = "punctuation") -> Reading:
        """Decide how texts become sentences.

        Args:
            texts: some of them, which decide how words are split if the options do not.
            sentences: where they are split if the options do not say.
        """
        return Reading(
            split_rule(texts) if self.words == "auto" else self.words,
            sentences if self.sentences == "auto" else self.sentences,
            Policy(self.misaligned, self.overlap),
            self.positions,
            surface=self.surface,
        )


def document_sentences(document: Document, reading: Reading, report: ReadReport) -> Iterator[Sentence]:
    """Split a document into sentences, never inside an entity; those without a word are left out.

    If there are several, each is named `name:first character`. The sentences yielded are not counted yet.

    Raises:
        DataError: a span is not in the text, or refused by the policy; the text has half a character.
    """
    text, place = document.text, document.place
    _check_whole(text, place)
    annotations: list[Annotation] = []
    if document.annotations:
        annotations, counting = in_characters(
            document.annotations, text, reading.positions, place, reading.options, reading.surface, report
        )
        if reading.positions == "auto" and counting != Counting():
            tell_counting(counting, place, report)
    pieces = split_sentences(text, reading.sentences, ((a.start, a.end) for a in annotations))
    whole = len(pieces) == 1
    for low, high in pieces:
        start, end = low, high
        if not whole:  # the white space between sentences
            end = start + len(text[start:end].rstrip())
            start += len(text[start:end]) - len(text[start:end].lstrip())
        piece = text[start:end]
        offsets = split_words(piece, reading.words)
        if not offsets:
            continue
        inside = [_moved(a, start, len(piece)) for a in annotations if low <= a.start < high]
        yield Sentence(
            tuple(piece[a:b] for a, b in offsets),
            lay(inside, piece, offsets, reading.policy, place, report),
            tuple(range(len(offsets))) if document.annotations is None else (),
            document.name if whole else f"{document.name}:{start}",
            document.document,
            piece,
            offsets,
        )


def tell_counting(counting: Counting, place: Place, report: ReadReport) -> None:
    """Note, once per report, that positions are not characters."""
    what = f"positions are counted in {counting}"
    if not any(problem.what == what for problem in report.problems):
        report.note(what, place.path, place.line)


def _moved(annotation: Annotation, start: int, size: int) -> Annotation:
    """Move an annotation into a piece of its text; an edge in white space between pieces moves to the piece's edge."""
    return annotation._replace(start=max(annotation.start - start, 0), end=min(annotation.end - start, size))


def _check_whole(text: str, place: Place) -> None:
    """Refuse lone surrogates, halves of characters that no tokenizer accepts."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        message = f"expected whole characters, found half of one (U+{ord(text[error.start]):04X}) at {error.start}"
        raise DataError(f"{message}; export the text again", place.path, place.line) from None
