"""Test whether a difference is real over several test sets, by the mean of the differences on each of them.

The mean is that of F1 over the sets, with equal weights, as papers report it. The sets are fixed: the question is about
new sentences and new seeds for *these* sets, not about another domain. The sets share neither sentences nor runs, so
the variances add up; degrees of freedom are Welch's. Tests that rank systems over many data sets (Demšar 2006) ask
about unseen data sets, and need more sets than most people have: with three, no such test can give a p below 0.25.

References:
    B. L. Welch. The generalization of Student's problem when several different population variances are involved.
        Biometrika 34, 1947.
    J. Demšar. Statistical comparisons of classifiers over multiple data sets. JMLR 7, 2006.
    R. Dror, G. Baumer, M. Bogomolov, R. Reichart. Replicability analysis for natural language processing: testing
        significance with multiple datasets. TACL 5, 2017.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import numpy as np
from numpy.typing import NDArray

from ner_lightning.statistics.pairs import Contest

Floats = NDArray[np.float64]


class MeanOfSets:
    """Systems on average over several test sets with equal weights (`Contest`).

    Args:
        contests: one for each set; they share no sentences, and their draws are independent.

    Raises:
        ValueError: fewer than two sets, or fewer than two systems in all of them.
    """

    paired = False

    def __init__(self, contests: Sequence[Contest]) -> None:
        common = [name for name in contests[0].names if all(name in each.names for each in contests[1:])]
        if len(contests) < 2 or len(common) < 2:
            raise ValueError(
                f"expected two systems on two test sets or more, received {len(common)} on {len(contests)}"
            )
        self.names = tuple(common)
        parts = [(each, [each.names.index(name) for name in common]) for each in contests]
        self.parts: Sequence[tuple[Contest, Sequence[int]]] = parts
        self.means: Floats = np.mean([each.means[at] for each, at in parts], axis=0)
        self.deviations: Floats = np.mean([each.deviations[:, at] for each, at in parts], axis=0)
        errors = [each.errors[np.ix_(at, at)] for each, at in parts]
        freedom = [each.freedom[np.ix_(at, at)] for each, at in parts]
        own = [each.own_freedom[np.ix_(at, at)] for each, at in parts]
        self.units = sum(each.units for each in contests)
        self.errors, self.freedom = _of_mean(np.stack(errors), np.stack(freedom))
        _, self.own_freedom = _of_mean(np.stack(errors), np.stack(own))
        self.runs = tuple(min(each.runs[at[place]] for each, at in parts) for place in range(len(common)))
        self.most_runs = tuple(max(each.runs[at[place]] for each, at in parts) for place in range(len(common)))

    def alone(self, one: int, other: int) -> tuple[float, float]:
        """Compute standard error and degrees of freedom of a pair from its own runs."""
        found = [each.alone(at[one], at[other]) for each, at in self.parts]
        errors, freedom = (np.array(values) for values in zip(*found, strict=True))
        error, df = _of_mean(errors, freedom)
        return float(error), float(df)

    def randomised(self, one: int, other: int) -> None:
        """Return None: there is no approximate randomisation over several sets."""

    def told(self, one: int, other: int) -> str:
        """Say how many seeds and sets there are, and on how many sets the better system is ahead."""
        apart = [float(e.means[at[one]] - e.means[at[other]]) for e, at in self.parts]
        numbers = [self.runs[place] for place in (one, other)] + [self.most_runs[place] for place in (one, other)]
        ahead = sum(difference > 0 for difference in apart)
        return f"{_seeds(min(numbers), max(numbers))}, mean of {len(apart)} test sets, ahead on {ahead}"


def _of_mean(errors: Floats, freedom: Floats) -> tuple[Floats, Floats]:
    """Compute standard errors of means over sets and their degrees of freedom; sets along the first axis."""
    variances = (errors / len(errors)) ** 2
    squares = (variances**2 / freedom).sum(axis=0)
    total = variances.sum(axis=0)
    return np.sqrt(total), np.divide(total**2, squares, out=np.full_like(total, inf), where=squares > 0)


def _seeds(few: int, many: int) -> str:
    if many == 1:
        return "1 seed: others may say otherwise"
    less = ": others may say otherwise" if many == 2 else ""
    return f"{many} seeds{less}" if few == many else f"{few} to {many} seeds{less}"
