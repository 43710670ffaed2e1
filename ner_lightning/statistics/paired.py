"""Test whether a difference is real: intervals and p values for mean F1 of two systems, over sentences and seeds.

A system is a training procedure; its runs differ by seed. The question is whether it would be better on new sentences
*and* with new seeds, so both are uncertain (`variance.py`), and both are drawn anew: sentences from the test set
(bootstrap) or by swapping the systems on them (randomisation), seeds from a normal distribution with the variance that
was observed. Few seeds say little about their variance, so draws are widened as Student's t is wider than the normal.
Resampling five runs instead would be too narrow by a factor sqrt(4/5) and could never leave their range.
docs/statistics.md shows how well this does where the truth is known.

References:
    E. W. Noreen. Computer-intensive methods for testing hypotheses. Wiley 1989 (approximate randomisation, +1).
    A. Yeh. More accurate tests for the statistical significance of result differences. COLING 2000 (F1 needs it).
    P. Koehn. Statistical significance tests for machine translation evaluation. EMNLP 2004 (paired bootstrap).
    T. Berg-Kirkpatrick, D. Burkett, D. Klein. An empirical investigation of statistical significance in NLP.
        EMNLP 2012.
    R. Dror, G. Baumer, S. Shlomov, R. Reichart. The hitchhiker's guide to testing statistical significance in NLP.
        ACL 2018.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import comb
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ner_lightning.statistics.counts import Counts, run_f1, sum_groups
from ner_lightning.statistics.resampling import resampled_f1, swapped_sums
from ner_lightning.statistics.variance import Uncertainty, check_pair, influence, uncertainty, uncertainty_of_mean

Units = Literal["both", "sentences", "runs"]

SAMPLES = 10_000
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean F1 of a minus mean F1 of b, in fractions of 1.

    Attributes:
        difference: for these runs on this test set.
        low: lower limit of the interval.
        high: upper limit.
        p: two-sided p value of no difference; the interval contains 0 if p is above 1 - level.
        level: of the interval.
        runs: numbers of runs of a and of b. With one each, nothing is said about other seeds.
        standard_error: of the difference.
        df: degrees of freedom of the standard error.
    """

    difference: float
    low: float
    high: float
    p: float
    level: float
    runs: tuple[int, int]
    standard_error: float
    df: float


def paired_bootstrap(
    a: ArrayLike,
    b: ArrayLike,
    *,
    samples: int = SAMPLES,
    level: float = LEVEL,
    seed: int = 0,
    groups: Sequence[Hashable] | None = None,
    paired_seeds: bool = True,
) -> Difference:
    """Compute the difference of mean F1 with its interval and p value, over sentences and seeds.

    In each of `samples` draws, all runs get the same sentences, drawn with replacement; seeds add a normal deviate with
    their own variance; the sum is divided by the root of chi squared over df. The interval is the middle `level` of
    these differences. p is twice the share beyond 0, (k + 1) / (samples + 1), or Student's if no draw is beyond.

    Args:
        a: counts of a system, `[runs, sentences, 3]` (`sentence_counts` of each run).
        b: of the other on the same sentences.
        samples: how many draws.
        level: of the interval.
        seed: of the draws.
        groups: document of each sentence; documents are drawn whole, as their sentences resemble each other.
        paired_seeds: run k of both has the same seed (or fold); False: seeds have nothing in common, and there may
            be more runs of one.

    Raises:
        ValueError: the systems do not fit each other.
    """
    a, b = sum_groups(a, groups), sum_groups(b, groups)
    known = uncertainty(a, b, paired_seeds)
    rng = np.random.default_rng(seed)
    scores = resampled_f1(np.concatenate([a, b]), samples, rng)
    drawn = scores[:, : len(a)].mean(1) - scores[:, len(a) :].mean(1)
    return difference_of(a, b, drawn, known, level, rng)


def interval_of(
    counts: Counts, drawn: NDArray[np.float64], level: float, rng: np.random.Generator
) -> tuple[float, float]:
    """Compute the interval of mean F1 from F1 on resampled sentences, `[samples, runs]`, adding the seeds."""
    scores = run_f1(counts)
    known = uncertainty_of_mean(scores, influence(counts))
    mean = float(scores.mean())
    around = around_observed(mean, drawn.mean(axis=1), known, counts.shape[1], rng)
    low, high = np.nanquantile(around, [(1 - level) / 2, (1 + level) / 2])
    return between_bounds(mean, float(high - low) / 2)


def between_bounds(share: float, half: float) -> tuple[float, float]:
    """Lay an interval around a share on the logit scale, where it is equally wide in both directions.

    A share varies less the nearer it is to 0 or 1, so its interval must reach farther towards the middle; and it never
    leaves the range from 0 to 1.

    Args:
        share: in fractions.
        half: half the width, at the share itself.

    >>> low, high = between_bounds(0.98, 0.0275)  # Wilson's interval of 98 of 100: 0.930 to 0.994
    >>> round(low, 3), round(high, 3), between_bounds(1.0, 0.0)
    (0.923, 0.995, (1.0, 1.0))
    """
    from scipy.special import expit, logit  # type: ignore[import-untyped]

    slope = share * (1 - share)
    if not slope:
        return max(share - half, 0.0), min(share + half, 1.0)
    low, high = expit(logit(share) + np.array([-half, half]) / slope)
    return float(low), float(high)


def around_difference(difference: float, half: float) -> tuple[float, float]:
    """Lay an interval around a difference of two shares, which cannot leave -1 to 1.

    >>> around_difference(0.75, 0.5), around_difference(0.0, 0.25)
    ((0.25, 1.0), (-0.25, 0.25))
    """
    return max(difference - half, -1.0), min(difference + half, 1.0)


def difference_of(
    a: Counts, b: Counts, drawn: NDArray[np.float64], known: Uncertainty, level: float, rng: np.random.Generator
) -> Difference:
    """Compute interval and p value from differences on resampled sentences, `[samples]`, adding the seeds."""
    observed = float(run_f1(a).mean() - run_f1(b).mean())
    around = around_observed(observed, drawn, known, a.shape[1], rng)
    low, high = np.clip(np.quantile(around, [(1 - level) / 2, (1 + level) / 2]), -1.0, 1.0)
    beyond = int(min((around <= 0).sum(), (around >= 0).sum()))
    p = min(2 * (beyond + 1) / (len(around) + 1), 1.0)
    if not beyond:  # no draw tells how small p is, and a correction for many pairs must know
        p = min(p, students_p(observed, known.standard_error, known.df))
    return Difference(observed, float(low), float(high), p, level, (len(a), len(b)), known.standard_error, known.df)


def students_p(difference: float, standard_error: float, df: float) -> float:
    """Compute the two-sided p value of a difference by Student's t.

    >>> round(students_p(0.02, 0.01, 8.0), 4), students_p(0.0, 0.0, 8.0), students_p(0.1, 0.0, 8.0)
    (0.0805, 1.0, 0.0)
    """
    from scipy.special import stdtr

    if not standard_error:
        return float(difference == 0)
    return float(2 * stdtr(df, -abs(difference) / standard_error))


def students_quantile(level: float, df: float) -> float:
    """Compute how many standard errors an interval of Student's t reaches to either side.

    >>> round(students_quantile(0.95, 4.0), 3), round(students_quantile(0.95, float("inf")), 3)
    (2.776, 1.96)
    """
    from scipy.special import stdtrit

    return float(stdtrit(df, (1 + level) / 2))


def around_observed(
    observed: float, drawn: NDArray[np.float64], known: Uncertainty, units: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw where the truth may be, from what was observed and what it was on resampled sentences."""
    # The variance of a resampled mean is smaller than that of a new one by the factor (n - 1) / n.
    return observed + with_seeds((drawn - observed) * np.sqrt(units / (units - 1)), known, rng)


def with_seeds(deviations: NDArray[np.float64], known: Uncertainty, rng: np.random.Generator) -> NDArray[np.float64]:
    """Add deviations by seeds to those by sentences, widened as the few seeds demand.

    The variance by seeds is drawn separately (a generalised pivotal quantity, as for Behrens and Fisher's problem): if
    two runs happen to be alike it may be far larger than it looks, which degrees of freedom of the sum do not show.
    """
    if known.units > 1:
        rest = known.units - 1
        deviations = deviations / np.sqrt(rng.chisquare(rest, size=deviations.shape) / rest)
    if not known.spreads:
        return deviations
    seen, both = (sum(values) for values in zip(*(spread[:2] for spread in known.spreads), strict=True))
    if not seen:
        return deviations
    df = seen**2 / sum(spread.seeds**2 / spread.df for spread in known.spreads)
    drawn = seen * df / rng.chisquare(df, size=deviations.shape)
    seeds = np.maximum(drawn - both, 0.0) + max(both - known.sentences, 0.0)
    return deviations + rng.normal(size=deviations.shape) * np.sqrt(seeds)


def approximate_randomisation(
    a: ArrayLike,
    b: ArrayLike,
    *,
    samples: int = SAMPLES,
    seed: int = 0,
    groups: Sequence[Hashable] | None = None,
    paired_seeds: bool = True,
    units: Units = "both",
) -> float:
    """Compute a two-sided p value by exchanging what could be exchanged if there were no difference.

    - `sentences`: each sentence goes to the other system or stays, in all runs at once, since runs on one sentence
      resemble each other. This asks whether *these runs* differ on new sentences. It knows nothing about seeds: two
      halves of ten runs of one procedure differ "significantly" far too often.
    - `runs`: whole runs change sides, paired ones within their pair. This is exact for *one procedure under two
      names*, on this test set. If there are at most `samples` assignments, all are counted. They are few: with five
      pairs p is never below 2/32, with three and three unpaired runs never below 2/20.
    - `both`: sentences as above, and seeds add to each draw what they add in `paired_bootstrap`. With one run each, it
      is the same as `sentences`.

    The statistic is the difference of mean F1 (`runs`), or of F1 of the counts of all runs together, which is the same
    to first order and needs no partner for each run. p is (k + 1) / (samples + 1) with k draws at least as extreme
    (Noreen 1989), or k / n if all n are counted.

    Args:
        a: counts of a system, `[runs, sentences, 3]`.
        b: of the other on the same sentences.
        samples: how many draws.
        seed: of the draws.
        groups: document of each sentence; documents are exchanged whole.
        paired_seeds: run k of both has the same seed.
        units: what is exchanged.

    Raises:
        ValueError: the systems do not fit each other, or there are no such units.
    """
    a, b = sum_groups(a, groups), sum_groups(b, groups)
    rng = np.random.default_rng(seed)
    if units == "runs":
        check_pair(a, b, paired_seeds)
        return _runs_exchanged(run_f1(a), run_f1(b), paired_seeds, samples, rng)
    if units not in ("both", "sentences"):
        raise ValueError(f"expected units to be both, sentences or runs, received {units!r}")
    known = uncertainty(a, b, paired_seeds)
    columns = np.hstack([pool_runs(a), pool_runs(b)])
    sums = swapped_sums(columns, samples, rng)
    total = columns.sum(0)
    drawn = swapped_difference(total[:2], total[2:], sums[:, :2], sums[:, 2:])
    observed = swapped_difference(total[:2], total[2:], np.zeros(2), np.zeros(2))
    return exceedance(with_seeds(drawn, known, rng) if units == "both" and several_runs(a, b) else drawn, observed)


def several_runs(a: Counts, b: Counts) -> bool:
    """Tell whether anything is known about the variance by seeds."""
    return max(len(a), len(b)) > 1


def pool_runs(system: Counts) -> NDArray[np.float64]:
    """Average 2c and p + g of each unit over runs, `[units, 2]`; their sums' ratio is F1 of all runs together."""
    mean = system.mean(axis=0)
    return np.stack([2 * mean[:, 0], mean[:, 1] + mean[:, 2]], axis=1)


def swapped_difference(
    all_a: NDArray[np.float64], all_b: NDArray[np.float64], half_a: NDArray[np.float64], half_b: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Compute F1 of a minus F1 of b after the halves have changed sides; sums of `pool_runs`, `[..., 2]`."""
    moved = half_b - half_a
    return _ratio(all_a + moved) - _ratio(all_b - moved)


def _ratio(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(sums[..., 0], sums[..., 1], out=np.zeros(sums.shape[:-1]), where=sums[..., 1] > 0)


def exceedance(drawn: NDArray[np.float64], observed: ArrayLike, exact: bool = False) -> float:
    """Compute the share of draws at least as far from 0 as the observed value, counted as one unless `exact`.

    >>> exceedance(np.array([0.1, -0.3, 0.2]), 0.3)
    0.5
    """
    # Sums in another order may differ in the last digit, and count as equal.
    beyond = int((np.abs(drawn) >= np.abs(observed) - 1e-12).sum())
    return beyond / len(drawn) if exact else (beyond + 1) / (len(drawn) + 1)


def _runs_exchanged(
    a: NDArray[np.float64], b: NDArray[np.float64], paired: bool, samples: int, rng: np.random.Generator
) -> float:
    observed = a.mean() - b.mean()
    if paired:
        exact = 2 ** len(a) <= samples
        signs = np.array(list(product([1, -1], repeat=len(a)))) if exact else rng.choice([1, -1], (samples, len(a)))
        return exceedance(signs @ (a - b) / len(a), observed, exact)
    together = np.concatenate([a, b])
    exact = comb(len(together), len(a)) <= samples
    if exact:
        chosen = np.array(list(combinations(range(len(together)), len(a))))
    else:
        chosen = rng.permuted(np.tile(np.arange(len(together)), (samples, 1)), axis=1)[:, : len(a)]
    of_a = together[chosen].sum(1)
    return exceedance(of_a / len(a) - (together.sum() - of_a) / len(b), observed, exact)
