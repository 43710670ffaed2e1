"""The comparison itself: runs to configurations, configurations to a table, pairs to verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ner_lightning.analysis.significance import holm, verdict
from ner_lightning.comparison.circumstances import circumstances, uneven_times
from ner_lightning.comparison.collect import Collected, LeftOut
from ner_lightning.comparison.configurations import (
    Configuration,
    Group,
    group_runs,
    name_groups,
    name_sections,
    sections_of,
    with_predictions,
)
from ner_lightning.comparison.overall import Overall, over_all
from ner_lightning.comparison.predictions import Judged, judge
from ner_lightning.comparison.section import Pairs, Section, make_section, pairs_of
from ner_lightning.comparison.settings import Settings
from ner_lightning.comparison.table import columns_of, unknown_columns
from ner_lightning.errors import UserError


@dataclass(frozen=True)
class Comparison:
    """Everything that was found.

    Attributes:
        settings: it was asked for with.
        columns: scores of the table.
        sections: configurations that were judged on the same sentences, each with its table and its tests.
        left_out: what takes no part.
        notes: what a reader should know.
        overall: what holds over all sections together, if there are several.
    """

    settings: Settings
    columns: list[str]
    sections: list[Section]
    left_out: list[LeftOut]
    notes: list[str]
    overall: Overall | None

    @property
    def n_runs(self) -> int:
        """Runs that take part."""
        return sum(len(c.runs) for section in self.sections for c in section.configurations.values())


def compare(collected: Collected, settings: Settings) -> Comparison:
    """Compare finished runs.

    Args:
        collected: the runs, and what takes no part.
        settings: what is asked for.

    Raises:
        UserError: no run has scores of the split; `diff` names no two configurations of one test set, or `repetition`
            no setting.
    """
    runs = [run for run in collected.runs if f"{settings.prefix}f1" in run.scores]
    if not runs:
        other = "dev" if settings.split == "test" else "test"
        raise UserError(
            f"split={settings.split}: none of {len(collected.runs)} runs has scores of it; try split={other}, or train "
            "with test=true."
        )
    scored = {run.name for run in runs}
    untested = [
        LeftOut(r.name, f"no score of the {settings.split} split") for r in collected.runs if r.name not in scored
    ]
    groups, repeated = group_runs(runs, settings.repetition)
    kept = [run for group in groups for run in group.runs]
    judged = judge(kept, settings.split, settings.prefix)
    parts = sections_of([with_predictions(group, judged) for group in groups])
    named = [name_groups(part, settings.repetition) for part in parts]
    _check_diff(settings.diff, [configurations for configurations, _ in named])
    columns = columns_of([c for configurations, _ in named for c in configurations], settings)
    tests = _corrected([pairs_of(configurations, settings) for configurations, _ in named])
    sections = [
        make_section(name, configurations, keys, pairs, settings, columns)
        for name, (configurations, keys), pairs in zip(name_sections(parts), named, tests, strict=True)
    ]
    notes = _notes(parts, sections, judged, settings)
    if unknown := unknown_columns(kept, settings):
        notes.insert(0, f"No run has a score called {', '.join(unknown)}.")
    left_out = [*collected.left_out, *untested, *repeated]
    return Comparison(settings, columns, sections, left_out, notes, over_all(sections))


def _check_diff(asked: Sequence[str], sections: Sequence[Sequence[Configuration]]) -> None:
    names = [[c.name for c in configurations if c.replicates] for configurations in sections]
    if asked and not any(set(asked) <= set(each) for each in names):
        there = ", ".join(dict.fromkeys(name for each in names for name in each)) or "none"
        raise UserError(
            f"diff: expected two configurations with predictions on the same sentences, received {', '.join(asked)}; "
            f"there are {there}."
        )


def _corrected(tests: Sequence[Pairs]) -> list[Pairs]:
    """The same tests, Holm's correction over those of all sections."""
    if sum(bool(part.pairs) for part in tests) < 2:
        return list(tests)
    every = [pair for part in tests for pair in part.pairs]
    adjusted = iter(holm([pair.difference.p for pair in every]))
    found = []
    for part in tests:
        pairs = []
        for pair in part.pairs:
            p = next(adjusted)
            said = verdict(pair.difference, pair.a, pair.b, p=p, pairs=len(every), detectable=pair.detectable)
            pairs.append(pair._replace(p_holm=p, sentence=said))
        found.append(Pairs(pairs, part.every, len(every)))
    return found


def _notes(
    parts: Sequence[Sequence[Group]], sections: Sequence[Section], judged: Judged, settings: Settings
) -> list[str]:
    notes = []
    if judged.broken:
        reasons = "; ".join(f"{Path(name).name}: {reason}" for name, reason in list(judged.broken.items())[:3])
        more = "; …" if len(judged.broken) > 3 else ""
        notes.append(f"{len(judged.broken)} of the runs have no predictions to test with ({reasons}{more}).")
    if judged.odd:
        runs = ", ".join(judged.odd[:3])
        notes.append(f"The predictions of {runs} do not give the F1 of the result: they are of other weights or data.")
    if len(sections) > 1:
        notes.append(
            f"Not all runs were judged on the same {settings.split} sentences: each set of them has a table, no "
            "pair is tested across."
        )
    for part, section in zip(parts, sections, strict=True):
        notes += [_in(section, note) for note in _section_notes(part, section)]
    return notes


def _in(section: Section, note: str) -> str:
    return f"{section.name}: {note}" if section.name else note[:1].upper() + note[1:]


def _section_notes(part: Sequence[Group], section: Section) -> list[str]:
    notes = []
    for group, name in zip(part, section.as_found, strict=True):
        tested = sum(len(replicate.runs) for replicate in group.replicates)
        if group.others:
            notes.append(
                f"{group.others} of the runs of {name} were judged on other sentences than its others and take no part "
                "in tests."
            )
        if tested and tested + group.others < len(group.runs):
            notes.append(
                f"of {len(group.runs)} runs of {name} {tested} have predictions: interval, tests and errors are of "
                "those, the mean is of all."
            )
    if section.documents:
        notes.append(f"sentences of one document are drawn together ({len(set(section.documents)):,} documents).")
    if not section.pairs.every:
        notes.append(
            "each configuration is tested against the best only (pairs=all for all). The best was chosen by the same "
            "scores, which favours it a little: confirm with new seeds."
        )
    configurations = section.configurations.values()
    notes += circumstances([run for configuration in configurations for run in configuration.runs])
    return notes + uneven_times(configurations)
