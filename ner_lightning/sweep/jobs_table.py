"""The state of a sweep as people see it: a live table on a terminal, or one line for each change in a log."""

from __future__ import annotations

import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ner_lightning.page import terminal
from ner_lightning.run.folder import RunFolder
from ner_lightning.run.reading import read_curve
from ner_lightning.sweep.manifest import OVER, Job, Manifest
from ner_lightning.sweep.naming import key_of

STYLES = {
    "pending": "dim",
    "running": "bold cyan",
    "finished": "green",
    "failed": "bold red",
    "interrupted": "yellow",
    "pruned": "magenta",
    "skipped": "dim yellow",
}
SHOWN = 30  # rows on a terminal: running and failed jobs first, then the best
TICK = 0.5  # seconds


def best_job(jobs: Iterable[Job], monitor: str, mode: str) -> Job | None:
    """Find the finished job with the best value of the metric."""
    scored = [job for job in jobs if job.state == "finished" and monitor in job.metrics]
    choose = max if mode == "max" else min
    return choose(scored, key=lambda job: job.metrics[monitor], default=None)


def seconds_left(jobs: Iterable[Job], side_by_side: int) -> float | None:
    """Estimate the seconds until the end from the median of the finished jobs; None before the first."""
    jobs = list(jobs)
    took = [job.seconds for job in jobs if job.state == "finished"]
    if not took:
        return None
    each = statistics.median(took)
    ahead = sum(each for job in jobs if job.state in ("pending", "interrupted"))
    begun = sum(max(0.0, each - _running_seconds(job)) for job in jobs if job.state == "running")
    return (ahead + begun) / max(1, side_by_side)


def summarise_jobs(jobs: Mapping[str, Job], monitor: str, mode: str, side_by_side: int = 1) -> str:
    """Write one line: the number of jobs in each state, the best one, the expected end."""
    states: Counter[str] = Counter("interrupted" if job.is_orphan else job.state for job in jobs.values())
    words = [f"{states[state]} {state}" for state in STYLES if states[state]]
    if best := best_job(jobs.values(), monitor, mode):
        words.append(f"best {monitor} {best.metrics[monitor]:.4f} ({best.job})")
    left = seconds_left(jobs.values(), side_by_side)
    if left and any(job.state not in OVER for job in jobs.values()):
        words.append(f"about {timedelta(seconds=round(left))} left")
    return ", ".join(words)


def jobs_table(home: Path, jobs: Mapping[str, Job], monitor: str, mode: str, rows: int | None = None) -> Table:
    """Lay out all jobs, or only the first rows if there are many."""
    best = best_job(jobs.values(), monitor, mode)
    chosen = list(jobs.values()) if rows is None or len(jobs) <= rows else _most_telling(jobs, monitor, mode)[:rows]
    view = Table(title=home.name, title_justify="left", caption_justify="left", expand=False)
    view.add_column("job", overflow="fold")
    view.add_column("state", no_wrap=True)
    view.add_column(monitor, justify="right", no_wrap=True)
    view.add_column("time", justify="right", no_wrap=True)
    view.add_column("remark")
    varied = Manifest(home).about().varied
    for job in chosen:
        state = "interrupted" if job.is_orphan else job.state
        value = f"{job.metrics[monitor]:.4f}" if monitor in job.metrics else ""
        seconds = _running_seconds(job) if state == "running" else job.seconds
        remarks = [job.error, job.note, _progress(home / job.job) if state == "running" else None]
        if job.job.startswith("trial-"):  # a name that does not show the values
            remarks.insert(0, ", ".join(word for word in job.overrides if key_of(word) in varied))
        remark = "; ".join(text for text in remarks if text)
        view.add_row(
            Text(terminal.escape_line(job.job)),
            Text(state, STYLES[state]),
            Text(f"{value} *" if job is best else value, "bold" if job is best else ""),
            str(timedelta(seconds=round(seconds))) if seconds else "",
            Text(terminal.escape_lines(remark), "dim"),
        )
    if len(chosen) < len(jobs):
        view.caption = f"and {len(jobs) - len(chosen)} more"
    return view


class Watch:
    """A context manager that shows a sweep while it runs.

    Args:
        home: folder of the sweep.
        monitor: the metric that decides.
        mode: `max` or `min`.
        side_by_side: number of jobs at the same time.
        stream: the output; a live table on a terminal, else a line for each change.
    """

    def __init__(
        self, home: Path, monitor: str, mode: str, side_by_side: int = 1, stream: TextIO | None = None
    ) -> None:
        self.home, self.monitor, self.mode, self.side_by_side = home, monitor, mode, side_by_side
        self.console = terminal.make_console(file=stream or sys.stderr)
        self.manifest = Manifest(home)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._told: dict[str, tuple[str, int]] = {}

    def __enter__(self) -> Watch:
        self._told = {name: (job.state, job.attempts) for name, job in self.manifest.jobs().items()}
        self.say(f"Sweep {self.home.name}: {len(self._told)} jobs, in {self.home}" if self._told else str(self.home))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        jobs = self.manifest.jobs()
        self.console.print(jobs_table(self.home, jobs, self.monitor, self.mode))
        self.say(f"{summarise_jobs(jobs, self.monitor, self.mode)}; python -m ner_lightning.compare {self.home}")

    def _watch(self) -> None:
        if not self.console.is_terminal:
            while not self._ended.wait(TICK):
                self._tell()
            self._tell()
            return
        with Live(console=self.console, transient=True, auto_refresh=False) as live:
            while not self._ended.wait(TICK):
                live.update(self._view(), refresh=True)

    def _view(self) -> RenderableType:
        jobs = self.manifest.jobs()
        rows = max(5, min(SHOWN, self.console.height - 8))
        return Group(
            jobs_table(self.home, jobs, self.monitor, self.mode, rows),
            Text(summarise_jobs(jobs, self.monitor, self.mode, self.side_by_side)),
        )

    def _tell(self) -> None:
        jobs = self.manifest.jobs()
        for name, job in jobs.items():
            now = (job.state, job.attempts)
            if now == self._told.get(name) or (job.state == "running" and job.pid is None):
                continue
            self._told[name] = now
            if job.state == "pending":
                continue
            over = sum(other.state in OVER for other in jobs.values())
            value = f" {self.monitor} {job.metrics[self.monitor]:.4f}" if self.monitor in job.metrics else ""
            took = f" in {job.seconds:.0f} s" if job.state in OVER and job.seconds else ""
            remark = job.error or job.note
            self.say(f"[{over}/{len(jobs)}] {name}: {job.state}{value}{took}{f' ({remark})' if remark else ''}")

    def say(self, text: str) -> None:
        """Print a line with the time."""
        self.console.print(Text(f"{datetime.now():%H:%M:%S} {terminal.escape_line(text)}"), soft_wrap=True)


def _most_telling(jobs: Mapping[str, Job], monitor: str, mode: str) -> list[Job]:
    sign = -1 if mode == "max" else 1
    order = ["running", "failed", "interrupted", "finished", "pruned", "pending", "skipped"]
    return sorted(jobs.values(), key=lambda job: (order.index(job.state), sign * job.metrics.get(monitor, 0.0)))


def _running_seconds(job: Job) -> float:
    if job.started is None:
        return 0.0
    return max(0.0, time.time() - datetime.fromisoformat(job.started).astimezone(UTC).timestamp())


def _progress(folder: Path) -> str:
    """Read epoch and step of a running job from the end of its curve."""
    rows = read_curve(RunFolder(folder))
    try:
        return f"epoch {int(rows[-1]['epoch']) + 1}, step {int(rows[-1]['step'])}"
    except (LookupError, ValueError, OverflowError):
        return ""
