"""What the readers had to decide: tags that break their scheme, spans that fit no words, sentences without words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from ner_lightning.data.report import ReadReport
from ner_lightning.inspection.catalogue import CATALOGUE
from ner_lightning.inspection.finding import Cell, Finding, Listing, Part
from ner_lightning.inspection.settings import InspectionSettings, Reason

Reports = Mapping[str, ReadReport]

STEP = re.compile(r"the scheme (?P<scheme>\w+) forbids (?P<after>.+) after (?P<before>.+) \((?P<repair>\w+)\)$")
REPAIRS = {
    "conlleval": "an entity begins there, as the script conlleval has it",
    "discard": "the entity is left out",
}


def find_illegal(reports: Reports, settings: InspectionSettings) -> Finding:
    """Steps from tag to tag that the scheme of their file forbids, by kind, and what repair made of them."""
    kinds: Counter[tuple[str, str, str, str, str]] = Counter()
    places: dict[tuple[str, str, str, str, str], str] = {}
    for split, report in reports.items():
        for problem in report.problems:
            where, _, what = problem.partition(": ")
            if match := STEP.search(what):
                kind = (split, match["scheme"], match["before"], match["after"], match["repair"])
                kinds[kind] += 1
                places.setdefault(kind, _short(where))
    rows: list[tuple[Cell, ...]] = [
        (f"{before} → {after}", scheme, split, count, places[split, scheme, before, after, repair], _repaired(repair))
        for (split, scheme, before, after, repair), count in kinds.most_common()
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
    return [_counted(reports, settings, name) for name in _SAID]


# What a reader's line about a thing says.
_SAID: dict[Reason, re.Pattern[str]] = {
    "misaligned": re.compile(r" lies (inside a word|around no word)"),
    "overlapping": re.compile(r" overlaps "),
    "nested": re.compile(r" nested "),
    "discontinuous": re.compile(r"discontinuous|pieces"),
    "rejected": re.compile(r"with the answer |cancelled"),
    "empty": re.compile(r"without (a )?words?"),
}


def _counted(reports: Reports, settings: InspectionSettings, name: Reason) -> Finding:
    counter = {"empty": "empty_sentences"}.get(name, name)
    counts = {split: getattr(report, counter) for split, report in reports.items()}
    rows: list[tuple[Cell, ...]] = []
    for problem in (problem for report in reports.values() for problem in report.problems):
        where, _, said = problem.partition(": ")
        if _SAID[name].search(said):
            rows.append((_short(where), said))
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


def _short(where: str) -> str:
    """`train.conll:7` for the whole path of a file and the line."""
    return where.rpartition("/")[2]
