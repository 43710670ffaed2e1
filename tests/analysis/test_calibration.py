from __future__ import annotations

from itertools import pairwise
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_lightning.analysis.calibration import (
    Filtered,
    Outcome,
    brier_score,
    calibration_error,
    calibration_of,
    entity_outcomes,
    filter_curve,
    reliability_table,
    wilson_interval,
)
from ner_lightning.run.predictions import StoredSentence
from ner_lightning.tagging.spans import EntitySpan, ScoredSpan

outcomes = st.lists(
    st.builds(Outcome, st.floats(0, 1) | st.sampled_from([0.0, 0.1, 0.3, 0.7, 1.0]), st.booleans()),
    min_size=1,
    max_size=40,
)


def drawn(says: np.ndarray, true: np.ndarray, seed: int = 0) -> list[Outcome]:
    """Entities said to be right with one probability that are right with another."""
    hits = np.random.default_rng(seed).random(len(says)) < true
    return [Outcome(float(p), bool(hit)) for p, hit in zip(says, hits, strict=True)]


def error_by_loop(found: list[Outcome], bins: int) -> float:
    """The definition, bin by bin; the upper edge of the last bin is inside."""
    total = 0.0
    for b in range(bins):
        low, high = b / bins, (b + 1) / bins
        here = [(p, c) for p, c in found if low <= p < high or (b == bins - 1 and p == 1)]
        if here:
            gap = sum(c for _, c in here) / len(here) - sum(p for p, _ in here) / len(here)
            total += len(here) / len(found) * abs(gap)
    return total


def test_by_hand() -> None:
    found = [Outcome(0.95, True), Outcome(0.91, False), Outcome(0.55, True), Outcome(0.05, False), Outcome(1.0, True)]
    first, middle, last = reliability_table(found)
    assert (first.low, first.high, first.entities, first.mean_probability, first.share_correct) == (0, 0.1, 1, 0.05, 0)
    assert (middle.low, middle.high, middle.share_correct) == (0.5, 0.6, 1)
    assert (last.low, last.high, last.entities) == (0.9, 1.0, 3)
    assert last.mean_probability == pytest.approx(2.86 / 3)
    assert last.share_correct == pytest.approx(2 / 3)
    # 1/5 * 0.05 + 1/5 * 0.45 + 3/5 * (2.86 - 2) / 3
    assert calibration_error([first, middle, last]) == pytest.approx(0.01 + 0.09 + 0.172)
    assert brier_score(found) == pytest.approx((0.05**2 + 0.91**2 + 0.45**2 + 0.05**2) / 5)


@given(outcomes, st.integers(1, 12))
def test_equal_width_is_the_definition(found: list[Outcome], bins: int) -> None:
    assert calibration_error(reliability_table(found, bins)) == pytest.approx(error_by_loop(found, bins), abs=1e-12)


@pytest.mark.parametrize("binning", ["equal_width", "equal_mass"])
@given(found=outcomes, bins=st.integers(1, 12))
def test_tables_hold_everything_once_in_order(found: list[Outcome], bins: int, binning) -> None:
    table = reliability_table(found, bins, binning)
    assert sum(row.entities for row in table) == len(found)
    assert sum(row.entities * row.share_correct for row in table) == pytest.approx(sum(hit for _, hit in found))
    assert len(table) <= bins
    assert all(row.low - 1e-12 <= row.mean_probability <= row.high + 1e-12 for row in table)
    assert all(before.high <= after.low for before, after in pairwise(table))
    reordered = reliability_table(found[::-1], bins, binning)
    assert [row.entities for row in reordered] == [row.entities for row in table]


def test_equal_mass_bins_are_equal_and_ties_stay_together() -> None:
    distinct = [Outcome(i / 100, True) for i in range(100)]
    assert [row.entities for row in reliability_table(distinct, 10, "equal_mass")] == [10] * 10
    tied = [Outcome(0.2, True), *[Outcome(1.0, True)] * 7, Outcome(0.9, False), Outcome(0.3, False)]
    table = reliability_table(tied, 5, "equal_mass")
    assert [(row.low, row.high, row.entities) for row in table] == [(0.2, 0.3, 2), (0.9, 1.0, 8)]


@pytest.mark.parametrize("binning", ["equal_width", "equal_mass"])
def test_right_probabilities_have_a_small_error_and_proud_ones_their_gap(binning) -> None:
    says = np.random.default_rng(1).uniform(0.3, 1.0, 20_000)
    honest = calibration_error(reliability_table(drawn(says, says), binning=binning))
    assert honest < 0.015  # ten bins of 2,000: a standard deviation of about 0.01 each
    proud = calibration_error(reliability_table(drawn(says, says - 0.25), binning=binning))
    assert proud == pytest.approx(0.25, abs=0.015)
    modest = calibration_error(reliability_table(drawn(says / 2, says / 2 + 0.3), binning=binning))
    assert modest == pytest.approx(0.3, abs=0.015)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="at least one bin, received 0"):
        reliability_table([Outcome(0.5, True)], bins=0)
    with pytest.raises(ValueError, match=r"in \[0, 1\], received 0.5 to 1.5"):
        reliability_table([Outcome(0.5, True), Outcome(1.5, True)])
    with pytest.raises(ValueError, match=r"in \[0, 1\]"):
        reliability_table([Outcome(float("nan"), True)])
    with pytest.raises(ValueError, match="received none"):
        calibration_error([])
    with pytest.raises(ValueError, match="received none"):
        brier_score([])


def test_filtering_trades_recall_for_precision() -> None:
    found = [Outcome(0.9, True), Outcome(0.5, True), Outcome(0.5, False), Outcome(0.2, False)]
    assert filter_curve(found, n_gold=4, thresholds=(0.0, 0.5, 0.6, 0.95)) == [
        Filtered(0.0, 0.5, 0.5, 0.5, 4),
        Filtered(0.5, 2 / 3, 0.5, 4 / 7, 3),  # at least that probable, as predict has it
        Filtered(0.6, 1.0, 0.25, 0.4, 1),
        Filtered(0.95, 0.0, 0.0, 0.0, 0),
    ]
    assert filter_curve([], n_gold=0, thresholds=[0.5]) == [Filtered(0.5, 0.0, 0.0, 0.0, 0)]


@pytest.mark.parametrize(("hits", "n"), [(0, 5), (3, 7), (50, 60), (9, 9)])
def test_wilson_limits_are_where_the_share_is_just_two_deviations_away(hits: int, n: int) -> None:
    """Its definition: |share - limit| = z * sqrt(limit * (1 - limit) / n)."""
    for limit in wilson_interval(hits / n, n):
        assert abs(hits / n - limit) == pytest.approx(1.959964 * sqrt(limit * (1 - limit) / n), abs=1e-7)


LOC, PER = EntitySpan(0, 2, "LOC"), EntitySpan(3, 4, "PER")


def sentence(gold: list[EntitySpan], predicted: list[tuple[EntitySpan, float]], **more) -> StoredSentence:
    found = tuple(ScoredSpan(span, p) for span, p in predicted)
    return StoredSentence("1", "", ("a", "b", "c", "d", "e"), tuple(gold), found, **more)


def test_right_is_the_same_words_and_type() -> None:
    found = [(LOC, 0.9), (EntitySpan(2, 3, "PER"), 0.8), (EntitySpan(3, 4, "LOC"), 0.7)]
    assert [outcome.correct for outcome in entity_outcomes([sentence([LOC, PER], found)])] == [True, False, False]
    elsewhere = [sentence([LOC], []), sentence([], [(LOC, 0.5)])]
    assert entity_outcomes(elsewhere) == [Outcome(0.5, False)]


def test_what_nobody_annotated_is_not_judged() -> None:
    partial = sentence([LOC], [(LOC, 0.9), (EntitySpan(3, 5, "PER"), 0.8)], unknown=(4,))
    assert entity_outcomes([partial]) == [Outcome(0.9, True)]
    beside = sentence([LOC, PER], [(LOC, 0.9), (PER, 0.8)], unknown=(PER.end,))
    assert entity_outcomes([beside]) == [Outcome(0.9, True)]
    assert calibration_of([beside]).filtered[0].recall == 1.0


def test_everything_of_a_split() -> None:
    found = calibration_of([sentence([LOC, PER], [(LOC, 0.9)]), sentence([], [(PER, 0.5)])])
    assert found.summary() == {
        "n": 2,
        "ece": pytest.approx(0.3),
        "ece_equal_mass": pytest.approx(0.3),
        "brier": pytest.approx(0.13),
        "mean_probability": pytest.approx(0.7),
        "share_correct": 0.5,
    }
    assert found.filtered[0] == Filtered(0.0, 0.5, 0.5, 0.5, 2)


def test_a_split_without_entities() -> None:
    found = calibration_of([sentence([LOC], [])])
    assert found.summary() == dict.fromkeys(found.summary()) | {"n": 0}
    assert found.equal_width == found.equal_mass == ()
