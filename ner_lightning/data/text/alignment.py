"""Lay character spans over words: spans that cut words, nest or overlap are treated by a policy, and listed."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.text.positions import POSITIONS, Positions, Ruler, may_differ
from ner_lightning.data.text.words import Offsets, Overlap, covered_words, without_overlaps
from ner_lightning.errors import DataError
from ner_lightning.tagging import EntitySpan

Misaligned = Literal["snap", "drop", "error"]
Surface = Literal["error", "warn", "ignore"]
SURFACES: tuple[Surface, ...] = ("error", "warn", "ignore")
MISALIGNED: tuple[Misaligned, ...] = ("snap", "drop", "error")
POSITION_CHOICES = ("auto", *POSITIONS)

_SHOWN = 60  # characters of a text in a message


class Annotation(NamedTuple):
    """One annotated entity.

    Attributes:
        start: its first position.
        end: the position after its last.
        label: entity type.
        surface: the text the file gives for it, None if it gives none.
        line: its line, if not that of its text.
    """

    start: int
    end: int
    label: str
    surface: str | None = None
    line: int | None = None


class Policy(NamedTuple):
    """The treatment of spans that words and flat tags cannot represent.

    Attributes:
        misaligned: a span with an edge inside a word: `snap` widens it to whole words, `drop` leaves it out, `error`
            refuses. A span around no word is left out, or refused.
        overlap: which of overlapping spans stays: `first` or `longest`; `error` refuses.
    """

    misaligned: Misaligned = "snap"
    overlap: Overlap = "first"


class Counting(NamedTuple):
    """How positions are counted.

    Attributes:
        positions: the unit.
        one_line_end: whether CR LF counts as one.
    """

    positions: Positions = "characters"
    one_line_end: bool = False

    def __str__(self) -> str:
        return self.positions + (" with CR LF as one" if self.one_line_end else "")


# In the order of preference, for files that several explain equally well.
COUNTINGS = tuple(Counting(unit, one) for one in (False, True) for unit in ("characters", "utf16"))


class Place(NamedTuple):
    """A place in a file, for messages."""

    path: Path
    line: int


def lay(
    annotations: Iterable[Annotation], text: str, offsets: Offsets, policy: Policy, place: Place, report: ReadReport
) -> tuple[EntitySpan, ...]:
    """Lay annotated spans over words and list what did not fit.

    Args:
        annotations: in characters of `text`, inside it; duplicates are taken once.
        text: the text.
        offsets: of its words.
        policy: what to do with what does not fit.
        place: of the text.
        report: gets `misaligned`, `overlapping`, `nested` and the problems.

    Returns:
        Spans over words, in order, none overlapping.

    Raises:
        DataError: whatever the policy refuses.
    """
    unique = {(found.start, found.end, found.label): found for found in annotations}
    laid: list[EntitySpan] = []
    lines: dict[EntitySpan, int] = {}
    for found in unique.values():
        span = _laid(found, text, offsets, policy, place, report)
        if span is not None:
            laid.append(span)
            lines.setdefault(span, found.line or place.line)
    return leave_out_overlaps(laid, [text[start:end] for start, end in offsets], policy, place, report, lines)


def leave_out_overlaps(
    spans: Sequence[EntitySpan],
    words: Sequence[str],
    policy: Policy,
    place: Place,
    report: ReadReport,
    lines: dict[EntitySpan, int] | None = None,
) -> tuple[EntitySpan, ...]:
    """Leave out overlapping spans, count and list them; of nested spans the outermost stays.

    Args:
        spans: over words.
        words: the words.
        policy: what to do with overlaps.
        place: of the sentence.
        report: gets `overlapping`, `nested` and the problems.
        lines: lines of spans, if not that of the sentence.

    Raises:
        DataError: spans overlap, and the policy refuses.
    """
    try:
        kept, left_out = without_overlaps(spans, policy.overlap)
    except ValueError as error:
        raise DataError(f"{error}; correct them, or write overlap=first or longest", place.path, place.line) from None
    for span in left_out:
        other = next(k for k in kept if span.start < k.end and k.start < span.end)
        nested = (other.start, other.end) != (
            span.start,
            span.end,
        ) and other.start <= span.start < span.end <= other.end
        shown, around = (f"{s.label} {shorten_message(' '.join(words[s.start : s.end]))!r}" for s in (span, other))
        report.nested += nested
        report.overlapping += not nested
        report.note(
            f"left out: {shown} {'nested in' if nested else 'overlaps'} {around} ({policy.overlap})",
            place.path,
            (lines or {}).get(span, place.line),
            "nested" if nested else "overlapping",
            " ".join(words[span.start : span.end]),
        )
    return kept


def in_characters(
    annotations: Sequence[Annotation],
    text: str,
    positions: Positions | Counting | Literal["auto"],
    place: Place,
    options: str = "positions",
    surface: Surface = "error",
    report: ReadReport | None = None,
) -> tuple[list[Annotation], Counting]:
    """Convert annotations to characters of their text, and return how they were counted.

    Args:
        annotations: with positions as the file has them.
        text: the text of the positions.
        positions: how they are counted; `auto`: so that all surfaces the file gives are found, characters if possible.
        place: of the text.
        options: names of the reader's options for counting, for the message.
        surface: what to do if the text at a position differs from what the file gives: `error`, or take the position,
            and `warn` in the report.
        report: gets the warnings.

    Raises:
        DataError: a span is outside the text, inside a character, or unlike its surface if that is an error.

    >>> where = Place(Path("a.ann"), 1)
    >>> in_characters([Annotation(3, 7, "LOC", "Oslo")], "👍 Oslo", "auto", where)[0]
    [Annotation(start=2, end=6, label='LOC', surface='Oslo', line=None)]
    """
    if isinstance(positions, Counting):
        counting = positions
    elif positions != "auto":
        counting = Counting(positions)
    elif may_differ(text) and any(found.surface is not None for found in annotations):
        counting = _fitting(annotations, text, surface)
    else:
        counting = Counting()
    for found, fault, inside in _faults(annotations, text, counting):
        if inside and surface != "error":
            if surface == "warn" and report is not None:
                report.note(f"{fault}; the position is taken", place.path, found.line or place.line)
            continue
        remedy = f"correct it, or say how the file counts: {options} (read as {counting})"
        cut = ", or take positions as they are: surface=warn" if inside else ""
        raise DataError(f"{fault}; {remedy}{cut}", place.path, found.line or place.line)
    ruler = Ruler(text, *counting)
    found_there = [(found, ruler.character(found.start), ruler.character(found.end)) for found in annotations]
    return [
        f._replace(start=start, end=end) for f, start, end in found_there if start is not None and end is not None
    ], counting


def _fitting(annotations: Sequence[Annotation], text: str, surface: Surface) -> Counting:
    """Find the first way of counting that finds all surfaces; if they may differ, the one that finds most."""
    if surface == "error":
        fitting = (c for c in COUNTINGS if next(_faults(annotations, text, c), None) is None)
        return next(fitting, Counting())
    return min(COUNTINGS, key=lambda counting: sum(1 for _ in _faults(annotations, text, counting)))


def count_misfits(annotations: Sequence[Annotation], text: str, offsets: Offsets, counting: Counting) -> int:
    """Count the spans that are outside the text, cut a word or differ from their surface if counted this way."""
    ruler = Ruler(text, *counting)
    cut = 0
    for found in annotations:
        start, end = ruler.character(found.start), ruler.character(found.end)
        if start is None or end is None or start >= end:
            cut += 1
            continue
        covered = covered_words(start, end, offsets)
        differs = found.surface is not None and _plain(found.surface) != _plain(text[start:end])
        cut += covered is None or not covered[2] or differs
    return cut


def shorten_message(text: str) -> str:
    """Cut a long text to its beginning, for a message."""
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _laid(
    found: Annotation, text: str, offsets: Offsets, policy: Policy, place: Place, report: ReadReport
) -> EntitySpan | None:
    """Lay one span over words; None if it is left out."""
    start, end = found.start, found.end
    covered = covered_words(start, end, offsets)
    if covered is not None and (covered[2] or _cuts_nothing_visible(start, end, text, offsets, covered)):
        return EntitySpan(covered[0], covered[1], found.label)
    problem = f"{found.label} [{start}, {end}) {shorten_message(text[start:end])!r} lies "
    line = found.line or place.line
    problem += "around no word" if covered is None else "inside a word"
    if policy.misaligned == "error":
        raise DataError(
            f"expected a span of whole words; {problem}: correct it, or write misaligned=snap or drop", place.path, line
        )
    report.misaligned += 1
    taken = covered is not None and policy.misaligned == "snap"
    wide = "" if covered is None else text[offsets[covered[0]][0] : offsets[covered[1] - 1][1]]
    done = f"widened to {shorten_message(wide)!r}" if taken else "left out"
    report.note(f"{problem}: {done} ({policy.misaligned})", place.path, line, "misaligned", text[start:end])
    return EntitySpan(covered[0], covered[1], found.label) if taken and covered is not None else None


def _cuts_nothing_visible(start: int, end: int, text: str, offsets: Offsets, covered: tuple[int, int, bool]) -> bool:
    """Tell whether only direction marks, zero-width spaces and the like are cut off at the edges of words."""
    first, last = offsets[covered[0]][0], offsets[covered[1] - 1][1]
    return all(unicodedata.category(c) == "Cf" and c != "\u200d" for c in text[first:start] + text[end:last])


def _faults(annotations: Iterable[Annotation], text: str, counting: Counting) -> Iterator[tuple[Annotation, str, bool]]:
    """Yield spans that are not in the text or not as the file says, with the reason, and whether they are inside."""
    ruler = Ruler(text, *counting)
    size = f"the {len(text)} characters of the text"
    for found in annotations:
        start, end = ruler.character(found.start), ruler.character(found.end)
        if start is None or end is None or start >= end:
            yield found, f"expected a span inside {size}, found [{found.start}, {found.end}) {found.label}", False
        elif found.surface is not None and _plain(found.surface) != _plain(text[start:end]):
            shown = shorten_message(text[start:end])
            yield (
                found,
                f"expected {shorten_message(found.surface)!r} at [{found.start}, {found.end}), found {shown!r}",
                True,
            )


def _plain(text: str) -> str:
    """Remove the differences that tools make to a text: escaped line ends, changed white space."""
    return " ".join(text.replace("\\n", "\n").split())
