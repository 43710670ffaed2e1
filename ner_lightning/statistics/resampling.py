"""Resampled and swapped test sets as matrix products, in bounded memory.

A resampled test set is a row of weights: how often each sentence was drawn. A swapped one is a row of zeros and ones.
Since counts add up, F1 of ten thousand test sets takes two matrix products of weights and counts.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ner_lightning.statistics.counts import Counts

CELLS = 1 << 18  # weights at a time: 2 MB, small enough for the cache, and as much again for the draws


def resampled_f1(system: Counts, samples: int, rng: np.random.Generator, empty: float = 0.0) -> NDArray[np.float64]:
    """Compute F1 of each run on test sets drawn with replacement; all runs see the same draws, so they are paired.

    Args:
        system: counts of runs, of one system or of several, `[runs, units, 3]`; a unit is a sentence or a document.
        samples: how many test sets, each of as many units as there are.
        rng: source of the draws.
        empty: F1 of a test set without an entity on either side.

    Returns:
        Fractions `[samples, runs]`.
    """
    hits = 2.0 * system[..., 0].T
    whole = (system[..., 1] + system[..., 2]).T.astype(np.float64)
    scores = np.full((samples, len(system)), empty)
    for rows, weights in _draws(samples, system.shape[1], rng):
        above, below = weights @ hits, weights @ whole
        np.divide(above, below, out=scores[rows], where=below > 0)
    return scores


def _draws(samples: int, units: int, rng: np.random.Generator) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Yield multinomial weights, a block of rows at a time."""
    step = max(CELLS // units, 1)
    for start in range(0, samples, step):
        rows = min(step, samples - start)
        drawn = rng.integers(units, size=(rows, units), dtype=np.int32).astype(np.int64)
        drawn += units * np.arange(rows)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=rows * units).reshape(rows, units)
        yield slice(start, start + rows), weights.astype(np.float64)


def swapped_sums(columns: NDArray[np.float64], samples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Sum the columns over random halves: a coin decides for each unit whether it is in.

    Args:
        columns: values `[units, columns]`.
        samples: how many halves.
        rng: tosses the coins.

    Returns:
        `[samples, columns]`. For two systems with sums A and B over all units and a and b over a half, the systems
        that have this half swapped have A - a + b and B - b + a.
    """
    units = len(columns)
    sums = np.empty((samples, columns.shape[1]))
    step = max(CELLS // units, 1)
    for start in range(0, samples, step):
        rows = min(step, samples - start)
        tosses = np.frombuffer(rng.bytes(rows * ((units + 7) // 8)), dtype=np.uint8).reshape(rows, -1)
        inside = np.unpackbits(tosses, axis=1, count=units)
        sums[start : start + rows] = inside.astype(np.float64) @ columns
    return sums
