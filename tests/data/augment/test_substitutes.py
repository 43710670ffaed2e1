"""Things in place of others, against lists of candidates."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ner_lightning.data.augment.substitutes import SameLabel, row_numbers

ROWS = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=3), max_size=12)


@given(ROWS)
def test_equal_rows_have_the_same_number(rows: list[list[int]]) -> None:
    counts = np.array([len(row) for row in rows], np.int64)
    values = np.array([value for row in rows for value in row], np.int32)
    numbers = row_numbers(values, np.cumsum(counts) - counts, counts)
    for one, number in zip(rows, numbers, strict=True):
        assert [other == one for other in rows] == (numbers == number).tolist()


@given(st.lists(st.tuples(st.integers(-1, 2), st.integers(0, 3)), min_size=1, max_size=12))
def test_each_candidate_is_drawn_as_often(things: list[tuple[int, int]]) -> None:
    labels, looks = (np.array(column) for column in zip(*things, strict=True))
    same = SameLabel(labels, looks)
    for thing, (label, look) in enumerate(things):
        others = [i for i, (its, how) in enumerate(things) if its == label >= 0 and how != look]
        grid = (np.arange(3 * max(len(others), 1)) + 0.5) / (3 * max(len(others), 1))
        drawn = same.another(np.full(len(grid), thing), grid).tolist()
        assert Counter(drawn) == (Counter(others * 3) if others else Counter({-1: 3}))


def test_the_ends_of_the_interval() -> None:
    same = SameLabel(np.zeros(4, int), np.array([2, 0, 1, 3]))
    assert same.another(np.array([0, 0]), np.array([0.0, 1 - 2.0**-53])).tolist() == [1, 3]


def test_nothing_at_all() -> None:
    none = np.zeros(0, np.int64)
    assert SameLabel(none, none).another(none, np.zeros(0)).tolist() == []
    assert SameLabel(np.array([-1]), np.array([0])).another(np.array([0]), np.zeros(1)).tolist() == [-1]
