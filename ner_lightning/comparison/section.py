"""Configurations that were judged on the same sentences: their table and the tests between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ner_lightning.analysis.counts import Counts, sum_groups
from ner_lightning.analysis.paired import interval_of
from ner_lightning.analysis.pairs import Pair, compare_systems, with_best
from ner_lightning.analysis.resampling import resampled_f1
from ner_lightning.comparison.configurations import Configuration
from ner_lightning.comparison.settings import MANY, Settings
from ner_lightning.comparison.table import Mark, Row, marks_of, row_of


class Pairs(NamedTuple):
    """Tests of one section, the largest difference first.

    Attributes:
        pairs: the tests.
        every: whether each pair was tested, or each configuration with the best only.
        corrected: for how many pairs, those of other sections included.
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
    """Configurations that were judged on the same sentences.

    Attributes:
        name: their data, or empty where there is one section only.
        configurations: by name, in the order of the table.
        as_found: the same names in the order of the runs.
        varied: keys that tell them apart.
        rows: of the table, the best first.
        pairs: tests between them.
        sentences: they were judged on; 0 where no run has predictions.
        entities: annotated there.
        documents: of each sentence, where documents are what is drawn.
    """

    name: str
    configurations: dict[str, Configuration]
    as_found: tuple[str, ...]
    varied: list[str]
    rows: list[Row]
    pairs: Pairs
    sentences: int
    entities: int
    documents: list[str] | None

    @property
    def tested(self) -> list[Configuration]:
        """Those with predictions, in the order of the table."""
        return [configuration for configuration in self.configurations.values() if configuration.replicates]


def counts_of(configuration: Configuration) -> Counts:
    """`[replicates, sentences, 3]`."""
    return np.stack([replicate.counted.counts for replicate in configuration.replicates])


def pairs_of(configurations: Sequence[Configuration], settings: Settings) -> Pairs:
    """Test configurations that were judged on the same sentences."""
    tested = [configuration for configuration in configurations if configuration.replicates]
    every = settings.pairs == "all" or (settings.pairs == "auto" and len(tested) <= MANY)
    if len(tested) < 2 or len(tested[0].replicates[0].counted.counts) < 2:
        return Pairs([], True, 0)
    systems = {configuration.name: counts_of(configuration) for configuration in tested}
    pairs = compare_systems(
        systems,
        seeds={c.name: [replicate.key for replicate in c.replicates] for c in tested},
        pairs=None if every else with_best(systems),
        samples=settings.samples,
        level=settings.level,
        seed=settings.seed,
        groups=tested[0].replicates[0].counted.documents,
    )
    return Pairs(sorted(pairs, key=lambda pair: -pair.difference.difference), every, len(pairs))


def make_section(
    name: str,
    configurations: Sequence[Configuration],
    varied: list[str],
    pairs: Pairs,
    settings: Settings,
    columns: Sequence[str],
) -> Section:
    """Lay out the table of a section, the best configuration and what ties with it marked."""
    intervals = _intervals(configurations, settings)
    rows = [row_of(c, settings, columns, intervals.get(c.name)) for c in configurations]
    rows.sort(key=lambda row: -row.f1)
    counted = next((c.replicates[0].counted for c in configurations if c.replicates), None)
    by_name = {configuration.name: configuration for configuration in configurations}
    return Section(
        name,
        {row.name: by_name[row.name] for row in rows},
        tuple(by_name),
        varied,
        _marked(rows, pairs.pairs, {c.name for c in configurations if c.replicates}),
        pairs,
        0 if counted is None else len(counted.counts),
        0 if counted is None else int(counted.counts[:, 2].sum()),
        None if counted is None else counted.documents,
    )


def _marked(rows: Sequence[Row], pairs: Sequence[Pair], tested: set[str]) -> list[Row]:
    if len(rows) < 2:
        return list(rows)
    best = rows[0].name
    marks: dict[str, Mark] = {row.name: "untested" for row in rows if tested and row.name not in tested}
    marks |= marks_of(best, [(pair.a, pair.b) for pair in pairs if not pair.shown])
    return [replace(row, mark=marks.get(row.name, "")) for row in rows]


def _intervals(configurations: Sequence[Configuration], settings: Settings) -> dict[str, tuple[float, float]]:
    """Of mean F1 over sentences and seeds, all configurations on the same draws."""
    tested = [configuration for configuration in configurations if configuration.replicates]
    if not tested or len(tested[0].replicates[0].counted.counts) < 2:
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
