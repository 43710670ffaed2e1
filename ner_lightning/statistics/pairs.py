"""Compare many systems on one or several test sets, pair by pair: one set of draws, one correction for all pairs.

A difference counts as shown if two tests show it. The first holds for all pairs together: the variance by seeds is
pooled over the systems of a test set, and the critical value is that of the largest difference in draws where nothing
differs (`ner_lightning/statistics/simultaneous.py`). The second looks at the pair alone, with the variance of its own
runs: otherwise a system whose runs vary far more than the others' would profit from the pooled variance.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations
from math import inf
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ner_lightning.statistics.counts import Counts, sum_groups
from ner_lightning.statistics.paired import (
    LEVEL,
    SAMPLES,
    Difference,
    around_difference,
    exceedance,
    pool_runs,
    several_runs,
    students_p,
    students_quantile,
    swapped_difference,
    with_seeds,
)
from ner_lightning.statistics.resampling import resampled_f1, swapped_sums
from ner_lightning.statistics.seed_variance import SeedVariance, pool_paired_seed_variance, pool_seed_variance
from ner_lightning.statistics.significance import is_shown, noncentrality, shortfall, verdict
from ner_lightning.statistics.simultaneous import Balanced, largest_differences, optimism_of_best, widen
from ner_lightning.statistics.variance import Measured, check_pair, measure, uncertainty, uncertainty_of_pair

FEWEST_PAIRED = 4
"""Degrees of freedom that pairing by seed must leave: with fewer, it costs more than it gains."""
FEWEST_SEEDS = 3
"""Seeds per system; with fewer, the standard error is hardly known, and nothing can be said about power."""

Floats = NDArray[np.float64]


class Pair(NamedTuple):
    """A comparison of two systems.

    Attributes:
        a: name of the one with the higher mean F1.
        b: name of the other.
        difference: a minus b; p value and interval hold for all pairs of the comparison together.
        p_alone: the uncorrected p value of the pair by itself.
        p_randomisation: a second opinion, the uncorrected p of approximate randomisation; None over several test sets.
        detectable: smallest true difference that could have been shown with the same correction; None where too
            little is known: of fewer than three seeds, or where both say the same.
        paired_seeds: whether runs were paired by seed.
        sentence: the verdict in words.
        each: the differences on each test set, if this is their mean.
    """

    a: str
    b: str
    difference: Difference
    p_alone: float
    p_randomisation: float | None
    detectable: float | None
    paired_seeds: bool
    sentence: str
    each: tuple[Difference, ...] = ()

    @property
    def shown(self) -> bool:
        """Whether a difference was shown, after correction."""
        return is_shown(self.difference.p, self.difference.level)


class Contest(Protocol):
    """Systems compared on equal terms: on one test set, or on average over several.

    Attributes:
        names: of the systems.
        means: mean F1 of each, `[systems]`.
        deviations: draws of the truth's deviations from the means, `[draws, systems]`.
        errors: standard errors of the differences, with pooled variance by seeds, `[systems, systems]`.
        freedom: their degrees of freedom, `[systems, systems]`.
        own_freedom: those that a pair can expect from its own runs, `[systems, systems]`.
        runs: number of runs of each system, the smallest of any test set.
        paired: whether runs are paired by seed.
        units: number of sentences (documents) that the standard errors are estimated from.
        parts: the contests it is the mean of, with the places of its systems in them; empty for one test set.
    """

    names: tuple[str, ...]
    means: Floats
    deviations: Floats
    errors: Floats
    freedom: Floats
    own_freedom: Floats
    runs: tuple[int, ...]
    paired: bool
    units: int
    parts: Sequence[tuple[Contest, Sequence[int]]]

    def alone(self, one: int, other: int) -> tuple[float, float]:
        """Compute standard error and degrees of freedom of a pair from its own runs."""

    def randomised(self, one: int, other: int) -> float | None:
        """Compute the p value of approximate randomisation."""

    def told(self, one: int, other: int) -> str | None:
        """Say what a difference is the mean of; None: of its runs."""


class JudgedSystems:
    """Systems evaluated on the same sentences (`Contest`).

    Args:
        systems: counts `[runs, sentences, 3]` by name.
        seeds: of the runs of each, in their order; None: runs are matched by place.
        samples: draws.
        seed: of the draws.
        groups: document of each sentence.
        paired_seeds: whether run k of each system is paired with run k of the others; None: if all have the same seeds,
            and at least four degrees of freedom remain.

    Raises:
        ValueError: systems that do not fit each other, not one seed per run, or runs that cannot be paired.
    """

    parts: Sequence[tuple[Contest, Sequence[int]]] = ()

    def __init__(
        self,
        systems: Mapping[str, ArrayLike],
        seeds: Mapping[str, Sequence[Hashable]] | None = None,
        *,
        samples: int = SAMPLES,
        seed: int | Sequence[int] = 0,
        groups: Sequence[Hashable] | None = None,
        paired_seeds: bool | None = None,
    ) -> None:
        counts = {name: sum_groups(of, groups) for name, of in systems.items()}
        places = {name: _places(name, of, seeds) for name, of in counts.items()}
        first = next(iter(places.values()))
        alike = all(each.keys() == first.keys() for each in places.values())
        if paired_seeds and not alike:
            raise ValueError("expected the same seeds of all systems where they are paired; say paired_seeds=None")
        self.paired = alike and len(first) > 1 and paired_seeds is not False
        if paired_seeds is None and (len(counts) - 1) * (len(first) - 1) < FEWEST_PAIRED:
            self.paired = False
        if self.paired:
            counts = {name: of[[places[name][key] for key in first]] for name, of in counts.items()}
        self.names, self.counts = tuple(counts), list(counts.values())
        for other in self.counts:
            check_pair(self.counts[0], other, paired_seeds=False)
        self.runs = tuple(map(len, self.counts))
        self.measured = [measure(of) for of in self.counts]
        self.means = np.array([of.scores.mean() for of in self.measured])
        self.samples, self.seed = samples, [seed] if isinstance(seed, int) else [*seed]
        self._look_at_errors()
        self._draw(np.random.default_rng(self.seed))

    def _look_at_errors(self) -> None:
        units = self.units = self.counts[0].shape[1]
        effects = np.stack([of.effects.mean(axis=0) for of in self.measured])
        products = effects @ effects.T / (units * (units - 1))
        squares = np.diag(products)
        sentences = np.maximum(squares[:, None] + squares - 2 * products, 0.0)
        parts = 1 / np.array(self.runs)
        shares = parts[:, None] + parts
        pooled = pool_of(self.measured, self.paired)
        # The part by both together cannot exceed the whole spread over sentences.
        apart = ~np.eye(len(self.names), dtype=bool)
        most = sentences[apart].mean() / shares[apart].mean() if apart.any() else 0.0
        self.by_seed = pooled._replace(extra=max(pooled.both - most, 0.0))
        # Equal counts cannot differ, whatever their seeds would do.
        kinds: dict[bytes, int] = {}
        kind = np.array([kinds.setdefault(of.tobytes(), len(kinds)) for of in self.counts])
        self.same = kind[:, None] == kind
        variances = np.where(self.same, 0.0, sentences + self.by_seed.beyond * shares)
        self.errors = np.sqrt(variances)
        self.freedom = self._freedom(variances, sentences, (pooled.seen * shares) ** 2 / (pooled.df or inf))
        own = (pooled.seen * parts) ** 2 / np.maximum(np.array(self.runs) - 1, 1)
        of_pair = (pooled.seen * shares) ** 2 / (self.runs[0] - 1) if self.paired else own[:, None] + own
        self.own_freedom = self._freedom(variances, sentences, of_pair)

    def _freedom(self, variances: Floats, sentences: Floats, by_seed: Floats) -> Floats:
        """Compute Satterthwaite's degrees of freedom of variances that are partly by sentences."""
        squares = sentences**2 / (self.units - 1) + by_seed
        return np.divide(variances**2, squares, out=np.full_like(squares, inf), where=variances > 0)

    def _draw(self, rng: np.random.Generator) -> None:
        units = self.counts[0].shape[1]
        scores = resampled_f1(np.concatenate(self.counts), self.samples, rng)
        ends = np.cumsum(self.runs)[:-1]
        means = np.stack([part.mean(axis=1) for part in np.split(scores, ends, axis=1)], axis=1)
        # The variance of a resampled mean is smaller than that of a new one by the factor (n - 1) / n.
        self.by_sentence = (means - self.means) * np.sqrt(units / (units - 1))
        by_seed = np.sqrt(self.by_seed.draw(self.samples, rng))
        self.luck = rng.normal(size=means.shape) / np.sqrt(self.runs)
        self.deviations = self.by_sentence + self.luck * by_seed[:, None]

    @cached_property
    def optimism(self) -> float:
        """Estimate by how much the best mean F1 is too high because it was chosen as the best."""
        return optimism_of_best(self.means, self.by_sentence + self.luck * self.by_seed.beyond**0.5)

    def alone(self, one: int, other: int) -> tuple[float, float]:
        """Compute standard error and degrees of freedom of a pair from its own runs."""
        if self.same[one, other]:
            return 0.0, inf
        known = uncertainty_of_pair(self.measured[one], self.measured[other], self.paired)
        return known.standard_error, known.df

    @cached_property
    def _halves(self) -> tuple[list[Floats], list[Floats]]:
        columns = [pool_runs(of) for of in self.counts]
        sums = swapped_sums(np.hstack(columns), self.samples, np.random.default_rng(self.seed))
        return columns, np.split(sums, len(columns), axis=1)

    def randomised(self, one: int, other: int) -> float | None:
        """Compute the p value of approximate randomisation."""
        columns, halves = self._halves
        all_a, all_b = columns[one].sum(0), columns[other].sum(0)
        swapped = swapped_difference(all_a, all_b, halves[one], halves[other])
        observed = swapped_difference(all_a, all_b, np.zeros(2), np.zeros(2))
        a, b = self.counts[one], self.counts[other]
        if several_runs(a, b):
            swapped = with_seeds(swapped, uncertainty(a, b, self.paired), np.random.default_rng([*self.seed, 1]))
        return exceedance(swapped, observed)

    def told(self, one: int, other: int) -> None:
        """Return None: a difference is the mean of its runs."""


def pool_of(systems: Sequence[Measured], paired: bool) -> SeedVariance:
    """Pool the variance of one run's F1 over seeds from all systems of a test set."""
    scores, effects = [of.scores for of in systems], [of.effects for of in systems]
    if paired:
        return pool_paired_seed_variance(np.stack(scores), np.stack(effects))
    return pool_seed_variance(scores, effects)


@dataclass(frozen=True)
class Asked:
    """A request for the comparisons of a contest.

    Attributes:
        contest: its systems.
        baseline: the system that the others are compared with; None: each with each.
        every: whether to list every pair, or only those with the best (or the baseline). All pairs are corrected for in
            any case, since each of the systems could have been the best.
    """

    contest: Contest
    baseline: str | None = None
    every: bool = True

    @property
    def size(self) -> int:
        """The number of pairs that are corrected for."""
        n = len(self.contest.names)
        return n - 1 if self.baseline is not None else n * (n - 1) // 2

    @property
    def against(self) -> int | None:
        """The place of the baseline."""
        return None if self.baseline is None else self.contest.names.index(self.baseline)

    def wanted(self) -> list[tuple[int, int]]:
        """List the pairs that are shown."""
        n = len(self.contest.names)
        if self.baseline is None and self.every:
            return list(combinations(range(n), 2))
        one = int(np.argmax(self.contest.means)) if self.against is None else self.against
        return [(one, other) for other in range(n) if other != one]


def compare_all(asked: Sequence[Asked], level: float = LEVEL) -> list[list[Pair]]:
    """Compare pairs of systems; p values and intervals hold for the pairs of all contests together.

    Args:
        asked: the contests, all with the same number of draws.
        level: of the intervals; 1 minus it is the chance of showing one or more false differences.

    Returns:
        For each contest its pairs, in the order asked.

    Raises:
        ValueError: too few draws for this level.
    """
    if not asked:
        return []
    largest = [largest_differences(each.contest.deviations, each.contest.errors, each.against) for each in asked]
    balanced = Balanced([widen(of, each.contest.units - 1) for of, each in zip(largest, asked, strict=True)])
    size = sum(each.size for each in asked)
    return [
        [_pair(each.contest, one, other, balanced, place, level, size) for one, other in each.wanted()]
        for place, each in enumerate(asked)
    ]


def _pair(contest: Contest, one: int, other: int, balanced: Balanced, place: int, level: float, size: int) -> Pair:
    if contest.means[one] < contest.means[other]:
        one, other = other, one
    apart, error = float(contest.means[one] - contest.means[other]), float(contest.errors[one, other])
    together = float(balanced.p(place, np.array([apart / error]))[0]) if error else float(apart == 0)
    own_error, own_df = contest.alone(one, other)
    p_alone = students_p(apart, own_error, own_df)
    critical, own_critical = balanced.critical(place, level), students_quantile(level, own_df)
    half = max(critical * error, own_critical * own_error)
    runs, df = (contest.runs[one], contest.runs[other]), float(contest.freedom[one, other])
    found = Difference(apart, *around_difference(apart, half), max(together, p_alone), level, runs, error, df)
    detectable = None
    if min(runs) >= FEWEST_SEEDS and error:
        shown_from = _shown_from(df, float(contest.own_freedom[one, other]), critical, own_critical)
        detectable = max(shown_from * error, half)  # no difference inside the interval could have been shown
    a, b = contest.names[one], contest.names[other]
    said = verdict(found, a, b, pairs=size, detectable=detectable, runs=contest.told(one, other))
    each = tuple(judge_pair_alone(part, at[one], at[other], level) for part, at in contest.parts)
    return Pair(a, b, found, p_alone, contest.randomised(one, other), detectable, contest.paired, said, each)


def judge_pair_alone(contest: Contest, one: int, other: int, level: float) -> Difference:
    """Compare a pair by its own runs and Student's t: interval and p value ignore other pairs."""
    apart = float(contest.means[one] - contest.means[other])
    error, df = contest.alone(one, other)
    half = students_quantile(level, df) * error
    runs = (contest.runs[one], contest.runs[other])
    return Difference(apart, *around_difference(apart, half), students_p(apart, error, df), level, runs, error, df)


def _shown_from(*known: float) -> float:
    """Compute how many standard errors could have been shown; many pairs of a page differ only in the third digit."""
    return _rounded_shown_from(*(float(f"{value:.2g}") for value in known))


@lru_cache(maxsize=4096)
def _rounded_shown_from(df: float, own_df: float, critical: float, own_critical: float) -> float:
    return noncentrality(df, own_df, critical=critical, own_critical=own_critical) / shortfall(df)


def _places(name: str, counts: Counts, seeds: Mapping[str, Sequence[Hashable]] | None) -> dict[Hashable, int]:
    """Map each seed to the place of its run."""
    known = range(len(counts)) if seeds is None else seeds[name]
    places = {value: place for place, value in enumerate(known)}
    if len(known) != len(counts) or len(places) != len(counts):
        raise ValueError(
            f"expected a seed for each of the {len(counts)} runs of {name}, all different; received {known}"
        )
    return places
