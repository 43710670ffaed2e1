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
from math import inf

import numpy as np
from numpy.typing import NDArray

from ner_lightning.statistics.pairs import Contest

Floats = NDArray[np.float64]


class MeanOfSets:
    """Systems on average over several test sets, each of the same weight (`Contest`).

    Args:
        contests: of each set; they share no sentences, and their draws are independent.

    Raises:
        ValueError: fewer than two sets, or no two systems that are in all of them.
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
        """Standard error and degrees of freedom of a pair by its own runs."""
        found = [each.alone(at[one], at[other]) for each, at in self.parts]
        errors, freedom = (np.array(values) for values in zip(*found, strict=True))
        error, df = _of_mean(errors, freedom)
        return float(error), float(df)

    def randomised(self, one: int, other: int) -> None:
        """There is none over several sets."""

    def told(self, one: int, other: int) -> str:
        """How many seeds and sets, and on how many of them the better one is ahead."""
        apart = [float(e.means[at[one]] - e.means[at[other]]) for e, at in self.parts]
        numbers = [self.runs[place] for place in (one, other)] + [self.most_runs[place] for place in (one, other)]
        ahead = sum(difference > 0 for difference in apart)
        return f"{_seeds(min(numbers), max(numbers))}, mean of {len(apart)} test sets, ahead on {ahead}"


def _of_mean(errors: Floats, freedom: Floats) -> tuple[Floats, Floats]:
    """Standard errors of means over sets and their degrees of freedom; sets along the first axis."""
    variances = (errors / len(errors)) ** 2
    squares = (variances**2 / freedom).sum(axis=0)
    total = variances.sum(axis=0)
    return np.sqrt(total), np.divide(total**2, squares, out=np.full_like(total, inf), where=squares > 0)


def _seeds(few: int, many: int) -> str:
    if many == 1:
        return "1 seed: others may say otherwise"
    less = ": others may say otherwise" if many == 2 else ""
    return f"{many} seeds{less}" if few == many else f"{few} to {many} seeds{less}"
