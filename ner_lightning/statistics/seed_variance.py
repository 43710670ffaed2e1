"""Estimate how much the seed of a run moves F1, from the runs of all systems of a test set together.

Two or three seeds of one system say next to nothing about their variance; those of a dozen systems say a good deal. So
the variance is pooled, as in Tukey's range, and its remaining uncertainty is drawn with everything else. The variance
*seen* on this test set includes each run's own effect on single sentences, which the spread over sentences includes too
and which must not count twice: see `ner_lightning/statistics/variance.py`.

References:
    J. W. Tukey. The problem of multiple comparisons. Princeton University 1953.
    S. Weerahandi. Generalized confidence intervals. JASA 88, 1993 (chi squared in the place of the variance).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class SeedVariance(NamedTuple):
    """Variance of F1 of one run (fractions, squared).

    Attributes:
        seen: over seeds, on this test set.
        both: the part of it that the spread over sentences includes too.
        df: degrees of freedom of `seen`; 0 if no system has two runs, and nothing is known.
        extra: what must be added if estimates contradict each other.
    """

    seen: float
    both: float
    df: float
    extra: float = 0.0

    @property
    def beyond(self) -> float:
        """The part that the spread over sentences does not include."""
        return max(self.seen - self.both, 0.0) + self.extra

    def draw(self, samples: int, rng: np.random.Generator) -> Floats:
        """Draw what `beyond` may be in truth, `[samples]`; few degrees of freedom spread the draws."""
        if not self.df:
            return np.zeros(samples)
        return np.maximum(self.seen * self.df / rng.chisquare(self.df, samples) - self.both, 0.0) + self.extra


NOTHING_KNOWN = SeedVariance(0.0, 0.0, 0.0)


def pool_seed_variance(scores: Sequence[Floats], effects: Sequence[Floats]) -> SeedVariance:
    """Pool the variance over seeds of systems whose runs have nothing in common.

    Args:
        scores: F1 of the runs of each system, `[runs]`.
        effects: effect of each sentence on them, `[runs, sentences]` (`influence`).

    >>> one, other = np.array([0.5, 0.7]), np.array([0.6, 0.6])
    >>> found = pool_seed_variance([one, other], [np.zeros((2, 3))] * 2)
    >>> round(found.seen, 3), found.df
    (0.01, 2.0)
    """
    known = [(f1, of) for f1, of in zip(scores, effects, strict=True) if len(f1) > 1]
    df = sum(len(f1) - 1 for f1, _ in known)
    if not df:
        return NOTHING_KNOWN
    seen = sum(float(np.square(f1 - f1.mean()).sum()) for f1, _ in known) / df
    both = sum(_both(of) * (len(f1) - 1) for f1, of in known) / df
    return SeedVariance(seen, max(both, 0.0), float(df))


def pool_paired_seed_variance(scores: Floats, effects: Floats) -> SeedVariance:
    """Pool the variance over seeds of systems whose runs share them, without what a seed does to all alike.

    Args:
        scores: F1, `[systems, runs]`, run k of all of them with the same seed.
        effects: effect of each sentence on them, `[systems, runs, sentences]`.

    >>> found = pool_paired_seed_variance(np.array([[0.5, 0.7], [0.6, 0.8]]), np.zeros((2, 2, 3)))
    >>> round(found.seen, 9), found.df
    (0.0, 1.0)
    """
    systems, runs = scores.shape
    if min(systems, runs) < 2:
        return NOTHING_KNOWN
    apart, of = scores - scores.mean(axis=0), effects - effects.mean(axis=0)
    df = (systems - 1) * (runs - 1)
    seen = float(np.square(apart - apart.mean(axis=1, keepdims=True)).sum()) / df
    both = sum(_both(each) for each in of) / (systems - 1)
    return SeedVariance(seen, max(both, 0.0), float(df))


def _both(effects: Floats) -> float:
    """Estimate how much more the sentences of a single run vary than those of the mean: what a run does by itself."""
    runs = len(effects)
    return (mean_variance(effects) - mean_variance(effects.mean(axis=0))) * runs / (runs - 1)


def mean_variance(effects: Floats) -> float:
    """Compute the variance of a mean over sentences, `[..., sentences]`, averaged over the leading axes."""
    units = effects.shape[-1]
    return float(np.square(effects).sum(axis=-1).mean()) / (units * (units - 1))
