"""Run jobs side by side on this machine: the scheduler of both grids and searches."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import Protocol

from ner_lightning.sweep import process

TICK = 1.0  # seconds between two looks at the jobs of others


class Jobs(Protocol):
    """The jobs of a pool: those of a grid, or the trials of a search; several threads ask at once."""

    def take(self) -> Callable[[], None] | None:
        """Return the next job; None if there is none at this moment."""

    def are_to_come(self) -> bool:
        """Tell whether there may be one later: another call runs it, and may be killed."""


def run_jobs(jobs: Jobs, workers: int) -> None:
    """Run jobs, `workers` at a time, until there are no more; an error in one ends all.

    Ctrl-C, or SIGTERM where the caller raises it, interrupts what runs and waits for it; another one kills it.
    """
    ended = threading.Event()

    def work() -> None:
        while not ended.is_set():
            if job := jobs.take():
                job()
            elif not jobs.are_to_come():
                return
            else:
                ended.wait(TICK)

    with ThreadPoolExecutor(workers) as threads:
        running = [threads.submit(work) for _ in range(workers)]
        try:
            done, _ = wait(running, return_when=FIRST_EXCEPTION)
            for worker in done:
                worker.result()
        finally:
            ended.set()
            _end(running)


def _end(running: Sequence[Future[None]]) -> None:
    """Interrupt the processes of jobs until each thread has seen its job end; kill those that do not react."""
    until = time.monotonic() + process.PATIENCE
    try:
        while any(not worker.done() for worker in running):
            process.interrupt_all()  # again and again: a thread may have been about to start one
            if time.monotonic() > until:
                process.kill_all()
            wait(running, timeout=0.2)
    except BaseException:
        process.kill_all()
        raise
