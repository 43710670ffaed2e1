"""Learning rate schedules as pure functions of the step."""

from __future__ import annotations

import math

SCHEDULES = ("linear", "cosine", "constant")


def warmup_steps(warmup: float, total_steps: int) -> int:
    """Convert a warmup to steps: below 1 it is a share of all steps, else a number of steps.

    Args:
        warmup: Share in [0, 1), or steps from 1 on.
        total_steps: Optimiser steps of the whole run.

    Returns:
        Steps.

    Example:
        >>> warmup_steps(0.1, 250), warmup_steps(500, 250), warmup_steps(0, 250)
        (25, 500, 0)
    """
    return round(warmup * total_steps) if warmup < 1 else int(warmup)


def schedule_factor(step: int, *, schedule: str, warmup_steps: int, total_steps: int) -> float:
    r"""Compute the factor on the peak rate at a step.

    With w warmup steps out of T: (step + 1) / (w + 1) before step w, and 1 at step w. From there `linear` falls as
    (T - step) / (T - w), `cosine` as (1 + cos(pi (step - w) / (T - w))) / 2, and `constant` stays. No step of a run is
    spent at rate 0, neither the first nor the last; from T on, linear and cosine are 0.

    Args:
        step: Optimiser steps already taken.
        schedule: `linear`, `cosine` or `constant`.
        warmup_steps: Steps before the peak.
        total_steps: Optimiser steps of the whole run.

    Returns:
        A factor in [0, 1].

    Raises:
        ValueError: Another schedule.

    Example:
        >>> [schedule_factor(s, schedule="linear", warmup_steps=1, total_steps=5) for s in range(6)]
        [0.5, 1.0, 0.75, 0.5, 0.25, 0.0]
    """
    if schedule not in SCHEDULES:
        raise ValueError(f"expected a schedule of {', '.join(SCHEDULES)}, found {schedule!r}")
    if step < warmup_steps:
        return (step + 1) / (warmup_steps + 1)
    if schedule == "constant":
        return 1.0
    if step >= total_steps:
        return 0.0
    done = (step - warmup_steps) / (total_steps - warmup_steps)
    return 1 - done if schedule == "linear" else (1 + math.cos(math.pi * done)) / 2
