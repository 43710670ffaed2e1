"""Many systems on one test set, compared pair by pair: resampled once for all, p values corrected for their number."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ner_lightning.analysis.counts import Counts, run_f1, sum_groups
from ner_lightning.analysis.paired import (
    LEVEL,
    SAMPLES,
    Difference,
    difference_of,
    exceedance,
    pooled,
    several_runs,
    swapped_difference,
    with_seeds,
)
from ner_lightning.analysis.resampling import resampled_f1, swapped_sums
from ner_lightning.analysis.significance import holm, is_shown, noncentrality, verdict
from ner_lightning.analysis.variance import check_pair, uncertainty


class Pair(NamedTuple):
    """Two systems compared.

    Attributes:
        a: name of the one with the higher mean F1.
        b: name of the other.
        difference: of a minus b, with the p value of the bootstrap before correction.
        p_randomisation: of approximate randomisation, before correction; a second opinion.
        p_holm: the bootstrap's p value, corrected for all pairs of the comparison.
        detectable: smallest true difference that could have been shown (`smallest_detectable`), uncorrected.
        paired_seeds: whether runs were paired by seed.
        sentence: the verdict, by `p_holm`.
    """

    a: str
    b: str
    difference: Difference
    p_randomisation: float
    p_holm: float
    detectable: float
    paired_seeds: bool
    sentence: str

    @property
    def shown(self) -> bool:
        """Whether a difference was shown, after correction."""
        return is_shown(self.p_holm, self.difference.level)


def compare_systems(
    systems: Mapping[str, ArrayLike],
    *,
    seeds: Mapping[str, Sequence[Hashable]] | None = None,
    pairs: Iterable[tuple[str, str]] | None = None,
    samples: int = SAMPLES,
    level: float = LEVEL,
    seed: int = 0,
    groups: Sequence[Hashable] | None = None,
) -> list[Pair]:
    """Compare pairs of systems as `paired_bootstrap` and `approximate_randomisation` do, all on the same draws.

    Two systems with the same seeds are paired by seed, whatever their order; others are not.

    Args:
        systems: counts `[runs, sentences, 3]` by name, all on the same sentences.
        seeds: of the runs of each system, in their order (or seed and fold); None: pairs go by place where two systems
            have equally many runs.
        pairs: which to compare; None: all. With many systems say which (`with_best`): the correction grows with them.
        samples: draws of each test.
        level: of the intervals.
        seed: of the draws.
        groups: document of each sentence (`document_groups`).

    Returns:
        A pair each, in the order given.

    Raises:
        ValueError: systems that do not fit each other, or seeds that are not one a run.
    """
    ready = {name: sum_groups(counts, groups) for name, counts in systems.items()}
    wanted = list(combinations(ready, 2)) if pairs is None else list(pairs)
    for a, b in wanted:
        check_pair(ready[a], ready[b], paired_seeds=False)
    if not wanted:
        return []
    order = {name: _places(name, counts, seeds) for name, counts in ready.items()}
    names = list(dict.fromkeys(name for pair in wanted for name in pair))
    draws = _Draws({name: ready[name] for name in names}, samples, seed)
    found = []
    for a, b in wanted:
        if run_f1(ready[a]).mean() < run_f1(ready[b]).mean():
            a, b = b, a
        paired = order[a].keys() == order[b].keys()
        found.append((a, b, paired, *draws.compare(a, b, order if paired else None, level)))
    adjusted = holm([difference.p for _, _, _, difference, _, _ in found])
    return [
        Pair(
            a,
            b,
            difference,
            p_randomisation,
            p,
            detectable,
            paired,
            verdict(difference, a, b, p=p, pairs=len(found), detectable=detectable),
        )
        for (a, b, paired, difference, p_randomisation, detectable), p in zip(found, adjusted, strict=True)
    ]


def with_best(systems: Mapping[str, ArrayLike]) -> list[tuple[str, str]]:
    """The pairs of the system with the highest mean F1 with each other one.

    The best was chosen by the same scores, which favours it a little; a difference that counts is confirmed with new
    seeds.

    >>> with_best({"x": [[0, 1, 1]], "y": [[1, 1, 1]]})
    [('y', 'x')]
    """
    best = max(systems, key=lambda name: run_f1(systems[name]).mean())
    return [(best, name) for name in systems if name != best]


def _places(name: str, counts: Counts, seeds: Mapping[str, Sequence[Hashable]] | None) -> dict[Hashable, int]:
    """Where the run of each seed stands."""
    known = range(len(counts)) if seeds is None else seeds[name]
    places = {value: place for place, value in enumerate(known)}
    if len(known) != len(counts) or len(places) != len(counts):
        raise ValueError(
            f"expected a seed for each of the {len(counts)} runs of {name}, all different; received {known}"
        )
    return places


class _Draws:
    """Resampled and swapped scores of all systems, made once."""

    def __init__(self, systems: Mapping[str, Counts], samples: int, seed: int) -> None:
        self.systems, self.seed = systems, seed
        rng = np.random.default_rng(seed)
        ends = np.cumsum([len(counts) for counts in systems.values()])
        scores = resampled_f1(np.concatenate(list(systems.values())), samples, rng)
        parts = zip(systems, np.split(scores, ends[:-1], axis=1), strict=True)
        self.means = {name: part.mean(axis=1) for name, part in parts}
        self.columns = {name: pooled(counts) for name, counts in systems.items()}
        halves = swapped_sums(np.hstack(list(self.columns.values())), samples, rng)
        self.halves = dict(zip(systems, np.split(halves, len(systems), axis=1), strict=True))

    def compare(
        self, a: str, b: str, order: Mapping[str, dict[Hashable, int]] | None, level: float
    ) -> tuple[Difference, float, float]:
        """Difference, p value of the randomisation, smallest detectable difference."""
        one, other = self.systems[a], self.systems[b]
        if order is not None:
            other = other[[order[b][value] for value in order[a]]]
        known = uncertainty(one, other, paired_seeds=order is not None)
        rng = np.random.default_rng(self.seed + 1)
        difference = difference_of(one, other, self.means[a] - self.means[b], known, level, rng)
        all_a, all_b = self.columns[a].sum(0), self.columns[b].sum(0)
        swapped = swapped_difference(all_a, all_b, self.halves[a], self.halves[b])
        observed = swapped_difference(all_a, all_b, np.zeros(2), np.zeros(2))
        p = exceedance(with_seeds(swapped, known, rng) if several_runs(one, other) else swapped, observed)
        return difference, p, noncentrality(known.df, level=level) * known.standard_error
