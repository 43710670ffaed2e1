"""A clock that charges time to one part of a training step at a time: the part marked last."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch


class Spent(NamedTuple):
    """Seconds: `wall` is the device's time on a GPU, `cpu` always that of this process, all threads together."""

    wall: float = 0.0
    cpu: float = 0.0

    def plus(self, other: Spent) -> Spent:
        """Add two times."""
        return Spent(self.wall + other.wall, self.cpu + other.cpu)


class _Mark(NamedTuple):
    part: str
    wall: float
    cpu: float
    event: torch.cuda.Event | None


class StepClock:
    """Sums up the time of each part.

    On a GPU each mark is an event in its stream; nothing waits for the device before `collect`.

    Args:
        device: where the steps run.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._marks: list[_Mark] = []

    @property
    def part(self) -> str | None:
        """The part that is being timed."""
        return self._marks[-1].part if self._marks else None

    def mark(self, part: str) -> None:
        """Charge the time from now on to `part`."""
        event = None
        if self.device.type == "cuda":
            event = torch.cuda.Event(enable_timing=True)
            event.record()
        self._marks.append(_Mark(part, time.perf_counter(), time.process_time(), event))

    @contextmanager
    def during(self, part: str) -> Iterator[None]:
        """Charge the time of a block to `part`, then go back; if another part was marked inside, it stays."""
        before = self.part
        self.mark(part)
        yield
        if self.part == part and before is not None:
            self.mark(before)

    def collect(self) -> dict[str, Spent]:
        """Return the time of each part since the last call, up to now; waits for the device, once."""
        if not self._marks:
            return {}
        current = self._marks[-1].part
        self.mark(current)
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        spent: dict[str, Spent] = {}
        for start, end in zip(self._marks, self._marks[1:], strict=False):
            spent[start.part] = spent.get(start.part, Spent()).plus(_between(start, end))
        self._marks = self._marks[-1:]
        return spent


def _between(start: _Mark, end: _Mark) -> Spent:
    wall = end.wall - start.wall
    if start.event is not None and end.event is not None:
        wall = start.event.elapsed_time(end.event) / 1000
    return Spent(wall, end.cpu - start.cpu)
