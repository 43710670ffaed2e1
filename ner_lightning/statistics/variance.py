"""How uncertain a difference of mean F1 is, because of the sentences of the test set and the seeds of the runs.

Runs and sentences are crossed: every run saw the same sentences. The difference of one pair of runs on one sentence is,
to first order, the sum of an effect of the sentence, one of the seeds, and one of both together. So the variance of the
mean difference over R runs and S sentences has three parts:

    Var = sentence / S + seed / R + both / (R * S)

Only two sums of them can be seen: the spread over sentences of the mean over runs includes the first and the third, the
spread over runs of F1 the second and the third. Adding both counts the third part twice (resampling sentences and runs
together counts it three times: Owen 2007); using only one misses a part. The third part follows from how much more the
sentences of a single run vary than those of the mean, and is subtracted once.

References:
    R. L. Brennan, D. J. Harris, B. A. Hanson. The bootstrap and other procedures for examining the variability of
        estimated variance components. ACT Research Report 87-7, 1987.
    A. B. Owen. The pigeonhole bootstrap. Annals of Applied Statistics 1(2), 2007.
    F. E. Satterthwaite. An approximate distribution of estimates of variance components. Biometrics Bulletin, 1946.
    T. Sellam et al. The MultiBERTs: BERT reproductions for robustness analysis. ICLR 2022 (multi-bootstrap).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ner_lightning.statistics.counts import Counts, run_f1
from ner_lightning.statistics.seed_variance import mean_variance


class Spread(NamedTuple):
    """The spread over runs (fractions, squared).

    Attributes:
        seeds: variance of the mean over runs, as seen over the runs.
        both: the part of it that the spread over sentences includes too.
        df: degrees of freedom.
    """

    seeds: float
    both: float
    df: int


class Uncertainty(NamedTuple):
    """The variance of a difference of mean F1 (fractions, squared).

    Attributes:
        sentences: the part by sentences, as seen over all runs together.
        seeds: the part by seeds beyond that; 0 if both systems have only one run, out of ignorance, not certainty.
        df: degrees of freedom of their sum, after Satterthwaite.
        spreads: what `seeds` was computed from, one for each side with several runs.
        units: number of sentences or documents that `sentences` was computed from; 0: it is known.
    """

    sentences: float
    seeds: float
    df: float
    spreads: tuple[Spread, ...] = ()
    units: int = 0

    @property
    def standard_error(self) -> float:
        """The standard error of the difference, as a fraction of F1."""
        return sqrt(self.sentences + self.seeds)


class Measured(NamedTuple):
    """The measurements of a system by its runs.

    Attributes:
        scores: F1 of each run, `[runs]`.
        effects: effect of each unit on it, `[runs, units]` (`influence`).
    """

    scores: NDArray[np.float64]
    effects: NDArray[np.float64]


def uncertainty(a: Counts, b: Counts, paired_seeds: bool = True) -> Uncertainty:
    """Split the variance of mean F1 of `a` minus mean F1 of `b`.

    A system with one run is assumed to vary with its seed as much as the other.

    Args:
        a: counts `[runs, units, 3]`.
        b: counts of the other on the same units, each a sentence or a document.
        paired_seeds: run k of both has the same seed, and what they share cancels; both need the same number of runs.

    Raises:
        ValueError: different units, fewer than two, or runs that cannot be paired.
    """
    check_pair(a, b, paired_seeds)
    return uncertainty_of_pair(measure(a), measure(b), paired_seeds)


def measure(system: Counts) -> Measured:
    """Compute F1 of each run, and the effect of each unit on it."""
    return Measured(run_f1(system), influence(system))


def uncertainty_of_pair(a: Measured, b: Measured, paired_seeds: bool) -> Uncertainty:
    """Split the variance as `uncertainty` does, for systems that are known to fit each other."""
    if len(a.scores) == len(b.scores) == 1 or paired_seeds:
        return uncertainty_of_mean(a.scores - b.scores, a.effects - b.effects)
    spreads = [_spread(*system) for system in (a, b) if len(system.scores) > 1]
    if len(spreads) == 1:  # a single run gets the spread of one of the other's runs, known no better
        several = max(len(a.scores), len(b.scores))
        spreads = [Spread(known.seeds * (1 + several), known.both * (1 + several), known.df) for known in spreads]
    effects = a.effects.mean(0) - b.effects.mean(0)
    return _summed(mean_variance(effects), spreads, len(effects))


def uncertainty_of_mean(scores: NDArray[np.float64], effects: NDArray[np.float64]) -> Uncertainty:
    """Split the variance of a mean over runs: of F1 of a system, or of the differences of paired runs.

    Args:
        scores: `[runs]`.
        effects: effect of each unit on each score, `[runs, units]` (`influence`).
    """
    spreads = [_spread(scores, effects)] if len(scores) > 1 else []
    return _summed(mean_variance(effects.mean(0)), spreads, effects.shape[1])


def _summed(sentences: float, spreads: Sequence[Spread], units: int) -> Uncertainty:
    seen, both = sum(spread.seeds for spread in spreads), sum(spread.both for spread in spreads)
    # Estimates can contradict each other, but no part is below 0, and the whole is above each sum of two parts.
    seeds = max(seen - both, 0.0) + max(both - sentences, 0.0)
    squares = sum(spread.seeds**2 / spread.df for spread in spreads) + sentences**2 / (units - 1)
    df = (sentences + seeds) ** 2 / squares if squares else inf
    return Uncertainty(sentences, seeds, df, tuple(spreads), units)


def check_pair(a: Counts, b: Counts, paired_seeds: bool) -> None:
    """Refuse two systems that cannot be compared.

    Raises:
        ValueError: different units, fewer than two, or runs that cannot be paired.
    """
    if a.shape[1] != b.shape[1] or (a[0, :, 2] != b[0, :, 2]).any():
        raise ValueError(
            f"expected two systems on the same sentences; received {a.shape[1]} and {b.shape[1]} with "
            f"{a[0, :, 2].sum()} and {b[0, :, 2].sum()} gold entities"
        )
    if a.shape[1] < 2:
        raise ValueError("expected at least two sentences (documents, where they are grouped): one says nothing")
    if paired_seeds and len(a) != len(b):
        raise ValueError(
            f"expected as many runs of both systems where they are paired by seed, received {len(a)} and {len(b)}; "
            "compare runs of common seeds, or say paired_seeds=False"
        )


def influence(system: Counts) -> NDArray[np.float64]:
    """Compute the effect of each unit on F1 of each run, `[runs, units]`: (2c - F1 * (p + g)) / mean of p + g.

    Its mean over units is 0; its variance over their number is the variance of F1, to first order (the infinitesimal
    jackknife: Jaeckel 1972; Efron 1982).
    """
    whole = (system[..., 1] + system[..., 2]).astype(np.float64)
    mean = whole.mean(axis=1, keepdims=True)
    return (2 * system[..., 0] - run_f1(system)[:, None] * whole) / np.where(mean > 0, mean, 1.0)


def _spread(scores: NDArray[np.float64], effects: NDArray[np.float64]) -> Spread:
    runs = len(scores)
    both = (mean_variance(effects) - mean_variance(effects.mean(0))) / (runs - 1)
    return Spread(float(scores.var(ddof=1)) / runs, max(both, 0.0), runs - 1)
