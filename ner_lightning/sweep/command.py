"""Run the sweep of a command: plan it, watch it, and hand its jobs to the pool of this machine or to a launcher."""

from __future__ import annotations

import signal
import sys
import threading
from argparse import Namespace
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial

from ner_lightning.command_line.door import TERMINATED
from ner_lightning.errors import UserError
from ner_lightning.sweep.jobs_table import Watch
from ner_lightning.sweep.launchers import launch_jobs
from ner_lightning.sweep.manifest import OVER
from ner_lightning.sweep.plan import SweepPlan, plan_sweep
from ner_lightning.sweep.pool import run_jobs


def run_sweep(command: str, words: Namespace) -> int:
    """Run all jobs of a sweep, each in a process of its own.

    Args:
        command: the command that the sweep is of.
        words: its parsed command line.

    Returns:
        0, or 1 if a job that this command asks for did not end well.
    """
    planned = plan_sweep(command, words)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # the jobs are ended, and recorded as interrupted
    workers = planned.sweep.side_by_side
    with Watch(planned.sweep.home, planned.monitor, planned.mode, workers) as watch, planned.under_way():
        for told in planned.values.replaced:
            watch.say(told)
        if planned.sweep.settings.search is not None:
            from ner_lightning.sweep.search import search

            search(planned)
        elif not planned.launching.elsewhere:
            run_jobs(GridJobs(planned, watch.say), workers)
        else:
            launch_jobs(command, words, planned)
            if planned.launching.here:
                run_jobs(GridJobs(planned, watch.say, planned.of_others), workers)
    return int(not planned.went_well)


class GridJobs:
    """The jobs of a grid, as a pool takes them: each once, then those that another call began and did not finish.

    Args:
        plan: of the sweep.
        say: prints a line.
        of_others: names of jobs that another call runs, where those alone are left; None: all are to be run.
    """

    def __init__(self, plan: SweepPlan, say: Callable[[str], None], of_others: Iterable[str] | None = None) -> None:
        self.plan, self.say = plan, say
        self._jobs = plan.values.jobs()
        self._fresh = deque(self._jobs if of_others is None else ())
        self._of_others = [*(of_others or ())]
        self._told: set[str] = set()
        self._turn = threading.Lock()

    def take(self) -> Callable[[], None] | None:
        """Return the next job."""
        with self._turn:
            name = self._fresh.popleft() if self._fresh else self._left_behind()
        return None if name is None else partial(self._run, name)

    def are_to_come(self) -> bool:
        """Tell whether another call runs jobs."""
        return bool(self._of_others)

    def _left_behind(self) -> str | None:
        """Return a job that another call has begun and left unfinished, if it is free by now."""
        if new := [name for name in self._of_others if name not in self._told]:
            self.say(f"Waiting for {', '.join(new)}: another process runs {'it' if len(new) == 1 else 'them'}")
            self._told.update(new)
        for name in [*self._of_others]:
            if self.plan.sweep.is_busy(name):
                continue
            self._of_others.remove(name)
            known = self.plan.sweep.manifest.jobs()
            if name not in known or known[name].state not in OVER:
                return name
        return None

    def _run(self, name: str) -> None:
        overrides = self._jobs[name]
        try:
            config = self.plan.composer.compose_job(overrides)
        except UserError as error:  # of this combination of values; each of them alone has been looked at
            self.plan.sweep.manifest.change(name, state="failed", error=str(error))
            return
        if self.plan.sweep.run(name, overrides, config).state == "running":
            with self._turn:
                self._of_others.append(name)
