"""Many systems on one or several test sets, compared pair by pair: drawn once, one correction for all of them.

A difference is shown where two readings show it. The first holds for all pairs together: the variance by seeds is
pooled over the systems of a test set, and the critical value is that of the largest difference there is in draws where
nothing differs (`ner_lightning/statistics/simultaneous.py`). The second is that of the pair alone, with the variance
of its own runs: a system whose runs spread far more than the others' would profit from the pooled one.
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
"""Degrees of freedom that pairing by seed has to leave: below, it costs more than what it takes out."""
FEWEST_SEEDS = 3
"""Of each system; below, nothing can be said of power: the standard error is hardly known."""

Floats = NDArray[np.float64]


class Pair(NamedTuple):
    """Two systems compared.

    Attributes:
        a: name of the one with the higher mean F1.
        b: name of the other.
        difference: of a minus b; p value and interval hold for all pairs of the comparison together.
        p_alone: the p value of the pair by itself, uncorrected.
        p_randomisation: of approximate randomisation, uncorrected; a second opinion. None over several test sets.
        detectable: smallest true difference that could have been shown with the same correction; None where too
            little is known: of fewer than three seeds, or where both say the same.
        paired_seeds: whether runs were paired by seed.
        sentence: the verdict.
        each: the differences on each test set, where this is their mean.
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
    """Systems on the same footing: on one test set, or on average over several.

    Attributes:
        names: of the systems.
        means: mean F1 of each, `[systems]`.
        deviations: draws of where the truth may be, from the means, `[draws, systems]`.
        errors: standard errors of the differences, the variance by seeds pooled, `[systems, systems]`.
        freedom: their degrees of freedom, `[systems, systems]`.
        own_freedom: those that a pair by its own runs can expect, `[systems, systems]`.
        runs: of each system, the fewest of any test set.
        paired: whether runs are paired by seed.
        units: sentences (documents) that its standard errors are estimated from.
        parts: the contests it is the mean of and where its systems stand in them; of one test set there are none.
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
        """Standard error and degrees of freedom of a pair by its own runs."""

    def randomised(self, one: int, other: int) -> float | None:
        """P value of approximate randomisation."""

    def told(self, one: int, other: int) -> str | None:
        """What a difference is the mean of, in words; None: of its runs."""


class JudgedSystems:
    """Systems that were judged on the same sentences (`Contest`).

    Args:
        systems: counts `[runs, sentences, 3]` by name.
        seeds: of the runs of each, in their order; None: runs go by their place.
        samples: draws.
        seed: of the draws.
        groups: document of each sentence.
        paired_seeds: whether run k of all systems goes with run k of the others; None: where all have the same seeds,
            and at least four degrees of freedom remain.

    Raises:
        ValueError: systems that do not fit each other, seeds that are not one a run, or pairs that are none.
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
        # What sentences hold of both together is no more than all they hold.
        apart = ~np.eye(len(self.names), dtype=bool)
        most = sentences[apart].mean() / shares[apart].mean() if apart.any() else 0.0
        self.by_seed = pooled._replace(extra=max(pooled.both - most, 0.0))
        # The same counts say the same, whatever their seeds would do.
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
        """Satterthwaite's degrees of freedom of variances, of which a part is by sentences."""
        squares = sentences**2 / (self.units - 1) + by_seed
        return np.divide(variances**2, squares, out=np.full_like(squares, inf), where=variances > 0)

    def _draw(self, rng: np.random.Generator) -> None:
        units = self.counts[0].shape[1]
        scores = resampled_f1(np.concatenate(self.counts), self.samples, rng)
        ends = np.cumsum(self.runs)[:-1]
        means = np.stack([part.mean(axis=1) for part in np.split(scores, ends, axis=1)], axis=1)
        # A resampled mean varies by (n - 1) / n less than a mean of new ones.
        self.by_sentence = (means - self.means) * np.sqrt(units / (units - 1))
        by_seed = np.sqrt(self.by_seed.draw(self.samples, rng))
        self.luck = rng.normal(size=means.shape) / np.sqrt(self.runs)
        self.deviations = self.by_sentence + self.luck * by_seed[:, None]

    @cached_property
    def optimism(self) -> float:
        """By how much the best mean F1 is too high for having been chosen by it."""
        return optimism_of_best(self.means, self.by_sentence + self.luck * self.by_seed.beyond**0.5)

    def alone(self, one: int, other: int) -> tuple[float, float]:
        """Standard error and degrees of freedom of a pair by its own runs."""
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
        """P value of approximate randomisation."""
        columns, halves = self._halves
        all_a, all_b = columns[one].sum(0), columns[other].sum(0)
        swapped = swapped_difference(all_a, all_b, halves[one], halves[other])
        observed = swapped_difference(all_a, all_b, np.zeros(2), np.zeros(2))
        a, b = self.counts[one], self.counts[other]
        if several_runs(a, b):
            swapped = with_seeds(swapped, uncertainty(a, b, self.paired), np.random.default_rng([*self.seed, 1]))
        return exceedance(swapped, observed)

    def told(self, one: int, other: int) -> None:
        """Of its runs."""


def pool_of(systems: Sequence[Measured], paired: bool) -> SeedVariance:
    """The variance of F1 of one run over seeds, as all systems of a test set tell it."""
    scores, effects = [of.scores for of in systems], [of.effects for of in systems]
    if paired:
        return pool_paired_seed_variance(np.stack(scores), np.stack(effects))
    return pool_seed_variance(scores, effects)


@dataclass(frozen=True)
class Asked:
    """What is asked of a contest.

    Attributes:
        contest: its systems.
        baseline: with which the others are compared; None: each with each.
        every: whether every pair is listed, or those with the best (or the baseline) only. All pairs are corrected for
            in any case, since each of the systems could have been the best.
    """

    contest: Contest
    baseline: str | None = None
    every: bool = True

    @property
    def size(self) -> int:
        """How many pairs are corrected for."""
        n = len(self.contest.names)
        return n - 1 if self.baseline is not None else n * (n - 1) // 2

    @property
    def against(self) -> int | None:
        """Where the baseline stands."""
        return None if self.baseline is None else self.contest.names.index(self.baseline)

    def wanted(self) -> list[tuple[int, int]]:
        """The pairs that are listed."""
        n = len(self.contest.names)
        if self.baseline is None and self.every:
            return list(combinations(range(n), 2))
        one = int(np.argmax(self.contest.means)) if self.against is None else self.against
        return [(one, other) for other in range(n) if other != one]


def compare_all(asked: Sequence[Asked], level: float = LEVEL) -> list[list[Pair]]:
    """Compare pairs of systems; p values and intervals hold for the pairs of all contests together.

    Args:
        asked: the contests, with as many draws each.
        level: of the intervals; 1 minus it is the chance of one or more differences that are none.

    Returns:
        Of each contest a pair each, in the order asked.

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
    found = Difference(apart, apart - half, apart + half, max(together, p_alone), level, runs, error, df)
    detectable = None
    if min(runs) >= FEWEST_SEEDS and error:
        shown_from = _shown_from(df, float(contest.own_freedom[one, other]), critical, own_critical)
        detectable = max(shown_from * error, half)  # nothing inside the interval could have been shown
    a, b = contest.names[one], contest.names[other]
    said = verdict(found, a, b, pairs=size, detectable=detectable, runs=contest.told(one, other))
    each = tuple(judge_pair_alone(part, at[one], at[other], level) for part, at in contest.parts)
    return Pair(a, b, found, p_alone, contest.randomised(one, other), detectable, contest.paired, said, each)


def judge_pair_alone(contest: Contest, one: int, other: int, level: float) -> Difference:
    """A pair by itself, by its own runs and Student's t: neither interval nor p value knows of other pairs."""
    apart = float(contest.means[one] - contest.means[other])
    error, df = contest.alone(one, other)
    half = students_quantile(level, df) * error
    runs = (contest.runs[one], contest.runs[other])
    return Difference(apart, apart - half, apart + half, students_p(apart, error, df), level, runs, error, df)


def _shown_from(*known: float) -> float:
    """How many standard errors could have been shown; many pairs of a page differ in the third digit only."""
    return _rounded_shown_from(*(float(f"{value:.2g}") for value in known))


@lru_cache(maxsize=4096)
def _rounded_shown_from(df: float, own_df: float, critical: float, own_critical: float) -> float:
    return noncentrality(df, own_df, critical=critical, own_critical=own_critical) / shortfall(df)


def compare_systems(
    systems: Mapping[str, ArrayLike],
    *,
    seeds: Mapping[str, Sequence[Hashable]] | None = None,
    baseline: str | None = None,
    every: bool = True,
    samples: int = SAMPLES,
    level: float = LEVEL,
    seed: int = 0,
    groups: Sequence[Hashable] | None = None,
    paired_seeds: bool | None = None,
) -> list[Pair]:
    """Compare systems on one test set, pair by pair; p values and intervals hold for all pairs together.

    Args:
        systems: counts `[runs, sentences, 3]` by name, all on the same sentences.
        seeds: of the runs of each system, in their order (or other repetitions); None: runs go by place.
        baseline: compare the others with this one, which was chosen before any score was seen; None: each with each.
        every: list every pair; False: those with the best. The correction is the same: any could have been the best.
        samples: draws.
        level: of the intervals.
        seed: of the draws.
        groups: document of each sentence (`document_groups`).
        paired_seeds: see `JudgedSystems`.

    Returns:
        A pair each.

    Raises:
        ValueError: systems that do not fit each other, seeds that are not one a run, or no such baseline.
    """
    if baseline is not None and baseline not in systems:
        raise ValueError(f"expected a baseline among {', '.join(systems)}, received {baseline}")
    if len(systems) < 2:
        return []
    judged = JudgedSystems(systems, seeds, samples=samples, seed=seed, groups=groups, paired_seeds=paired_seeds)
    return compare_all([Asked(judged, baseline, every)], level)[0]


def _places(name: str, counts: Counts, seeds: Mapping[str, Sequence[Hashable]] | None) -> dict[Hashable, int]:
    """Where the run of each seed stands."""
    known = range(len(counts)) if seeds is None else seeds[name]
    places = {value: place for place, value in enumerate(known)}
    if len(known) != len(counts) or len(places) != len(counts):
        raise ValueError(
            f"expected a seed for each of the {len(counts)} runs of {name}, all different; received {known}"
        )
    return places
