"""Percentiles and histograms of lengths."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_lightning.inspection.findings.numbers import RANGES, count_by_range, summarise


def test_percentiles_are_values_that_occur() -> None:
    found = summarise(np.arange(1, 201))
    assert found == {"min": 1, "mean": 100.5, "p50": 100, "p90": 180, "p95": 190, "p99": 198, "max": 200}
    assert summarise(np.array([1, 10])) == {"min": 1, "mean": 5.5, "p50": 1, "p90": 10, "p95": 10, "p99": 10, "max": 10}
    assert summarise(np.zeros(0)) is None


def test_the_ranges_are_round_and_the_last_one_is_open() -> None:
    found = count_by_range({"train": np.array([*range(100), 10_000]), "test": np.array([7])})
    assert found["edges"] == list(range(0, 110, 10))
    assert found["shares"]["train"][-1] == pytest.approx(1 / 101, abs=1e-5)
    assert found["shares"]["test"] == [1.0, *[0.0] * 10]
    assert count_by_range({"train": np.zeros(0)}) == {"edges": [], "shares": {}}


@given(st.lists(st.integers(0, 5000), min_size=1))
def test_every_value_is_in_one_range(values: list[int]) -> None:
    found = count_by_range({"train": np.array(values)})
    edges, shares = found["edges"], found["shares"]["train"]
    assert len(edges) == len(shares) <= RANGES + 1
    assert sum(shares) == pytest.approx(1, abs=1e-3)
    assert edges[0] <= min(values)
    for i, share in enumerate(shares):
        inside = [v for v in values if edges[i] <= v and (i + 1 == len(edges) or v < edges[i + 1])]
        assert share == pytest.approx(len(inside) / len(values), abs=1e-5)
