"""Report decisions of readers: tags that break their scheme, spans that fit no words, sentences without words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ner_lightning.data.read_report import ForbiddenStep, Problem, ReadReport
from ner_lightning.inspection.finding import Cell, Finding, FindingKind, Listing, Part

if TYPE_CHECKING:
    from ner_lightning.inspection.settings import InspectionSettings

Reports = Mapping[str, ReadReport]

REPAIRS = {
    "conlleval": "an entity begins there, as the script conlleval has it",
    "discard": "the entity is left out",
}


ILLEGAL = FindingKind(
    name="illegal",
    title="Illegal tags",
    unit="steps between tags",
    meaning=(
        "Steps from one tag to the next (also into the first and out of the last of a sentence) that the scheme "
        "of the file forbids. The reader has repaired them as data.reader.repair says."
    ),
    limit=0.0,
)


def find_illegal(reports: Reports, settings: InspectionSettings) -> Finding:
    """Find steps from tag to tag that the scheme of their file forbids, by kind, and how they were repaired."""
    steps: Counter[tuple[str, ForbiddenStep]] = Counter()
    places: dict[tuple[str, ForbiddenStep], str] = {}
    for split, report in reports.items():
        for problem in report.problems:
            if problem.step is not None:
                steps[split, problem.step] += 1
                places.setdefault((split, problem.step), _place(problem))
    rows: list[tuple[Cell, ...]] = [
        (f"{step.before} → {step.after}", step.scheme, split, count, places[split, step], _repaired(step.repair))
        for (split, step), count in steps.most_common()
    ]
    tagged = {split: report for split, report in reports.items() if report.scheme}
    # A sentence of n words has n + 1 steps.
    return Finding.of(
        settings,
        ILLEGAL,
        tuple(Part(split, r.repaired, r.words + r.sentences) for split, r in tagged.items()),
        listing=Listing.first(
            settings.listed, ("step", "scheme", "split", "times", "first place", "repair"), rows, len(rows)
        ),
        why_not="" if tagged else "the files have spans, not tags",
    )


def _repaired(repair: str) -> str:
    return f"{repair}: {REPAIRS.get(repair, 'see data.reader.repair')}"


MISALIGNED = FindingKind(
    name="misaligned",
    title="Spans that cut words",
    unit="spans",
    meaning=(
        "Character spans with an edge inside a word, or around no word: widened to whole words or left out, as "
        "data.reader.misaligned says."
    ),
    limit=0.0,
)

OVERLAPPING = FindingKind(
    name="overlapping",
    title="Overlapping spans",
    unit="spans",
    meaning=(
        "Spans left out because they overlap one that was kept: a flat tag sequence cannot hold both "
        "(data.reader.overlap)."
    ),
    limit=0.0,
)

NESTED = FindingKind(
    name="nested",
    title="Nested spans",
    unit="spans",
    meaning="Spans left out because they stand inside one that was kept.",
    limit=0.0,
)

DISCONTINUOUS = FindingKind(
    name="discontinuous",
    title="Spans of several pieces",
    unit="spans",
    meaning="Spans that leave words out in their middle: made one, or left out.",
    limit=0.0,
)

REJECTED = FindingKind(
    name="rejected",
    title="Records left out by their annotator",
    unit="sentences",
    meaning="Records that their annotator refused, skipped or left open: they are not read.",
    limit=1.0,
)

EMPTY = FindingKind(
    name="empty",
    title="Empty sentences",
    unit="sentences",
    meaning="Lines or records without a word: left out.",
    limit=0.0,
)


DROPPED = (MISALIGNED, OVERLAPPING, NESTED, DISCONTINUOUS, REJECTED, EMPTY)


def find_dropped(reports: Reports, settings: InspectionSettings) -> list[Finding]:
    """Find spans that were moved or left out, and sentences without a word."""
    return [_counted(reports, settings, kind) for kind in DROPPED]


def _counted(reports: Reports, settings: InspectionSettings, kind: FindingKind) -> Finding:
    counter = {EMPTY: "empty_sentences"}.get(kind, kind.name)
    counts = {split: getattr(report, counter) for split, report in reports.items()}
    rows: list[tuple[Cell, ...]] = [
        (_place(problem), problem.what)
        for report in reports.values()
        for problem in report.problems
        if problem.kind == kind.name
    ]
    return Finding.of(
        settings,
        kind,
        tuple(Part(split, count, max(_total(reports[split], kind), count)) for split, count in counts.items()),
        listing=Listing.first(settings.listed, ("place", "what"), rows, sum(counts.values())),
    )


def _total(report: ReadReport, kind: FindingKind) -> int:
    """Count sentences or spans of a file, including those left out."""
    if kind.unit == "sentences":
        return report.sentences + report.empty_sentences + report.rejected
    return report.entities + report.overlapping + report.nested


def _place(problem: Problem) -> str:
    """Shorten the path of a file and a line to `train.conll:7`."""
    return f"{problem.path.rpartition('/')[2]}:{problem.line}"
