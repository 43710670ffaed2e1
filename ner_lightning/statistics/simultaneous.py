"""Many comparisons at once: critical values and p values that hold for all of them together.

The statistic of a test set is the largest of its differences, each in standard errors, in draws where nothing differs.
Whatever pair a reader looks at, even the best, cannot exceed this largest one, so no choice remains uncorrected. (This
is Tukey's range, but with the dependence and the variances of the draws; for pairs with a baseline alone, Dunnett's.)
Several test sets, and the mean over them, get equal shares of the error, whatever their degrees of freedom: what is
compared between them is how rare a value is in its own set (Beran).

References:
    J. W. Tukey. The problem of multiple comparisons. Princeton University 1953.
    C. W. Dunnett. A multiple comparison procedure for comparing several treatments with a control. JASA 50, 1955.
    R. Beran. Balanced simultaneous confidence sets. JASA 83, 1988.
    P. H. Westfall, S. S. Young. Resampling-based multiple testing. Wiley 1993.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FARTHEST = 7.0  # standard errors; with few seeds draws lie farther out, where the normal has no digits left


def largest_differences(deviations: Floats, errors: Floats, against: int | None = None) -> Floats:
    """Find the largest difference of each draw, in standard errors.

    Args:
        deviations: of each system from its mean, `[draws, systems]`.
        errors: standard errors of the differences, `[systems, systems]`; 0 where nothing can differ.
        against: the system that the others are compared with; None: all pairs.

    >>> largest_differences(np.array([[0.0, 2.0, 3.0]]), np.ones((3, 3))), \
    largest_differences(np.array([[0.0, 2.0, 3.0]]), np.ones((3, 3)), against=1)
    (array([3.]), array([2.]))
    """
    weights = np.divide(1.0, errors, out=np.zeros_like(errors), where=errors > 0)
    largest = np.zeros(len(deviations))
    for one in range(deviations.shape[1]) if against is None else [against]:
        rest = slice(one + 1, None) if against is None else slice(None)
        if (others := deviations[:, rest]).shape[1]:
            apart = np.abs(others - deviations[:, one, None]) * weights[one, rest]
            np.maximum(largest, apart.max(axis=1), out=largest)
    return largest


def widen(largest: Floats, df: float) -> Floats:
    """Convert the largest of normal differences to that of Student's t, whose standard errors are estimates.

    Each pair has its own standard error, from the same number of sentences. Far out in the tails, where the largest of
    thousands of pairs lies, the two distributions differ even with hundreds of sentences.

    Args:
        largest: in standard errors, from draws that take these as known.
        df: degrees of freedom of a standard error: number of sentences (documents) minus one.

    >>> widen(np.array([1.0, 2.0, 4.0]), 59.0).round(3)
    array([1.009, 2.043, 4.307])
    """
    from scipy.stats import norm, t  # type: ignore[import-untyped]

    near = np.minimum(largest, FARTHEST)
    stretched = t.isf(norm.sf(near), df)
    return largest * np.divide(stretched, near, out=np.ones_like(near), where=near > 0)


class Balanced:
    """Critical values and p values for all test sets together.

    Args:
        largest: the largest difference of each draw, `[draws]`, of each test set (`largest_differences`).
    """

    def __init__(self, largest: Sequence[Floats]) -> None:
        self.ordered = [np.sort(values) for values in largest]
        self.samples = len(largest[0])
        rarest = np.min([self._beyond(place, values) for place, values in enumerate(largest)], axis=0)
        self.rarest = np.sort(rarest)

    def _beyond(self, place: int, values: Floats) -> NDArray[np.int64]:
        """Count the draws of a set that are at least that large."""
        return self.samples - np.searchsorted(self.ordered[place], values, side="left")

    def p(self, place: int, statistics: Floats) -> Floats:
        """Compute corrected p values of differences on a test set, in standard errors: (k + 1) / (draws + 1).

        >>> Balanced([np.array([1.0, 2.0, 3.0])]).p(0, np.array([2.5]))
        array([0.5])
        """
        # Sums in another order may differ in the last digit, and count as equal.
        rarer = np.searchsorted(self.rarest, self._beyond(place, statistics - 1e-12), side="right")
        return (rarer + 1) / (self.samples + 1)

    def critical(self, place: int, level: float) -> float:
        """Compute how many standard errors a difference must exceed for its corrected p to be at most 1 - level.

        Raises:
            ValueError: too few draws for any p to be that small.
        """
        allowed = int((1 - level) * (self.samples + 1) + 1e-9) - 1
        if allowed < 0:
            raise ValueError(f"expected more draws for intervals of {level}, received {self.samples}")
        if allowed >= self.samples:
            return 0.0
        beyond = int(self.rarest[allowed]) - 1
        return float(self.ordered[place][self.samples - 1 - beyond])


def optimism_of_best(means: Floats, deviations: Floats) -> float:
    """Estimate by how much the best of several is too high, having been chosen by the same scores.

    In each draw the best is chosen anew; the mean of what the draw adds to its score is the result (Efron's optimism).

    Args:
        means: of each system, `[systems]`.
        deviations: draws of the deviations from them, `[draws, systems]`.

    >>> optimism_of_best(np.zeros(2), np.array([[1.0, -1.0], [-1.0, 1.0]]))
    1.0
    """
    deviations = deviations - deviations.mean(axis=0)
    chosen = np.argmax(means + deviations, axis=1)
    return max(float(np.take_along_axis(deviations, chosen[:, None], axis=1).mean()), 0.0)
