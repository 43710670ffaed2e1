"""Is a difference real over several test sets: the mean of the differences on each of them.

The mean is that of F1 over the sets, each of the same weight, as papers report it. The sets are fixed: the question is
new sentences and new seeds of *these* sets, not another domain. Their sentences are others and so are the runs on them,
so the variances add up; degrees of freedom are Welch's. Tests that rank systems over many data sets (Demšar 2006) ask
about data sets yet unseen, and need more of them than most have: of three, no such test has a p below 0.25.

References:
    B. L. Welch. The generalization of Student's problem when several different population variances are involved.
        Biometrika 34, 1947.
    J. Demšar. Statistical comparisons of classifiers over multiple data sets. JMLR 7, 2006.
    R. Dror, G. Baumer, M. Bogomolov, R. Reichart. Replicability analysis for natural language processing: testing
        significance with multiple datasets. TACL 5, 2017.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, sqrt

from ner_lightning.analysis.paired import Difference, students_p


def mean_difference(differences: Sequence[Difference]) -> Difference:
    """The mean of differences of the same two systems on several test sets.

    Args:
        differences: of a minus b, of one level.

    Returns:
        Interval and p value by Student's t; `runs` are the fewest of any set.

    Raises:
        ValueError: no differences, or of several levels.

    >>> one = Difference(0.02, 0.0, 0.04, 0.05, 0.95, (5, 5), 0.01, 8.0)
    >>> both = mean_difference([one, one])
    >>> round(both.standard_error, 4), both.df, round(both.p, 4)
    (0.0071, 16.0, 0.0121)
    """
    levels = {each.level for each in differences}
    if len(levels) != 1:
        raise ValueError(f"expected differences with intervals of one level, received levels {sorted(levels)}")
    from scipy.stats import t  # type: ignore[import-untyped]

    (level,) = levels
    mean = sum(each.difference for each in differences) / len(differences)
    variances = [(each.standard_error / len(differences)) ** 2 for each in differences]
    squares = sum(variance**2 / each.df for variance, each in zip(variances, differences, strict=True))
    error, df = sqrt(sum(variances)), sum(variances) ** 2 / squares if squares else inf
    half = float(t.ppf((1 + level) / 2, df)) * error
    p = students_p(mean, error, df)
    runs = min(each.runs[0] for each in differences), min(each.runs[1] for each in differences)
    return Difference(mean, mean - half, mean + half, p, level, runs, error, df)
