"""Shape of the schedules."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_lightning.optim.schedule import SCHEDULES, schedule_factor, warmup_steps


@st.composite
def runs(draw: st.DrawFn) -> tuple[int, int]:
    total = draw(st.integers(1, 200))
    return draw(st.integers(0, total - 1)), total


@pytest.mark.parametrize("schedule", SCHEDULES)
@given(run=runs())
def test_rises_to_the_peak_then_never_rises(schedule: str, run: tuple[int, int]) -> None:
    warmup, total = run
    factors = [schedule_factor(s, schedule=schedule, warmup_steps=warmup, total_steps=total) for s in range(total)]
    assert all(0 < factor <= 1 for factor in factors)  # no step of the run is wasted
    assert factors[warmup] == 1
    assert all(a < b for a, b in pairwise(factors[: warmup + 1]))
    assert all(a >= b for a, b in pairwise(factors[warmup:]))


@pytest.mark.parametrize(("schedule", "half", "after"), [("linear", 0.5, 0), ("cosine", 0.5, 0), ("constant", 1, 1)])
def test_half_way_and_after_the_end(schedule: str, half: float, after: float) -> None:
    def at(step: int) -> float:
        return schedule_factor(step, schedule=schedule, warmup_steps=10, total_steps=110)

    assert at(60) == pytest.approx(half)
    assert at(110) == at(10_000) == after
    assert at(0) == pytest.approx(1 / 11)


def test_cosine_is_above_linear_first_and_below_it_later() -> None:
    def difference(step: int) -> float:
        options = {"warmup_steps": 0, "total_steps": 100}
        return schedule_factor(step, schedule="cosine", **options) - schedule_factor(step, schedule="linear", **options)

    assert difference(25) > 0 > difference(75)


def test_warmup_longer_than_the_run_only_rises() -> None:
    factors = [schedule_factor(s, schedule="linear", warmup_steps=9, total_steps=5) for s in range(5)]
    assert factors == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])


def test_warmup_is_a_share_below_one_and_steps_from_there() -> None:
    assert [warmup_steps(warmup, 1000) for warmup in (0, 0.06, 1, 300)] == [0, 60, 1, 300]


def test_unknown_schedule() -> None:
    with pytest.raises(ValueError, match=r"expected a schedule of linear, cosine, constant, found 'step'"):
        schedule_factor(0, schedule="step", warmup_steps=0, total_steps=1)
