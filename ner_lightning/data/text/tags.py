"""Turn the tags of a sentence in a file into spans, and report what is wrong with them with its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ner_lightning.data.read_report import ForbiddenStep, Problem, ReadReport
from ner_lightning.errors import DataError
from ner_lightning.tagging import EntitySpan, Repair, irregular_steps, is_transition_allowed, tags_to_spans
from ner_lightning.tagging.notation import STANDARD, Notation, notation_of
from ner_lightning.tagging.schemes import count_steps, fitting_scheme

_LOOKED_AT = 1000  # sentences that show how tags are written, if the scheme is known


class TagWriting(NamedTuple):
    """The way in which a file writes its entities as tags.

    Attributes:
        scheme: the tag scheme; empty for a file without tags.
        notation: how a tag is written.
    """

    scheme: str = ""
    notation: Notation = STANDARD


def writing_of(
    tag_sequences: Iterable[Sequence[str]], scheme: str, entity_type: str | None, path: Path, report: ReadReport
) -> TagWriting:
    """Detect how a file writes tags, and note it if it is unusual.

    Args:
        tag_sequences: the tags of its sentences; with `auto` all of them are drawn.
        scheme: as named by the user, or `auto`.
        entity_type: type of tags that have none.
        path: the file, for messages.
        report: gets the scheme, and a note.

    Raises:
        DataError: tags have no type, and none is named.
    """
    tags: Counter[str] = Counter()
    steps = count_steps(_counted(tag_sequences if scheme == "auto" else _first(tag_sequences), tags))
    try:
        notation = notation_of(tags, scheme, entity_type)
    except ValueError as error:
        raise DataError(str(error), path) from None
    if notation != STANDARD:
        standard: Counter[tuple[str, str]] = Counter()
        for (before, after), count in steps.items():
            standard[notation.standard(before), notation.standard(after)] += count
        steps = standard
        if notation.kind != "bare":
            report.note(str(notation), path, 1)
    report.scheme = fitting_scheme(steps) if scheme == "auto" else scheme
    return TagWriting(report.scheme, notation)


def _counted(tag_sequences: Iterable[Sequence[str]], tags: Counter[str]) -> Iterator[Sequence[str]]:
    for sequence in tag_sequences:
        tags.update(sequence)
        yield sequence


def _first(tag_sequences: Iterable[Sequence[str]]) -> Iterator[Sequence[str]]:
    """Yield the first sequences, and those after them up to one with an entity."""
    marked = False
    for number, tags in enumerate(tag_sequences, 1):
        yield tags
        marked = marked or any(tag not in ("O", "o") for tag in tags)
        if marked and number >= _LOOKED_AT:
            return


def read_tags(
    tags: Sequence[str],
    lines: Sequence[int],
    writing: TagWriting,
    repair: Repair,
    path: Path | str,
    report: ReadReport,
) -> tuple[EntitySpan, ...]:
    """Decode the tags of one sentence, count and list what was repaired.

    Args:
        tags: one per word.
        lines: the line (or row) of each word.
        writing: how the file writes its tags.
        repair: `conlleval`, `discard` or `error`.
        path: the file, for messages.
        report: gets `repaired` and its problems.

    Raises:
        DataError: a tag is not one of the scheme's, or a step is forbidden and `repair` is `error`.
    """
    scheme, notation = writing
    if notation != STANDARD:
        tags = [notation.standard(tag) for tag in tags]
    try:
        spans, repaired = tags_to_spans(tags, scheme, repair)
    except ValueError as error:
        line = lines[min(_first_fault(tags, scheme), len(lines) - 1)]
        raise DataError(f"{error}; correct the tag, name another scheme or repair", path, line) from None
    if repaired:
        report.repaired += repaired
        for index in irregular_steps(tags, scheme):
            before = tags[index - 1] if index else "the start"
            after = tags[index] if index < len(tags) else "the end"
            place = lines[min(index, len(lines) - 1)]
            step = ForbiddenStep(scheme, before, after, repair)
            report.list_problem(Problem("repaired", str(path), place, str(step), step=step))
    return spans


def _first_fault(tags: Sequence[str], scheme: str) -> int:
    steps = zip([None, *tags], [*tags, None], strict=True)
    for index, (before, after) in enumerate(steps):
        try:
            allowed = is_transition_allowed(scheme, before, after)
        except ValueError:
            return index
        if not allowed:
            return index
    return 0
