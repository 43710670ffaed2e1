from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_lightning.data.batches.windows import split_windows

LENGTHS = st.lists(st.integers(1, 6), min_size=1, max_size=60)


@given(LENGTHS, st.integers(6, 20), st.integers(0, 5))
def test_every_word_is_owned_once_by_a_window_that_shows_it(lengths: list[int], room: int, overlap: int) -> None:
    windows = split_windows(lengths, room, overlap)
    owned = [word for window in windows for word in range(window.own_first, window.own_last)]
    assert owned == list(range(len(lengths)))
    for window in windows:
        assert sum(lengths[window.first : window.last]) <= room
        assert window.first <= window.own_first <= window.own_last <= window.last


@given(LENGTHS, st.integers(6, 20), st.integers(0, 5))
def test_neighbours_share_no_more_than_the_overlap(lengths: list[int], room: int, overlap: int) -> None:
    windows = split_windows(lengths, room, overlap)
    for left, right in pairwise(windows):
        assert left.first < right.first <= left.last < right.last
        assert sum(lengths[right.first : left.last]) <= overlap


def test_a_sentence_that_fits_is_one_window() -> None:
    assert split_windows([3, 3], room=6, overlap=2) == [(0, 2, 0, 2)]


def test_words_near_a_cut_have_context_on_both_sides() -> None:
    windows = split_windows([1] * 100, room=40, overlap=20)
    for window in windows[1:]:
        assert window.own_first - window.first >= 10 or window.own_first == 0
    for window in windows[:-1]:
        assert window.last - window.own_last >= 10


@pytest.mark.parametrize(("lengths", "room", "overlap", "message"), [
    ([7], 6, 2, "a word has 7 subwords"),
    ([1], 6, 6, "overlap must be"),
    ([1], 6, -1, "overlap must be"),
])  # fmt: skip
def test_impossible_windows_are_refused(lengths: list[int], room: int, overlap: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        split_windows(lengths, room, overlap)
