"""What the readers had to decide: tags that break their scheme, spans that fit no words, sentences without words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ner_lightning.data.report import ForbiddenStep, Problem, ReadReport
from ner_lightning.inspection.catalogue import CATALOGUE
from ner_lightning.inspection.finding import Cell, Finding, Listing, Part
from ner_lightning.inspection.settings import InspectionSettings, Reason

Reports = Mapping[str, ReadReport]

REPAIRS = {
    "conlleval": "an entity begins there, as the script conlleval has it",
    "discard": "the entity is left out",
}


def find_illegal(reports: Reports, settings: InspectionSettings) -> Finding:
    """Steps from tag to tag that the scheme of their file forbids, by kind, and what repair made of them."""
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
        "illegal",
        tuple(Part(split, r.repaired, r.words + r.sentences) for split, r in tagged.items()),
        listing=Listing.first(
            settings.listed, ("step", "scheme", "split", "times", "first place", "repair"), rows, len(rows)
        ),
        why_not="" if tagged else "the files have spans, not tags",
    )


def _repaired(repair: str) -> str:
    return f"{repair}: {REPAIRS.get(repair, 'see data.reader.repair')}"


def find_dropped(reports: Reports, settings: InspectionSettings) -> list[Finding]:
    """Spans that were moved or left out, and sentences without a word."""
    return [_counted(reports, settings, name) for name in _DROPPED]


_DROPPED: tuple[Reason, ...] = ("misaligned", "overlapping", "nested", "discontinuous", "rejected", "empty")


def _counted(reports: Reports, settings: InspectionSettings, name: Reason) -> Finding:
    counter = {"empty": "empty_sentences"}.get(name, name)
    counts = {split: getattr(report, counter) for split, report in reports.items()}
    rows: list[tuple[Cell, ...]] = [
        (_place(problem), problem.what)
        for report in reports.values()
        for problem in report.problems
        if problem.kind == name
    ]
    what = CATALOGUE[name].what
    return Finding.of(
        settings,
        name,
        tuple(Part(split, count, max(_total(reports[split], what), count)) for split, count in counts.items()),
        listing=Listing.first(settings.listed, ("place", "what"), rows, sum(counts.values())),
    )


def _total(report: ReadReport, what: str) -> int:
    """Sentences or spans of a file, those left out among them."""
    if what == "sentences":
        return report.sentences + report.empty_sentences + report.rejected
    return report.entities + report.overlapping + report.nested


def _place(problem: Problem) -> str:
    """`train.conll:7` for the whole path of a file and the line."""
    return f"{problem.path.rpartition('/')[2]}:{problem.line}"
