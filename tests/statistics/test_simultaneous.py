"""Simultaneous critical values against Tukey's range and Dunnett's table, and against loops."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import norm, studentized_range

from ner_lightning.statistics.simultaneous import Balanced, largest_differences, optimism_of_best

DRAWS = np.random.default_rng(0).normal(size=(40_000, 4))
ERRORS = np.full((4, 4), 2**0.5)


def test_the_largest_difference_is_that_of_a_loop() -> None:
    draws = DRAWS[:50]
    errors = np.abs(np.random.default_rng(1).normal(1, 0.2, (4, 4)))
    errors = errors + errors.T
    errors[1, 2] = errors[2, 1] = 0.0  # the same predictions: nothing can differ
    every = [
        max(abs(row[i] - row[j]) / errors[i, j] for i, j in combinations(range(4), 2) if errors[i, j]) for row in draws
    ]
    assert largest_differences(draws, errors).tolist() == pytest.approx(every)
    against = [max(abs(row[2] - row[j]) / errors[2, j] for j in (0, 3)) for row in draws]
    assert largest_differences(draws, errors, against=2).tolist() == pytest.approx(against)
    assert largest_differences(draws[:, :1], errors[:1, :1]).tolist() == [0.0] * 50


def test_over_all_pairs_it_is_tukeys_range() -> None:
    balanced = Balanced([largest_differences(DRAWS, ERRORS)])
    tukey = studentized_range.ppf(0.95, 4, 1e6) / 2**0.5
    assert balanced.critical(0, 0.95) == pytest.approx(tukey, abs=0.03)
    assert balanced.p(0, np.array([tukey]))[0] == pytest.approx(0.05, abs=0.005)


def test_against_a_baseline_it_is_dunnetts() -> None:
    dunnett = Balanced([largest_differences(DRAWS, ERRORS, against=0)])
    assert dunnett.critical(0, 0.95) == pytest.approx(2.35, abs=0.03)  # his table: three treatments, df without end


def test_two_sets_share_the_error_equally_whatever_their_tails() -> None:
    """A set known badly has heavy tails; it must not take the other one's chance to show anything."""
    normal, heavy = np.abs(DRAWS[:, 0]), np.abs(DRAWS[:, 1] / DRAWS[:, 2])
    balanced = Balanced([normal, heavy])
    each = 1 - 0.95**0.5
    assert balanced.critical(0, 0.95) == pytest.approx(norm.isf(each / 2), abs=0.06)
    assert balanced.critical(1, 0.95) == pytest.approx(np.quantile(heavy, 1 - each), rel=0.06)
    beyond = (normal > balanced.critical(0, 0.95)) | (heavy > balanced.critical(1, 0.95))
    assert beyond.mean() == pytest.approx(0.05, abs=0.002)


@pytest.mark.parametrize("sets", [1, 3])
@pytest.mark.parametrize("level", [0.5, 0.8, 0.95])
def test_p_is_small_enough_just_where_the_critical_value_is_passed(sets: int, level: float) -> None:
    draws = np.abs(np.random.default_rng(2).normal(size=(sets, 199))).round(2)  # with ties
    balanced = Balanced(list(draws))
    for place in range(sets):
        critical = balanced.critical(place, level)
        for value in [*draws[place], *(draws[place] + 0.005), 0.0, 99.0]:
            assert (value > critical + 1e-9) == (balanced.p(place, np.array([value]))[0] <= 1 - level + 1e-9)
    assert balanced.p(0, np.array([99.0]))[0] == 1 / 200
    assert balanced.p(0, np.array([0.0]))[0] == 1


def test_too_few_draws_are_refused() -> None:
    with pytest.raises(ValueError, match=r"more draws for intervals of 0\.95, received 18"):
        Balanced([np.arange(18.0)]).critical(0, 0.95)


def test_optimism_is_what_the_best_of_equals_has_too_much() -> None:
    """The expected largest of four standard normals is 1.029; of one that is far ahead nothing is chosen."""
    assert optimism_of_best(np.zeros(4), DRAWS) == pytest.approx(1.029, abs=0.02)
    assert optimism_of_best(np.array([9.0, 0.0, 0.0, 0.0]), DRAWS - 0.5) == pytest.approx(0.0, abs=0.02)
