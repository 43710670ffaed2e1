"""Configurations evaluated on the same sentences, with their table and the tests between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ner_lightning.comparison.configurations import Configuration, Varied
from ner_lightning.comparison.score_table import Mark, Row, mark_best, summarise_configuration
from ner_lightning.comparison.settings import MANY, Settings
from ner_lightning.statistics.counts import Counts, sum_groups
from ner_lightning.statistics.paired import interval_of
from ner_lightning.statistics.pairs import Asked, Contest, JudgedSystems, Pair
from ner_lightning.statistics.resampling import resampled_f1

FEWEST_UNITS = 10
"""Fewest sentences (or documents, if those are drawn) for tests: the spread of fewer says nothing about others."""


class Pairs(NamedTuple):
    """The tests of one section, the largest difference first.

    Attributes:
        pairs: the tests.
        every: whether each pair is listed, or only those with the best (or the baseline).
        corrected: the number of pairs corrected for, including other sections and the mean over them.
    """

    pairs: list[Pair]
    every: bool
    corrected: int

    def __len__(self) -> int:
        return len(self.pairs)

    def __bool__(self) -> bool:
        return bool(self.pairs)


@dataclass(frozen=True)
class Section:
    """Configurations that were evaluated on the same sentences.

    Attributes:
        name: their data, or empty if there is only one section.
        configurations: by name, in the order of the table.
        as_found: the same names in the order of the runs.
        varied: the settings in which they differ.
        rows: of the table, the best first.
        pairs: tests between them.
        sentences: number of sentences they were evaluated on; 0 if no run has predictions.
        entities: number of entities annotated there.
        documents: the document of each sentence, if documents are drawn.
        contest: those with predictions, with the draws of the tests; None if nothing can be tested.
        optimism: by how much the best F1 is too high because it was chosen as the best; None if nothing is chosen.
        words: digests of the words of each sentence.
    """

    name: str
    configurations: dict[str, Configuration]
    as_found: tuple[str, ...]
    varied: Varied
    rows: list[Row]
    pairs: Pairs
    sentences: int
    entities: int
    documents: list[str] | None
    contest: JudgedSystems | None = None
    optimism: float | None = None
    words: frozenset[bytes] = frozenset()

    @property
    def dev_choice(self) -> Row | None:
        """The configuration with the highest F1 on the development set, if all have one."""
        return next((row for row in self.rows if row.dev_choice), None)

    @property
    def tested(self) -> list[Configuration]:
        """The configurations with predictions, in the order of the table."""
        return [configuration for configuration in self.configurations.values() if configuration.replicates]


def counts_of(configuration: Configuration) -> Counts:
    """Stack the counts of a configuration to `[replicates, sentences, 3]`."""
    return np.stack([replicate.counted.counts for replicate in configuration.replicates])


def contest_of(configurations: Sequence[Configuration], settings: Settings, place: int = 0) -> JudgedSystems | None:
    """Draw for configurations evaluated on the same sentences; None if nothing can be tested.

    Args:
        configurations: of a section.
        settings: of the comparison.
        place: of the section, so that each has its own draws.
    """
    tested = [configuration for configuration in configurations if configuration.replicates]
    if len(tested) < 2 or _units(tested[0]) < FEWEST_UNITS:
        return None
    seeds = {c.name: [replicate.key for replicate in c.replicates] for c in tested}
    paired = settings.paired_seeds
    if paired and len({frozenset(keys) for keys in seeds.values()}) > 1:
        paired = None
    return JudgedSystems(
        {configuration.name: counts_of(configuration) for configuration in tested},
        seeds,
        samples=settings.samples,
        seed=(settings.seed, place),
        groups=tested[0].replicates[0].counted.documents,
        paired_seeds=paired,
    )


def _units(configuration: Configuration) -> int:
    """Count the sentences, or the documents if those are drawn."""
    counted = configuration.replicates[0].counted
    return len(counted.counts) if counted.documents is None else len(set(counted.documents))


def asked_of(contest: Contest, settings: Settings) -> Asked | None:
    """Choose the pairs of a contest to test; None if the baseline is not in it."""
    if settings.baseline is not None and settings.baseline not in contest.names:
        return None
    every = settings.pairs == "all" or (settings.pairs == "auto" and len(contest.names) <= MANY)
    return Asked(contest, settings.baseline, every and settings.baseline is None)


def make_section(
    name: str,
    configurations: Sequence[Configuration],
    varied: Varied,
    contest: JudgedSystems | None,
    settings: Settings,
    columns: Sequence[str],
) -> Section:
    """Lay out the table of a section; its tests come later (`with_pairs`)."""
    intervals = _intervals(configurations, settings)
    rows = [summarise_configuration(c, settings, columns, intervals.get(c.name)) for c in configurations]
    rows.sort(key=lambda row: -row.f1)
    counted = next((c.replicates[0].counted for c in configurations if c.replicates), None)
    by_name = {configuration.name: configuration for configuration in configurations}
    return Section(
        name,
        {row.name: by_name[row.name] for row in rows},
        tuple(by_name),
        varied,
        _marked(rows, [], [c.name for c in configurations if c.replicates], settings.baseline),
        Pairs([], True, 0),
        0 if counted is None else len(counted.counts),
        0 if counted is None else int(counted.counts[:, 2].sum()),
        None if counted is None else counted.documents,
        contest,
        None if contest is None or settings.baseline is not None else contest.optimism,
        frozenset() if counted is None else counted.words,
    )


def with_pairs(section: Section, pairs: Pairs, baseline: str | None) -> Section:
    """Add its tests to a section, and the marks that follow from them."""
    rows = _marked(section.rows, pairs.pairs, [c.name for c in section.tested], baseline)
    ordered = sorted(pairs.pairs, key=lambda pair: -pair.difference.difference)
    return replace(section, rows=rows, pairs=Pairs(ordered, pairs.every, pairs.corrected))


def _marked(rows: Sequence[Row], pairs: Sequence[Pair], tested: Sequence[str], baseline: str | None) -> list[Row]:
    if len(rows) < 2:
        return list(rows)
    marks: dict[str, Mark] = {row.name: "untested" for row in rows if row.name not in tested}
    best = next((row.name for row in rows if row.name in tested), None)
    if pairs or (best is not None and baseline is None):
        undecided = [(pair.a, pair.b) for pair in pairs if not pair.shown]
        marks |= mark_best(best or "", undecided) if baseline is None else mark_best(baseline, undecided, "baseline")
    known = [row.dev.mean for row in rows if row.dev is not None]
    highest = max(known) if len(known) == len(rows) else None
    return [
        replace(row, mark=marks.get(row.name, ""), dev_choice=row.dev is not None and row.dev.mean == highest)
        for row in rows
    ]


def _intervals(configurations: Sequence[Configuration], settings: Settings) -> dict[str, tuple[float, float]]:
    """Compute the interval of mean F1 over sentences and seeds, with the same draws for all configurations."""
    tested = [configuration for configuration in configurations if configuration.replicates]
    if not tested or _units(tested[0]) < FEWEST_UNITS:
        return {}
    documents = tested[0].replicates[0].counted.documents
    parts = [sum_groups(counts_of(configuration), documents) for configuration in tested]
    rng = np.random.default_rng(settings.seed)
    drawn = resampled_f1(np.concatenate(parts), settings.samples, rng)
    by_part = np.split(drawn, np.cumsum([len(part) for part in parts])[:-1], axis=1)
    return {
        c.name: interval_of(part, scores, settings.level, rng)
        for c, part, scores in zip(tested, parts, by_part, strict=True)
    }
