"""Run the sweep of a command: plan it, watch it, and hand its jobs to a launcher or a search."""

from __future__ import annotations

import contextlib
import signal
import sys
from argparse import Namespace
from dataclasses import replace

from omegaconf import DictConfig

from ner_lightning.command_line.door import TERMINATED, hydra_main
from ner_lightning.sweep.plan import JobEndedBadly, SweepPlan, plan_sweep, run_hydra_job
from ner_lightning.sweep.table import Watch


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
    with (
        Watch(planned.sweep.home, planned.monitor, planned.mode, planned.sweep.side_by_side) as watch,
        planned.under_way(),
    ):
        for told in planned.values.replaced:
            watch.say(told)
        if planned.sweep.settings.search is not None:
            from ner_lightning.sweep.search import search

            search(command, words, planned)
        else:
            sys.argv[1:] = planned.hydra_words(sys.argv[1:])
            _run_grid(command, planned)
            while planned.launching.here and (left := planned.wait_for_others(watch.say)):
                _run_grid(command, replace(planned, only=left))
    return int(not planned.went_well)


def _run_grid(command: str, planned: SweepPlan) -> None:
    """Hand the jobs of a grid to Hydra's launcher; their results are in the manifest."""

    def job(cfg: DictConfig) -> float:
        return run_hydra_job(planned, cfg)

    try:
        with contextlib.suppress(JobEndedBadly):
            hydra_main(command)(job)()
    except SystemExit as left:
        if left.code != 1:  # Hydra exits with 1 if a job has raised
            raise
