"""The mean over test sets: Student where it is known, the truth where it is simulated."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t, ttest_ind_from_stats

from ner_lightning.statistics.pairs import Asked, JudgedSystems, compare_all, judge_pair_alone
from ner_lightning.statistics.several_sets import MeanOfSets
from tests.page_simulation import draws_kept
from tests.significance_simulation import WORLDS, coverage_of_mean


def judged(seed: int, runs: int = 5, shift: float = 0.3, **more: object) -> JudgedSystems:
    from dataclasses import replace

    world = replace(WORLDS["5 runs, seeds matter little"], runs=runs, shift=shift)
    a, b = world.draw(np.random.default_rng(seed))
    return JudgedSystems({"a": a, "b": b}, samples=999, seed=seed, **more)  # type: ignore[arg-type]


def test_of_two_sets_it_is_welchs_t() -> None:
    """A mean of two with their own variances and degrees of freedom is a difference of two, but for the sign."""
    sets = [judged(1), judged(2, runs=3)]
    mean = MeanOfSets(sets)
    error, df = mean.alone(0, 1)
    one, other = (judge_pair_alone(each, 0, 1, 0.95) for each in sets)
    n = round(one.df) + 1, round(other.df) + 1
    expected = ttest_ind_from_stats(
        one.difference, one.standard_error * n[0] ** 0.5, n[0],
        -other.difference, other.standard_error * n[1] ** 0.5, n[1], equal_var=False,
    )  # fmt: skip
    parts = [(each.standard_error**2, each.df) for each in (one, other)]
    assert df == pytest.approx(sum(v for v, _ in parts) ** 2 / sum(v**2 / f for v, f in parts))  # Welch's
    assert 2 * t.sf((mean.means[0] - mean.means[1]) / error, df) == pytest.approx(expected.pvalue, rel=0.06)
    assert (mean.means[0] - mean.means[1]) / error == pytest.approx(expected.statistic)
    assert mean.runs == (3, 3)


def test_more_sets_say_more() -> None:
    few, many = MeanOfSets([judged(1)] * 2), MeanOfSets([judged(1)] * 8)
    assert many.errors[0, 1] == pytest.approx(few.errors[0, 1] / 2)
    assert many.freedom[0, 1] == pytest.approx(4 * few.freedom[0, 1])


def test_sets_and_their_mean_are_one_family() -> None:
    """Interval and p value of each hold for all of them; those of a set by itself are narrower."""
    sets = [judged(1), judged(2), judged(3)]
    asked = [Asked(contest) for contest in (*sets, MeanOfSets(sets))]
    found = [pairs[0] for pairs in compare_all(asked)]
    assert all("corrected for 4 pairs" in pair.sentence for pair in found)
    assert found[-1].p_randomisation is None
    assert found[-1].sentence.endswith("mean of 3 test sets, ahead on 3)")
    for pair, each in zip(found[:3], found[3].each, strict=True):
        assert each.difference == pair.difference.difference
        by_itself = compare_all([asked[found.index(pair)]])[0][0].difference
        assert pair.difference.high > by_itself.high
        assert pair.difference.p >= by_itself.p
    for pair in found:
        assert pair.shown == (pair.difference.low > 0)


def test_systems_that_miss_a_set_take_no_part() -> None:
    a, b = WORLDS["5 runs, seeds matter little"].draw(np.random.default_rng(0))
    more = JudgedSystems({"c": a, "b": b, "a": a}, samples=999)
    mean = MeanOfSets([judged(1), more])
    assert mean.names == ("a", "b")
    assert mean.parts[1][1] == [2, 1]
    with pytest.raises(ValueError, match="received 0 on 2"):
        MeanOfSets([more, JudgedSystems({"e": a, "d": b}, samples=99)])


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in WORLDS if not name.startswith("1 run")])
def test_over_three_sets_it_is_wrong_one_time_in_twenty_and_intervals_hold_the_truth(name: str) -> None:
    with draws_kept():
        held, wrong = coverage_of_mean(WORLDS[name], 400)
    assert held > 0.91
    assert wrong < 0.085
