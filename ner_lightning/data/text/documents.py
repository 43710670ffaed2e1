"""Texts with annotated spans become sentences; shared by the readers of annotation tools."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple, Protocol

from ner_lightning.data.options import check_option
from ner_lightning.data.report import ReadReport
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
    """A text and what somebody annotated in it.

    Attributes:
        text: the text.
        annotations: its entities, positions as the file has them; None: nobody annotated it.
        name: what its sentences are called after.
        document: the document it is, or is of; empty where that is unknown.
        place: where it stands.
    """

    text: str
    annotations: list[Annotation] | None
    name: str
    document: str
    place: Place


class Reading(NamedTuple):
    """How texts become sentences.

    Attributes:
        words: see `split_words`.
        sentences: see `split_sentences`.
        policy: of spans that do not fit.
        positions: how positions are counted; `auto`: as the surfaces in the file say.
        options: of the reader that say how positions are counted, for messages.
        surface: what to do where a text differs from what the file says it is.
        writing: how tags are written, where records have tags.
    """

    words: SplitRule
    sentences: SentenceRule
    policy: Policy
    positions: Positions | Counting | Literal["auto"]
    options: str = "positions"
    surface: Surface = "error"
    writing: TagWriting = TagWriting()


class TextOptions(Protocol):
    """The options of a reader of annotated texts, under the names they have in its constructor."""

    words: SplitRule | Literal["auto"]
    sentences: SentenceRule | Literal["auto"]
    positions: Positions | Literal["auto"]
    misaligned: Misaligned
    overlap: Overlap


def check_text_options(reader: TextOptions) -> None:
    """Refuse an option that is none.

    Raises:
        ValueError: naming it, and what it can be.
    """
    check_option("words", reader.words, ("auto", *SPLIT_RULES))
    check_option("sentences", reader.sentences, ("auto", *SENTENCE_RULES))
    check_option("positions", reader.positions, POSITION_CHOICES)
    check_option("misaligned", reader.misaligned, MISALIGNED)
    check_option("overlap", reader.overlap, OVERLAPS)
    check_option("surface", _surface(reader), SURFACES)


def _surface(reader: TextOptions) -> Surface:
    """The option of readers whose files give the text of a span."""
    return getattr(reader, "surface", "error")


def reading_of(reader: TextOptions, texts: Iterable[str], sentences: SentenceRule = "punctuation") -> Reading:
    """How a reader's options say that texts become sentences.

    Args:
        reader: its options.
        texts: some of them, which decide how words are split where the options do not.
        sentences: where they are cut where the options do not say.
    """
    return Reading(
        split_rule(texts) if reader.words == "auto" else reader.words,
        sentences if reader.sentences == "auto" else reader.sentences,
        Policy(reader.misaligned, reader.overlap),
        reader.positions,
        surface=_surface(reader),
    )


def document_sentences(document: Document, reading: Reading, report: ReadReport) -> Iterator[Sentence]:
    """Cut a document into sentences, never through an entity; those without a word are left out.

    A sentence of several is called `name:first character`. What is yielded is not counted yet.

    Raises:
        DataError: a span that is not in the text, or that the policy refuses; a text with half a character.
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
    """List, once a report, that positions are not characters."""
    what = f"positions are counted in {counting}"
    if not any(problem.what == what for problem in report.problems):
        report.note(what, place.path, place.line)


def _moved(annotation: Annotation, start: int, size: int) -> Annotation:
    """An annotation in a piece of its text; an edge in the white space between pieces moves to the piece's."""
    return annotation._replace(start=max(annotation.start - start, 0), end=min(annotation.end - start, size))


def _check_whole(text: str, place: Place) -> None:
    """A lone surrogate, which no tokenizer takes, is half a character."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        message = f"expected whole characters, found half of one (U+{ord(text[error.start]):04X}) at {error.start}"
        raise DataError(f"{message}; export the text again", place.path, place.line) from None
