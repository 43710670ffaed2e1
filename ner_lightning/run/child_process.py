"""The further processes of a run on several devices: which they are, and that none outlives the one that started it."""

from __future__ import annotations

import os
import signal
import threading
import time

STARTED_BY = "NER_LIGHTNING_STARTED_BY"
"""Variable that names the first process of a run to those that Lightning starts from it."""

TICK = 0.5  # seconds
PATIENCE = 10.0
"""Seconds for a process to end by itself when the one that started it is gone."""


def is_child() -> bool:
    """Whether this is a further process of a run on several devices, not the one that the user started."""
    ranks = (os.environ.get(key, "") for key in ("RANK", "LOCAL_RANK", "SLURM_PROCID"))
    return any(rank.isdigit() and int(rank) > 0 for rank in ranks)


def end_with_parent() -> None:
    """Let a further process end when the first one is gone; the first one leaves its number for that.

    A process that waits for a first one that was killed at its start would wait for half an hour, or for good. Where
    torchrun or srun start all processes, they end them too.
    """
    if not is_child():
        os.environ[STARTED_BY] = str(os.getpid())
    elif (first := os.environ.get(STARTED_BY, "")).isdigit():
        threading.Thread(target=_watch, args=(int(first),), daemon=True).start()


def _watch(first: int) -> None:
    while os.getppid() == first:
        time.sleep(TICK)
    time.sleep(PATIENCE)
    os.kill(os.getpid(), signal.SIGKILL)  # what waits inside a library hears no other
