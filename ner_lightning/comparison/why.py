"""Explain why configurations differ: errors, confusions, slices, what only one of them finds, what is hard."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from ner_lightning.analysis.calibration import Calibration, calibration_of
from ner_lightning.analysis.changes import (
    Hard,
    Illegal,
    Shift,
    Totals,
    find_changes,
    find_hardest,
    find_shifts,
    illegal_sequences,
    total_changes,
)
from ner_lightning.analysis.error_kinds import ALL, KINDS, Confusion, confusion, error_table
from ner_lightning.analysis.slices import Slice, slice_table
from ner_lightning.analysis.training_mentions import Mention, read_mentions
from ner_lightning.comparison.configurations import Configuration
from ner_lightning.comparison.section import Section
from ner_lightning.comparison.settings import Settings
from ner_lightning.errors import DataError
from ner_lightning.run.predictions import StoredSentence, read_stored

MOST = 8
"""Number of configurations that are examined, from the best one on."""
MOST_RUNS = 10
"""Runs of each of them, whose predictions are in memory together."""
HARDEST_OF = 3
"""Runs of each of them that determine which sentences are hard."""
SLICE_SAMPLES = 1_000

Predictions = list[list[StoredSentence]]


class Errors(NamedTuple):
    """Numbers of errors of a kind and a type, means over runs, as in `ErrorCount`."""

    kind: str
    type: str
    misses: float
    false_alarms: float
    errors: float


@dataclass(frozen=True)
class Account:
    """The errors of a configuration.

    Attributes:
        name: of the configuration.
        runs: number of runs that were examined.
        errors: by kind and type, `all` first.
        confusion: of all its runs together.
        slices: F1 by properties of entities.
        illegal: illegal tag sequences of each run.
        calibration: calibration of the probabilities of all its runs together.
    """

    name: str
    runs: int
    errors: list[Errors]
    confusion: Confusion
    slices: list[Slice]
    illegal: list[Illegal]
    calibration: Calibration

    def errors_by_kind(self, entity_type: str = ALL) -> list[float]:
        """List the errors with entities of a type, in the order of `KINDS`."""
        known = {row.kind: row.errors for row in self.errors if row.type == entity_type}
        return [known.get(kind, 0.0) for kind in KINDS]


@dataclass(frozen=True)
class Diff:
    """One configuration against another.

    Attributes:
        before: name of the first.
        after: name of the second.
        runs: number of runs of each.
        totals: differing hits and false alarms, means over the pairs of runs.
        n_fixed: number of gold entities that more runs of the second find.
        n_broken: number of gold entities that fewer of them find.
        fixed: the largest shifts of the first kind, the largest first.
        broken: those of the second kind.
    """

    before: str
    after: str
    runs: tuple[int, int]
    totals: Totals
    n_fixed: int
    n_broken: int
    fixed: list[Shift]
    broken: list[Shift]


@dataclass(frozen=True)
class Why:
    """The explanation of one section.

    Attributes:
        accounts: accounts of the best configurations.
        diff: the comparison of the two that were asked for, or of the next best with the best.
        hardest: sentences that most runs of all of them get wrong.
        hardest_runs: how many runs that is based on.
        notes: what a reader should know.
    """

    accounts: list[Account] = field(default_factory=list)
    diff: Diff | None = None
    hardest: list[Hard] = field(default_factory=list)
    hardest_runs: int = 0
    notes: list[str] = field(default_factory=list)


def explain_difference(section: Section, settings: Settings) -> Why:
    """Examine the predictions of the best configurations of a section.

    Args:
        section: of a comparison.
        settings: of the comparison.
    """
    before, after = _chosen(section, settings.diff)
    looked_into = section.tested[:MOST]
    looked_into += [c for c in (before, after) if c is not None and c not in looked_into]
    if not looked_into:
        return Why()
    notes = []
    if (more := len(section.tested) - len(looked_into)) > 0:
        notes.append(f"Looked into are the {len(looked_into)} best configurations; {more} are left out.")
    mentions = training_mentions(looked_into)
    if mentions is None:
        notes.append("Nothing by frequency and by seen or not: the runs do not tell their training mentions.")
    accounts, some, kept = [], [], {}
    for configuration in looked_into:
        runs = predictions(configuration, settings.split)
        accounts.append(_account(configuration, runs, mentions, settings, section.documents))
        some += runs[:HARDEST_OF]
        if configuration in (before, after):
            kept[configuration.name] = runs
    diff = None
    if before is not None and after is not None:
        diff = _diff(before, after, kept[before.name], kept[after.name], settings.listed)
    schemes = {configuration.runs[0].scheme for configuration in looked_into}
    scheme = schemes.pop() if len(schemes) == 1 else None
    return Why(accounts, diff, find_hardest(some, top=settings.listed, scheme=scheme), len(some), notes)


def _chosen(section: Section, asked: Sequence[str]) -> tuple[Configuration | None, Configuration | None]:
    tested = {configuration.name: configuration for configuration in section.tested}
    if asked and set(asked) <= tested.keys():
        return tested[asked[0]], tested[asked[1]]
    first_two = [*tested.values()][:2]
    return (first_two[1], first_two[0]) if len(first_two) == 2 else (None, None)


def predictions(configuration: Configuration, split: str) -> Predictions:
    """Read the sentences of a configuration's replicates, the folds of each taken together."""
    found: Predictions = []
    for replicate in configuration.replicates[:MOST_RUNS]:
        paths = [path for run in replicate.runs if (path := run.predictions(split)) is not None]
        found.append([sentence for path in paths for sentence in read_stored(path)])
    return found


def training_mentions(configurations: Sequence[Configuration]) -> Counter[Mention] | None:
    """Read the training mentions of the first run that has them; None if none does."""
    for configuration in configurations:
        for run in configuration.runs:
            if (path := run.file(lambda folder: folder.mentions)) is not None:
                try:
                    return read_mentions(path)
                except DataError:
                    continue
    return None


def _account(
    configuration: Configuration,
    runs: Predictions,
    mentions: Counter[Mention] | None,
    settings: Settings,
    documents: list[str] | None,
) -> Account:
    scheme = configuration.runs[0].scheme
    together = [sentence for run in runs for sentence in run]
    slices: list[Slice] = []
    if len(runs[0]) > 1:
        samples = min(SLICE_SAMPLES, settings.samples)
        options = {"groups": documents, "samples": samples, "level": settings.level, "seed": settings.seed}
        slices = slice_table(runs, mentions, scheme=scheme, **options)  # type: ignore[arg-type]
    return Account(
        configuration.name,
        len(runs),
        average_errors(runs, scheme),
        confusion(together, scheme=scheme),
        slices,
        [illegal_sequences(run, scheme) for run in runs],
        calibration_of(together),
    )


def average_errors(runs: Predictions, scheme: str | None) -> list[Errors]:
    """Average the table of errors over runs."""
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for run in runs:
        for kind, name, *counts in error_table(run, scheme=scheme):
            sums[kind, name] = [a + b for a, b in zip(sums[kind, name], counts, strict=True)]
    rows = [Errors(kind, name, *(n / len(runs) for n in counts)) for (kind, name), counts in sums.items()]
    return sorted(rows, key=lambda row: row.type != ALL)


def _diff(before: Configuration, after: Configuration, old: Predictions, new: Predictions, listed: int) -> Diff:
    scheme = after.runs[0].scheme
    moved = find_shifts(old, new, scheme)

    def gain(shift: Shift) -> float:
        return shift.after / len(new) - shift.before / len(old)

    fixed = sorted((shift for shift in moved if gain(shift) > 0), key=lambda shift: -gain(shift))
    broken = sorted((shift for shift in moved if gain(shift) < 0), key=gain)
    pairs: list[Totals] = [total_changes(find_changes(a, b, scheme)) for a, b in zip(old, new, strict=False)]
    return Diff(
        before.name,
        after.name,
        (len(old), len(new)),
        Totals(*(fmean(column) for column in zip(*pairs, strict=True))),
        len(fixed),
        len(broken),
        fixed[:listed],
        broken[:listed],
    )


def find_stored_picture(configurations: Sequence[Configuration], name: str) -> tuple[str, Path] | None:
    """Find a picture left by the training of the first configuration that has it."""
    for configuration in configurations:
        for run in configuration.runs:
            if (path := run.file(lambda folder: folder.figures / f"{name}.svg")) is not None:
                return configuration.name, path
    return None
