"""Draw random numbers by key: the draw for a word depends on the seed and the word, not on earlier draws.

So any process draws the same, in any order, with or without an interruption. With numpy's generators, a new one would
be needed for each sentence, which costs more than making its rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_GAMMA = np.uint64(0x9E3779B97F4A7C15)


def _mixed(states: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mix as SplitMix64 does (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators")."""
    states = (states ^ (states >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    states = (states ^ (states >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return states ^ (states >> np.uint64(31))


def draw_keys(seed: Sequence[int], numbers: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Derive a key for each number from a seed of several parts; all are 0 or above."""
    start = np.random.SeedSequence(tuple(seed)).generate_state(1, np.uint64)
    return _mixed(start + (numbers.astype(np.uint64) + np.uint64(1)) * _GAMMA)


def draw_uniform(of: NDArray[np.uint64], numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    """Draw a number in [0, 1) for each key and number from 0 on; always the same one.

    >>> some = draw_keys((1, 2), np.array([7, 7, 8]))
    >>> first, again, other = draw_uniform(some, np.array([3, 3, 3]))
    >>> first == again, first == other
    (np.True_, np.False_)
    """
    bits = _mixed(of + (numbers.astype(np.uint64) + np.uint64(1)) * _GAMMA) >> np.uint64(11)
    return bits.astype(np.float64) * 2.0**-53
