"""Lengths in numbers: percentiles and histograms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

PERCENTILES = (50, 90, 95, 99)
RANGES = 20  # most bars of a histogram


def summarise(values: np.ndarray) -> dict[str, float | int] | None:
    """Compute minimum, mean, percentiles and maximum of whole numbers; None if there are none.

    A percentile is a value that occurs: the smallest one that so many percent do not exceed.

    >>> summarise(np.array([1, 2, 3, 10]))
    {'min': 1, 'mean': 4.0, 'p50': 2, 'p90': 10, 'p95': 10, 'p99': 10, 'max': 10}
    """
    if not len(values):
        return None
    found = np.percentile(values, PERCENTILES, method="inverted_cdf").tolist()
    return {
        "min": int(values.min()),
        "mean": round(float(values.mean()), 2),
        **{f"p{p}": int(value) for p, value in zip(PERCENTILES, found, strict=True)},
        "max": int(values.max()),
    }


def count_by_range(values: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Compute shares by range, equal ranges for every split; the last one takes all beyond the 99th percentile.

    >>> count_by_range({"train": np.array([0, 0, 1, 2])})
    {'edges': [0, 1, 2, 3], 'shares': {'train': [0.5, 0.25, 0.25, 0.0]}}
    """
    filled = {split: array for split, array in values.items() if len(array)}
    if not filled:
        return {"edges": [], "shares": {}}
    least = min(int(array.min()) for array in filled.values())
    most = max(int(np.percentile(array, 99, method="inverted_cdf")) for array in filled.values())
    width = _round_up((most - least + 1) / (RANGES - 1))
    first = least // width * width
    edges = list(range(first, most + width + 1, width))
    shares = {}
    for split, array in filled.items():
        slots = np.minimum((array - first) // width, len(edges) - 1)
        shares[split] = [round(n, 5) for n in (np.bincount(slots, minlength=len(edges)) / len(array)).tolist()]
    return {"edges": edges, "shares": shares}


def _round_up(width: float) -> int:
    """Return the next round number: 1, 2, 5, 10, 20, 50 and so on."""
    power = 1
    while True:
        for factor in (1, 2, 5):
            if factor * power >= width:
                return factor * power
        power *= 10
