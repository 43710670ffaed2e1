"""Conclusions of a comparison: intervals over seeds, what could have been shown, the sentence for people.

The tests themselves are in `paired.py`, the counts they need in `counts.py`.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from math import exp, isinf, lgamma, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ner_lightning.statistics.counts import sum_groups
from ner_lightning.statistics.paired import LEVEL, Difference, between_bounds, students_quantile
from ner_lightning.statistics.variance import uncertainty

POWER = 0.8
_NODES = 64  # for each of two chi squared distributions; noncentrality is then right to three digits


def mean_interval(values: Sequence[float], level: float = LEVEL) -> tuple[float, float] | None:
    """Compute the interval of mean F1 over seeds; None for fewer than two values, which have no spread.

    It is as wide as Student's t at the mean, and laid on the scale of the logit (`between_bounds`). It says how well
    the mean over seeds is known on this test set, not whether it holds on another.

    >>> low, high = mean_interval([0.8, 0.9])
    >>> round(low, 3), round(high, 3)
    (0.037, 0.999)
    >>> mean_interval([0.8])
    """
    if len(values) < 2:
        return None
    mean, error = float(np.mean(values)), float(np.std(values, ddof=1)) / len(values) ** 0.5
    half = students_quantile(level, len(values) - 1) * error
    return between_bounds(mean, half)


def smallest_detectable(
    a: ArrayLike,
    b: ArrayLike,
    *,
    power: float = POWER,
    level: float = LEVEL,
    groups: Sequence[Hashable] | None = None,
    paired_seeds: bool = True,
) -> float:
    """Compute the smallest true difference of F1 that these sentences and seeds show with `power`.

    It is a fraction: the non-centrality at which Student's t exceeds its critical value with probability `power`, times
    the standard error of the difference. It depends on how much two systems disagree, not on which is better. Never
    compute it to explain the observed difference away (Hoenig and Heisey 2001), but to see what a null result can mean
    and how many seeds the next sweep needs.

    Args:
        a: counts of a system, `[runs, sentences, 3]`.
        b: of the other on the same sentences.
        power: chance to show it.
        level: 1 minus the chance to show a false one.
        groups: document of each sentence.
        paired_seeds: run k of both has the same seed.

    Raises:
        ValueError: the systems do not fit each other.

    References:
        D. Card et al. With little power comes great responsibility. EMNLP 2020.
        J. M. Hoenig, D. M. Heisey. The abuse of power. The American Statistician, 2001.
    """
    known = uncertainty(sum_groups(a, groups), sum_groups(b, groups), paired_seeds)
    return noncentrality(known.df, power=power, level=level) * known.standard_error / shortfall(known.df)


def noncentrality(
    df: float,
    own_df: float | None = None,
    *,
    critical: float = 0.0,
    own_critical: float | None = None,
    power: float = POWER,
    level: float = LEVEL,
) -> float:
    """Compute how many standard errors from 0 a mean must be, to be shown with `power` by both tests of a page.

    The standard errors of both tests are estimates and vary; that of the pair's own runs is part of the pooled one.

    Args:
        df: degrees of freedom of the standard error.
        own_df: of the standard error of the pair's own runs, which the second test uses; None: the same.
        critical: how many standard errors the first test requires.
        own_critical: how many of its own the second test requires; None: Student's quantile.
        power: chance to show it.
        level: of Student's quantile, 1 minus the chance to show a false difference.

    >>> round(noncentrality(float("inf")), 3), round(noncentrality(4), 2), round(noncentrality(40, 4, critical=3.0), 2)
    (2.802, 3.76, 4.13)
    """
    from scipy.optimize import brentq  # type: ignore[import-untyped]
    from scipy.special import ndtr  # type: ignore[import-untyped]

    own_df = df if own_df is None else min(own_df, df)
    own = _variances(own_df)[:, None]
    rest = df - own_df
    whole = own if not rest or isinf(own_df) else own + (_variances(rest) - own) * (1.0 if isinf(df) else rest / df)
    own_critical = students_quantile(level, own_df) if own_critical is None else own_critical
    asked = np.maximum(critical * np.sqrt(whole), own_critical * np.sqrt(own))
    return float(brentq(lambda shift: ndtr(shift - asked).mean() - power, 0.0, asked.max() + 10.0))


def _variances(df: float) -> NDArray[np.float64]:
    """Return equally likely estimates of a variance that is 1."""
    from scipy.special import chdtri

    return np.ones(1) if isinf(df) else np.array(chdtri(df, (np.arange(_NODES) + 0.5) / _NODES) / df)


def shortfall(df: float) -> float:
    """Compute the mean of a standard error's estimate relative to its true value: roots of variances are biased.

    >>> round(shortfall(4), 3), shortfall(float("inf"))
    (0.94, 1.0)
    """
    return 1.0 if isinf(df) else sqrt(2 / df) * exp(lgamma((df + 1) / 2) - lgamma(df / 2))


def is_shown(p: float, level: float = LEVEL) -> bool:
    """Tell whether a p value is small enough."""
    return p <= 1 - level + 1e-12


def verdict(
    difference: Difference,
    a: str,
    b: str,
    *,
    pairs: int = 1,
    detectable: float | None = None,
    runs: str | None = None,
) -> str:
    """Put a comparison into one sentence; F1 in points, of 100.

    Args:
        difference: of a minus b.
        a: name of the first system.
        b: name of the second.
        pairs: how many pairs p value and interval of the difference hold for together.
        detectable: the smallest true difference that could have been shown; mentioned if none was.
        runs: what it is the mean of, in words; None: the runs of the difference.

    >>> found = Difference(0.008, 0.002, 0.014, 0.0104, 0.95, (5, 5), 0.003, float("inf"))
    >>> verdict(found, "crf", "softmax")
    'crf beats softmax by 0.8 F1 (95 %: 0.2 to 1.4, p = 0.010, 5 seeds)'
    >>> found = Difference(0.008, -0.002, 0.018, 0.12, 0.95, (5, 5), 0.003, float("inf"))
    >>> verdict(found, "crf", "bert", detectable=0.011)
    'no difference shown between crf and bert (0.8 F1, 95 %: -0.2 to 1.8, p = 0.12, 5 seeds; could have shown 1.1)'
    """
    runs = runs or _runs_text(difference.runs)
    if not (difference.standard_error or difference.difference):
        return f"no difference between {a} and {b}: they are right and wrong in the same places ({runs})"
    sign = 1
    real = is_shown(difference.p, difference.level)
    if real and difference.difference < 0:
        a, b, sign = b, a, -1
    low, high = sorted((sign * difference.low, sign * difference.high))
    said_p = _p_text(difference.p) + (f", both corrected for {pairs:,} pairs" if pairs > 1 else "")
    interval = f"{100 * difference.level:g} %: {_points(low)} to {_points(high)}"
    effect = f"{_points(sign * difference.difference)} F1"
    if real:
        return f"{a} beats {b} by {effect} ({interval}, {said_p}, {runs})"
    shown = "" if detectable is None else f"; could have shown {_points(detectable)}"
    return f"no difference shown between {a} and {b} ({effect}, {interval}, {said_p}, {runs}{shown})"


def _points(fraction: float) -> str:
    digits = 1 if abs(fraction) >= 0.001 or fraction == 0 else 2
    return f"{100 * fraction:z.{digits}f}"


def _p_text(p: float) -> str:
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.3f}" if p < 0.0995 else f"p = {p:.2f}"


def _runs_text(runs: tuple[int, int]) -> str:
    if runs == (1, 1):
        return "1 seed: another may say otherwise"
    if max(runs) == 2:
        return f"{'2' if min(runs) == 2 else '1 and 2'} seeds: others may say otherwise"
    return f"{runs[0]} seeds" if runs[0] == runs[1] else f"{runs[0]} and {runs[1]} seeds"
