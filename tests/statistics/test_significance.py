from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi, nct, t, ttest_1samp
from statsmodels.stats.power import TTestPower

from ner_lightning.statistics.paired import Difference, between_bounds, paired_bootstrap
from ner_lightning.statistics.significance import (
    mean_interval,
    noncentrality,
    shortfall,
    smallest_detectable,
    verdict,
)
from tests.oracle.simulated_runs import World


@given(st.lists(st.floats(0, 1), min_size=2, max_size=9), st.sampled_from([0.5, 0.9, 0.95]))
def test_mean_interval_is_that_of_scipy(values: list[float], level: float) -> None:
    mean = float(np.mean(values))
    half = ttest_1samp(values, 0.0).confidence_interval(level).high - mean if np.ptp(values) else 0.0
    found = mean_interval(values, level)
    assert found == pytest.approx(between_bounds(mean, half), abs=1e-6)
    assert found is not None
    assert 0 <= found[0] <= found[1] <= 1


def test_one_value_has_no_interval() -> None:
    assert mean_interval([0.5]) is None
    assert mean_interval([]) is None


@pytest.mark.parametrize("df", [1.0, 2.5, 4.0, 9.0, 30.0, 999.0])
def test_noncentrality_gives_the_power_asked_for(df: float) -> None:
    shift = noncentrality(df, power=0.8)
    assert nct.sf(t.ppf(0.975, df), df, shift) == pytest.approx(0.8, abs=5e-4)
    if df == round(df) > 1:  # statsmodels has no number so far out
        n = int(df) + 1
        power = TTestPower().power(shift / n**0.5, n, 0.05)
        assert power == pytest.approx(0.8, abs=1e-3)


def test_noncentrality_goes_over_into_the_normal() -> None:
    assert noncentrality(1_001) == pytest.approx(noncentrality(999), abs=0.003)
    assert noncentrality(inf) == pytest.approx(2.8016, abs=1e-4)


@pytest.mark.parametrize(("df", "own_df", "critical"), [(10, 2, 3.2), (40, 4, 3.0), (8, 8, 2.5), (60, 4, 6.0)])
def test_noncentrality_of_two_readings_is_that_of_drawn_standard_errors(df: int, own_df: int, critical: float) -> None:
    """The second reading has few degrees of freedom, and its standard error is part of that of the first."""
    rng = np.random.default_rng(0)
    own = rng.chisquare(own_df, 200_000)
    rest = rng.chisquare(df - own_df, 200_000) if df > own_df else 0.0
    asked = np.maximum(critical * ((own + rest) / df) ** 0.5, t.ppf(0.975, own_df) * (own / own_df) ** 0.5)
    shift = noncentrality(df, own_df, critical=critical)
    assert np.mean(rng.normal(shift, 1.0, 200_000) > asked) == pytest.approx(0.8, abs=0.004)


def test_a_standard_error_of_few_degrees_of_freedom_is_too_small_on_average() -> None:
    for df in (1.0, 2.5, 4.0, 30.0):
        assert shortfall(df) == pytest.approx(chi.mean(df) / df**0.5)
    assert shortfall(inf) == 1


def test_detectable_differences_are_detected_four_times_in_five() -> None:
    world = World(runs=1, sentences=400)
    rng = np.random.default_rng(0)
    smallest = np.mean([smallest_detectable(*world.draw(rng)) for _ in range(20)])
    # The shift whose true difference that is, by proportion: F1 is nearly straight here.
    wide = replace(world, shift=0.4)
    shift = 0.4 * smallest / wide.true_difference()
    shifted = replace(world, shift=shift)
    assert shifted.true_difference() == pytest.approx(smallest, rel=0.1)
    shown = np.mean([paired_bootstrap(*shifted.draw(rng), samples=299).p <= 0.05 for _ in range(200)])
    assert shown == pytest.approx(0.8, abs=0.09)


def test_more_runs_and_more_power() -> None:
    a, b = World(runs=8, by_seed=0.4).draw(np.random.default_rng(2))
    few, many = smallest_detectable(a[:2], b[:2]), smallest_detectable(a, b)
    assert many < few
    assert smallest_detectable(a, b, power=0.95) > many
    assert smallest_detectable(a, b, level=0.99) > many
    assert smallest_detectable(a, a) == 0
    assert smallest_detectable(a, b, groups=[i // 10 for i in range(300)]) != many
    assert smallest_detectable(a, b[:3], paired_seeds=False) > many


FOUND = Difference(0.008, 0.002, 0.014, 0.0104, 0.95, (5, 5), 0.003, 60.0)


@pytest.mark.parametrize(
    ("found", "more", "expected"),
    [
        (FOUND, {}, "crf beats softmax by 0.8 F1 (95 %: 0.2 to 1.4, p = 0.010, 5 seeds)"),
        (
            replace(FOUND, difference=-0.008, low=-0.014, high=-0.002),
            {},
            "softmax beats crf by 0.8 F1 (95 %: 0.2 to 1.4, p = 0.010, 5 seeds)",
        ),
        (
            replace(FOUND, low=-0.001, p=0.21),
            {"detectable": 0.0113},
            "no difference shown between crf and softmax "
            "(0.8 F1, 95 %: -0.1 to 1.4, p = 0.21, 5 seeds; could have shown 1.1)",
        ),
        (
            replace(FOUND, low=-0.001, p=0.06),
            {"pairs": 6},
            "no difference shown between crf and softmax "
            "(0.8 F1, 95 %: -0.1 to 1.4, p = 0.060, both corrected for 6 pairs, 5 seeds)",
        ),
        (
            replace(FOUND, p=0.0001, runs=(3, 5), level=0.9),
            {},
            "crf beats softmax by 0.8 F1 (90 %: 0.2 to 1.4, p < 0.001, 3 and 5 seeds)",
        ),
        (
            replace(FOUND, runs=(1, 1)),
            {},
            "crf beats softmax by 0.8 F1 (95 %: 0.2 to 1.4, p = 0.010, 1 seed: another may say otherwise)",
        ),
        (replace(FOUND, p=0.05), {}, "crf beats softmax by 0.8 F1 (95 %: 0.2 to 1.4, p = 0.050, 5 seeds)"),
        (
            Difference(0.0, 0.0, 0.0, 1.0, 0.95, (2, 2), 0.0, 60.0),
            {"detectable": 0.0},
            "no difference between crf and softmax: they are right and wrong in the same places "
            "(2 seeds: others may say otherwise)",
        ),
        (
            replace(FOUND, low=-0.0004, p=0.0506),
            {},
            "no difference shown between crf and softmax (0.8 F1, 95 %: -0.04 to 1.4, p = 0.051, 5 seeds)",
        ),
    ],
)
def test_verdicts(found: Difference, more: dict, expected: str) -> None:
    assert verdict(found, "crf", "softmax", **more) == expected
