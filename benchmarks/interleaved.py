"""Timing that survives a shared machine: contenders take turns, CPU time beside wall time, medians."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import NamedTuple

# A measurement shorter than this, in seconds of CPU time, is repeated within its turn.
SHORTEST = 0.005


class Cost(NamedTuple):
    """Seconds of one call."""

    cpu: float
    wall: float


def _measure(call: Callable[[], object], repeats: int) -> Cost:
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(repeats):
        call()
    return Cost((time.process_time() - cpu) / repeats, (time.perf_counter() - wall) / repeats)


def measure_in_turns(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, Cost]:
    """Median cost of each call over rounds A B C A B C …; the first call of each is not counted."""
    repeats = {}
    for name, call in calls.items():
        call()  # compiles, allocates
        repeats[name] = max(1, round(SHORTEST / max(_measure(call, 1).cpu, 1e-6)))
    costs: dict[str, list[Cost]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            costs[name].append(_measure(call, repeats[name]))
    return {name: Cost(median(c.cpu for c in found), median(c.wall for c in found)) for name, found in costs.items()}
