from __future__ import annotations

import pytest
import torch

from ner_lightning.callbacks.profile import step_clock
from ner_lightning.callbacks.profile.step_clock import Spent, StepClock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> StepClock:
    """Each look at the time is a second later by the wall, and half a second of CPU."""
    seconds = iter(range(1000))
    monkeypatch.setattr(step_clock.time, "perf_counter", lambda: float(next(seconds)))
    halves = iter(range(1000))
    monkeypatch.setattr(step_clock.time, "process_time", lambda: next(halves) / 2)
    return StepClock(torch.device("cpu"))


def test_time_belongs_to_what_was_marked_last(clock: StepClock) -> None:
    for part in ("a", "b", "a", "c"):
        clock.mark(part)
    assert clock.collect() == {"a": Spent(2.0, 1.0), "b": Spent(1.0, 0.5), "c": Spent(1.0, 0.5)}
    clock.mark("b")  # the clock went on for c
    assert clock.collect() == {"c": Spent(1.0, 0.5), "b": Spent(1.0, 0.5)}


def test_a_part_inside_another_gives_back_unless_something_was_marked(clock: StepClock) -> None:
    clock.mark("a")
    with clock.during("b"):
        pass
    assert clock.part == "a"
    with clock.during("b"):
        clock.mark("c")
    assert clock.part == "c"


def test_nothing_marked_is_nothing_spent(clock: StepClock) -> None:
    assert clock.collect() == {}


def test_a_gpu_is_timed_by_its_events_and_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    class Event:
        made = 0

        def __init__(self, enable_timing: bool) -> None:
            assert enable_timing
            Event.made += 1
            self.at = 100.0 * Event.made

        def record(self) -> None:
            pass

        def elapsed_time(self, end: Event) -> float:
            return end.at - self.at  # milliseconds

    waited: list[object] = []
    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "synchronize", waited.append)
    clock = StepClock(torch.device("cuda"))
    clock.mark("a")
    clock.mark("b")
    assert {part: spent.wall for part, spent in clock.collect().items()} == pytest.approx({"a": 0.1, "b": 0.1})
    assert len(waited) == 1
