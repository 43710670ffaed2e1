"""Overlapping windows over sentences that are longer than an encoder can read."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple


class Window(NamedTuple):
    """Words `[first, last)` that one encoder row reads; it decides those in `[own_first, own_last)`."""

    first: int
    last: int
    own_first: int
    own_last: int


def split_windows(lengths: Sequence[int], room: int, overlap: int) -> list[Window]:
    """Cover a sentence with windows of at most `room` subwords; each word is owned by exactly one of them.

    Neighbouring windows share up to `overlap` subwords, cut in the middle: a word belongs to the window that has
    more of its surroundings. A sentence that fits is one window.

    Args:
        lengths: subwords of each word, none above `room`.
        room: most subwords of a row, without special tokens.
        overlap: subwords that neighbouring windows share; below `room`.

    Raises:
        ValueError: a word is longer than `room`, or `overlap` is too large to advance.

    >>> split_windows([1, 1, 1], room=8, overlap=2)
    [Window(first=0, last=3, own_first=0, own_last=3)]
    >>> split_windows([1, 2, 1, 1, 1], room=4, overlap=2)
    [Window(first=0, last=3, own_first=0, own_last=3), Window(first=2, last=5, own_first=3, own_last=5)]
    """
    if not 0 <= overlap < room:
        raise ValueError(f"overlap must be at least 0 and below the {room} subwords of a window, not {overlap}")
    if max(lengths, default=0) > room:
        raise ValueError(f"a word has {max(lengths)} subwords, more than a window's {room}")
    spans: list[tuple[int, int]] = []
    first, count = 0, len(lengths)
    while True:
        last, used = first, 0
        while last < count and used + lengths[last] <= room:
            used += lengths[last]
            last += 1
        spans.append((first, last))
        if last >= count:
            break
        following, shared = last, 0
        allowed = min(overlap, room - lengths[last])  # the next window must show a new word
        while following - 1 > first and shared + lengths[following - 1] <= allowed:
            following -= 1
            shared += lengths[following]
        first = following
    cuts = [0] + [(left[1] + right[0] + 1) // 2 for left, right in pairwise(spans)] + [count]
    return [Window(*span, *own) for span, own in zip(spans, pairwise(cuts), strict=True)]
