"""Further processes of a run on several devices: recognise them, and end them when the first one is gone."""

from __future__ import annotations

import os
import signal
import threading
import time

STARTED_BY = "NER_LIGHTNING_STARTED_BY"
"""Environment variable that tells the processes started by Lightning which one was the first."""

CHECKED_BY = "NER_LIGHTNING_CHECKED_BY"
"""Variable with the number of the process that has checked the command line of the one that it starts."""

TICK = 0.5  # seconds
PATIENCE = 10.0
"""Seconds that a process has to end by itself when the one that started it is gone."""


def is_child() -> bool:
    """Tell whether this is a further process of a run on several devices, not the one that the user started."""
    ranks = (os.environ.get(key, "") for key in ("RANK", "LOCAL_RANK", "SLURM_PROCID"))
    return any(rank.isdigit() and int(rank) > 0 for rank in ranks)


def is_checked() -> bool:
    """Tell whether the process that started this one has checked its command line: a sweep has, for each of its jobs.

    It saves time, and decides nothing that must not be: what may be built is checked where it is built.
    """
    return os.environ.get(CHECKED_BY) == str(os.getppid())


def end_with_parent() -> None:
    """End a further process when the first one is gone; the first one records its number for that.

    If the first process is killed at its start, the others would wait for half an hour, or forever. Where
    torchrun or srun start all processes, they also end them.
    """
    if not is_child():
        os.environ[STARTED_BY] = str(os.getpid())
    elif (first := os.environ.get(STARTED_BY, "")).isdigit():
        threading.Thread(target=_watch, args=(int(first),), daemon=True).start()


def _watch(first: int) -> None:
    while os.getppid() == first:
        time.sleep(TICK)
    time.sleep(PATIENCE)
    os.kill(os.getpid(), signal.SIGKILL)  # a process that waits inside a library reacts to no other signal
