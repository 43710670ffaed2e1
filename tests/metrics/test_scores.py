"""Ratios from counts, by hand."""

from __future__ import annotations

import pytest

from ner_lightning.metrics.scores import entity_scores


def test_micro_and_macro_by_hand() -> None:
    strict = [[3, 4, 6], [1, 1, 2], [0, 0, 0]]
    scores = entity_scores(strict, strict, ["LOC", "ORG", "PER"])
    assert scores["precision"] == pytest.approx(4 / 5)
    assert scores["recall"] == pytest.approx(4 / 8)
    assert scores["f1"] == pytest.approx(8 / 13)
    assert scores["macro_f1"] == pytest.approx((6 / 10 + 2 / 3) / 2)  # PER occurs nowhere
    assert scores["support"] == 8
    assert (scores["f1/PER"], scores["support/LOC"]) == (0.0, 6)


def test_type_found_only_in_predictions_counts_in_macro() -> None:
    scores = entity_scores([[1, 1, 1], [0, 2, 0]], [[1, 1, 1], [0, 2, 0]], ["LOC", "ORG"])
    assert scores["macro_f1"] == 0.5


def test_nothing_at_all_is_zero() -> None:
    scores = entity_scores([[0, 0, 0]], [[0, 0, 0]], ["LOC"])
    assert set(scores.values()) == {0}


def test_strict_and_lenient_are_not_mixed_up() -> None:
    scores = entity_scores([[1, 2, 2]], [[2, 2, 2]], ["LOC"])
    assert (scores["f1"], scores["lenient_f1"], scores["f1/LOC"]) == (0.5, 1.0, 0.5)


def test_type_name_with_braces_or_slashes() -> None:
    scores = entity_scores([[1, 1, 1]], [[1, 1, 1]], ["a/{}"])
    assert scores["f1/a/{}"] == 1.0
