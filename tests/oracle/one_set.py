"""Single questions to the statistics of a test set, as the simulations ask them a thousand times."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ner_lightning.statistics.counts import sum_groups
from ner_lightning.statistics.paired import LEVEL, SAMPLES, interval_of
from ner_lightning.statistics.pairs import Asked, JudgedSystems, Pair, compare_all
from ner_lightning.statistics.resampling import resampled_f1


def mean_f1_interval(
    system: ArrayLike,
    *,
    samples: int = SAMPLES,
    level: float = LEVEL,
    seed: int = 0,
    groups: Sequence[Hashable] | None = None,
) -> tuple[float, float]:
    """The interval of mean F1 of one system, counts `[runs, sentences, 3]`."""
    counts = sum_groups(system, groups)
    rng = np.random.default_rng(seed)
    return interval_of(counts, resampled_f1(counts, samples, rng), level, rng)


def compare_systems(
    systems: Mapping[str, ArrayLike],
    *,
    seeds: Mapping[str, Sequence[Hashable]] | None = None,
    baseline: str | None = None,
    every: bool = True,
    level: float = LEVEL,
    **options: Any,
) -> list[Pair]:
    """The pairs of systems on one test set, corrected together; `options` are of `JudgedSystems`."""
    judged = JudgedSystems(systems, seeds, **options)
    return compare_all([Asked(judged, baseline, every)], level)[0]
