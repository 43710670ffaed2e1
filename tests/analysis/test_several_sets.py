"""The mean over test sets: Student where it is known, the truth where it is simulated."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np
import pytest
from scipy.stats import ttest_ind_from_stats

from ner_lightning.analysis.paired import Difference, paired_bootstrap
from ner_lightning.analysis.several_sets import mean_difference
from tests.significance_simulation import WORLDS, coverage_of_mean

ONE = Difference(0.02, 0.0, 0.04, 0.05, 0.95, (5, 4), 0.01, 8.0)


def test_of_two_sets_it_is_welchs_t() -> None:
    """A mean of two with their own variances and degrees of freedom is a difference of two, but for the sign."""
    other = replace(ONE, difference=0.011, standard_error=0.004, df=3.0, runs=(3, 6))
    found = mean_difference([ONE, other])
    expected = ttest_ind_from_stats(0.02, 0.01 * 3, 9, -0.011, 0.004 * 2, 4, equal_var=False)
    assert found.p == pytest.approx(expected.pvalue)
    assert (found.difference, found.runs) == (pytest.approx(0.0155), (3, 4))
    assert found.high - found.difference == pytest.approx(found.difference - found.low)


def test_interval_and_p_value_agree_at_any_level() -> None:
    for difference in np.linspace(-0.05, 0.05, 41):
        for level in (0.8, 0.95):
            found = mean_difference([replace(ONE, difference=difference, level=level)] * 3)
            assert (found.low <= 0 <= found.high) == (found.p >= 1 - level)


def test_more_sets_say_more() -> None:
    few, many = mean_difference([ONE] * 2), mean_difference([ONE] * 8)
    assert many.standard_error == pytest.approx(few.standard_error / 2)
    assert many.p < few.p < mean_difference([ONE]).p


def test_of_one_set_it_is_what_the_bootstrap_found() -> None:
    found = paired_bootstrap(*WORLDS["5 runs, seeds matter little"].draw(np.random.default_rng(3)), samples=20_000)
    alone = mean_difference([found])
    assert (alone.difference, alone.standard_error) == (found.difference, found.standard_error)
    assert (alone.low, alone.high) == pytest.approx((found.low, found.high), abs=0.08 * (found.high - found.low))


def test_systems_that_say_the_same_do_not_differ() -> None:
    same = replace(ONE, difference=0.0, standard_error=0.0, df=inf)
    assert (mean_difference([same, same]).p, mean_difference([same, same]).low) == (1.0, 0.0)


def test_a_difference_turned_is_that_of_b_minus_a() -> None:
    assert ONE.turned() == Difference(-0.02, -0.04, -0.0, 0.05, 0.95, (4, 5), 0.01, 8.0)
    assert mean_difference([ONE.turned(), ONE.turned()]) == mean_difference([ONE, ONE]).turned()


def test_refusals() -> None:
    with pytest.raises(ValueError, match=r"received levels \[0\.9, 0\.95\]"):
        mean_difference([ONE, replace(ONE, level=0.9)])
    with pytest.raises(ValueError, match=r"received levels \[\]"):
        mean_difference([])


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in WORLDS if not name.startswith("1 run")])
def test_over_three_sets_it_is_wrong_one_time_in_twenty_and_intervals_hold_the_truth(name: str) -> None:
    held, wrong = coverage_of_mean(WORLDS[name], 400)
    assert held > 0.91
    assert wrong < 0.085
