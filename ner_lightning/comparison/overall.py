"""Mean F1 of each configuration over all test sets, and the tests of the mean differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ner_lightning.comparison.configurations import DATA
from ner_lightning.comparison.overlap import leave_out_overlapping
from ner_lightning.comparison.score_table import Mark, mark_best
from ner_lightning.comparison.section import Section
from ner_lightning.comparison.settings import Settings
from ner_lightning.comparison.vary import find_differences, setting_text, settings_of
from ner_lightning.page.wording import list_first
from ner_lightning.statistics.pairs import Pair
from ner_lightning.statistics.several_sets import MeanOfSets

MOST_MIXED = 5


class Everywhere(NamedTuple):
    """A configuration that was evaluated on every test set.

    Attributes:
        name: of the configuration, the same in all sections.
        f1: mean over runs on each test set.
        mean: the mean of these.
        mark: whether it is the best, or not shown to differ from it.
    """

    name: str
    f1: tuple[float, ...]
    mean: float
    mark: Mark


@dataclass(frozen=True)
class Overall:
    """Configurations over all test sets, with equal weights.

    Attributes:
        sets: names of the sections.
        rows: the best first.
        pairs: tests of the mean differences, the largest first.
        corrected: the number of pairs corrected for, including those of the sections.
        notes: what a reader should know about the sets, and about configurations with the same name.
    """

    sets: tuple[str, ...]
    rows: list[Everywhere]
    pairs: list[Pair]
    corrected: int = 0
    notes: list[str] = field(default_factory=list)


def common_contest(sections: Sequence[Section]) -> tuple[MeanOfSets | None, list[Section], list[str]]:
    """Select configurations that were tested on every test set; sets that share sentences are left out.

    Returns:
        The contest (None if there are fewer than two sets, or fewer than two configurations in all of them), the sets,
        and notes.
    """
    kept, notes = leave_out_overlapping([section for section in sections if section.contest is not None])
    contests = [section.contest for section in kept if section.contest is not None]
    if len(sections) < 2 or len(contests) < 2:
        return None, kept, notes
    names = set.intersection(*(set(contest.names) for contest in contests))
    return (MeanOfSets(contests) if len(names) > 1 else None), kept, notes


def lay_out(
    contest: MeanOfSets,
    sections: Sequence[Section],
    pairs: Sequence[Pair],
    corrected: int,
    notes: Sequence[str],
    settings: Settings,
) -> Overall:
    """Lay out the table over all test sets, marking the best configuration and those that tie with it.

    Args:
        contest: of `common_contest`.
        sections: its sets.
        pairs: the tests.
        corrected: the number of pairs corrected for.
        notes: notes so far; differences between the sets are added.
        settings: of the comparison.
    """
    f1 = {name: tuple(_f1(section, name) for section in sections) for name in contest.names}
    means = {name: sum(values) / len(values) for name, values in f1.items()}
    ranked = sorted(f1, key=lambda name: (-means[name], name))
    undecided = [(pair.a, pair.b) for pair in pairs if not pair.shown]
    if settings.baseline is None:
        marks = mark_best(ranked[0], undecided)
    else:
        marks = mark_best(settings.baseline, undecided, "baseline") if pairs else {}
    rows = [Everywhere(name, f1[name], means[name], marks.get(name, "")) for name in ranked]
    ordered = sorted(pairs, key=lambda pair: -pair.difference.difference)
    mixed = [note for name in ranked if (note := _mixed(name, sections, settings))]
    return Overall(tuple(section.name for section in sections), rows, ordered, corrected, [*notes, *mixed])


def _f1(section: Section, name: str) -> float:
    return next(row.f1 for row in section.rows if row.name == name)


def _mixed(name: str, sections: Sequence[Section], settings: Settings) -> str | None:
    """Describe settings that differ between test sets under the same name."""
    each = [settings_of(section.configurations[name].runs[0].config) for section in sections]
    keys = find_differences(each, [*settings.repetition, DATA])
    told = [key for key in keys if not key.startswith("data.split")]
    if not told:
        return None
    values = [
        f"{list_first([setting_text(key, one.get(key)) for key in told], MOST_MIXED)} on {section.name}"
        for one, section in zip(each, sections, strict=True)
    ]
    return f"{name} does not have the same settings on all test sets: {'; '.join(values)}."
