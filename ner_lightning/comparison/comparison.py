"""Compare runs: sort them into configurations, lay out tables, test pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ner_lightning.comparison.circumstances import circumstances, find_uneven_times
from ner_lightning.comparison.configurations import (
    Configuration,
    RunGroup,
    group_runs,
    name_groups,
    name_sections,
    sections_of,
    with_predictions,
)
from ner_lightning.comparison.overall import Overall, common_contest, lay_out
from ner_lightning.comparison.predictions import JudgedRuns, judge
from ner_lightning.comparison.runs.collect import Collected
from ner_lightning.comparison.runs.run import FinishedRun, LeftOut, with_finite_scores
from ner_lightning.comparison.score_table import score_columns, unknown_columns
from ner_lightning.comparison.section import (
    FEWEST_UNITS,
    Pairs,
    Section,
    asked_of,
    contest_of,
    make_section,
    with_pairs,
)
from ner_lightning.comparison.settings import Settings
from ner_lightning.errors import UserError
from ner_lightning.statistics.pairs import compare_all


@dataclass(frozen=True)
class Comparison:
    """The result of a comparison.

    Attributes:
        settings: the settings of the comparison.
        columns: scores of the table.
        sections: configurations evaluated on the same sentences, each section with its table and its tests.
        left_out: runs that are left out, with reasons.
        notes: what a reader should know.
        overall: the table and tests over all sections together, if there are several.
    """

    settings: Settings
    columns: list[str]
    sections: list[Section]
    left_out: list[LeftOut]
    notes: list[str]
    overall: Overall | None

    @property
    def n_runs(self) -> int:
        """The number of runs that are compared."""
        return sum(len(c.runs) for section in self.sections for c in section.configurations.values())


def compare_runs(collected: Collected, settings: Settings) -> Comparison:
    """Compare finished runs.

    Args:
        collected: the runs, and what is left out.
        settings: of the comparison.

    Raises:
        UserError: no run has scores of the split; `diff` names no two configurations of one test set, or `repetition`
            no setting.
    """
    finite = [with_finite_scores(run) for run in collected.runs]
    runs = [run for run in finite if f"{settings.prefix}f1" in run.scores]
    if not runs:
        other = "dev" if settings.split == "test" else "test"
        raise UserError(
            f"split={settings.split}: none of {len(collected.runs)} runs has scores of it; try split={other}, or train "
            "with test=true."
        )
    scored = {run.name for run in runs}
    untested = [LeftOut(run.name, _without_score(run, settings)) for run in collected.runs if run.name not in scored]
    groups, repeated = group_runs(runs, settings.repetition)
    kept = [run for group in groups for run in group.runs]
    judged = judge(kept, settings.split, settings.prefix)
    parts = sections_of([with_predictions(group, judged, settings.repetition) for group in groups])
    named = [name_groups(part, settings.repetition) for part in parts]
    _check_diff(settings.diff, [configurations for configurations, _ in named])
    _check_baseline(settings.baseline, [configurations for configurations, _ in named])
    columns = score_columns([c for configurations, _ in named for c in configurations], settings)
    contests = [contest_of(configurations, settings, place) for place, (configurations, _) in enumerate(named)]
    sections, overall, of_sets = _tested(
        [
            make_section(name, configurations, varied, contest, settings, columns)
            for name, (configurations, varied), contest in zip(name_sections(parts), named, contests, strict=True)
        ],
        settings,
    )
    notes = _notes(parts, sections, judged, settings) + of_sets
    if unknown := unknown_columns(kept, settings):
        notes.insert(0, f"No run has a score called {', '.join(unknown)}.")
    left_out = [*collected.left_out, *untested, *repeated]
    return Comparison(settings, columns, sections, left_out, notes, overall)


def _without_score(run: FinishedRun, settings: Settings) -> str:
    score = run.scores.get(f"{settings.prefix}f1")
    if score is None:
        return f"no score of the {settings.split} split"
    return f"its F1 is {score}, which is no number: look into its log for the step at which the loss became one"


def _check_diff(asked: Sequence[str], sections: Sequence[Sequence[Configuration]]) -> None:
    names = [[c.name for c in configurations if c.replicates] for configurations in sections]
    if asked and not any(set(asked) <= set(each) for each in names):
        there = ", ".join(dict.fromkeys(name for each in names for name in each)) or "none"
        raise UserError(
            f"diff: expected two configurations with predictions on the same sentences, received {', '.join(asked)}; "
            f"there are {there}."
        )


def _check_baseline(baseline: str | None, sections: Sequence[Sequence[Configuration]]) -> None:
    names = dict.fromkeys(c.name for configurations in sections for c in configurations if c.replicates)
    if baseline is not None and baseline not in names:
        raise UserError(
            f"baseline={baseline}: expected a configuration with predictions; there are {', '.join(names) or 'none'}."
        )


def _tested(sections: Sequence[Section], settings: Settings) -> tuple[list[Section], Overall | None, list[str]]:
    """Add tests to the sections and to the mean over them, with one correction for the whole page."""
    mean, of_mean, notes = common_contest(sections)
    asked = [None if section.contest is None else asked_of(section.contest, settings) for section in sections]
    asked_of_mean = None if mean is None else asked_of(mean, settings)
    questions = [each for each in (*asked, asked_of_mean) if each is not None]
    corrected = sum(each.size for each in questions)
    answers = iter(compare_all(questions, settings.level))
    found = [
        section if each is None else with_pairs(section, Pairs(next(answers), each.every, corrected), settings.baseline)
        for section, each in zip(sections, asked, strict=True)
    ]
    if mean is None:
        return found, None, notes
    pairs = [] if asked_of_mean is None else next(answers)
    return found, lay_out(mean, of_mean, pairs, corrected, notes, settings), []


def _notes(
    parts: Sequence[Sequence[RunGroup]], sections: Sequence[Section], judged: JudgedRuns, settings: Settings
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
        notes += [_in(section, note) for note in _section_notes(part, section, settings)]
    return notes


def _in(section: Section, note: str) -> str:
    return f"{section.name}: {note}" if section.name else note[:1].upper() + note[1:]


def _section_notes(part: Sequence[RunGroup], section: Section, settings: Settings) -> list[str]:
    notes = []
    for group, name in zip(part, section.as_found, strict=True):
        tested = sum(len(replicate.runs) for replicate in group.replicates)
        if group.others:
            notes.append(
                f"{group.others} of the runs of {name} were judged on other sentences than its others and take no part."
            )
        if tested and tested + group.others < len(group.runs):
            notes.append(
                f"of {len(group.runs)} runs of {name} {tested} have predictions: F1, interval, tests and errors are of "
                "those, other scores of all."
            )
    notes += _not_tested(section)
    if section.documents:
        notes.append(f"sentences of one document are drawn together ({len(set(section.documents)):,} documents).")
    if any(row.folds > 1 for row in section.rows):
        notes.append(
            "F1 is that of the folds of a seed laid end to end, in the table as in the tests; ± is over seeds, other "
            "scores are means over folds."
        )
    if section.pairs and not section.pairs.every and settings.baseline is None:
        notes.append("the pairs with the best configuration are listed (pairs=all for all); all are corrected for.")
    configurations = section.configurations.values()
    notes += circumstances([run for configuration in configurations for run in configuration.runs])
    return notes + find_uneven_times(configurations)


def _not_tested(section: Section) -> list[str]:
    """Explain what a missing test or mark does not mean."""
    rows = section.rows
    notes = []
    ahead = [row.name for row in rows[: next((n for n, row in enumerate(rows) if row.mark == "best"), 0)]]
    if ahead:
        notes.append(
            f"{', '.join(ahead)} has the higher mean, but no predictions: whether it is better was not tested; best is "
            "the best of those that were."
        )
    units = len(set(section.documents)) if section.documents else section.sentences
    if len(section.tested) > 1 and units < FEWEST_UNITS:
        notes.append(
            f"nothing is tested and there are no intervals: {units} sentences do not tell how others would spread, "
            f"expected at least {FEWEST_UNITS}."
        )
    return notes
