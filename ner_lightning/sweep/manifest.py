"""The manifest of a sweep: `manifest.jsonl`, with one JSON line per job."""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from filelock import FileLock

from ner_lightning.errors import UserError
from ner_lightning.run.folder import MANIFEST, keep_copy
from ner_lightning.run.redaction import known_secrets, redact_text, redact_words
from ner_lightning.storage.atomic import write_text
from ner_lightning.storage.json_text import json_text
from ner_lightning.sweep.process import is_running

log = logging.getLogger(__name__)

State = Literal["pending", "running", "finished", "failed", "interrupted", "pruned", "skipped"]
OVER: tuple[State, ...] = ("finished", "failed", "pruned", "skipped")
"""Final states; an `interrupted` job is resumed by the next call."""


@dataclass(frozen=True)
class Job:
    """The record of one job.

    Attributes:
        job: its name and its folder inside the sweep's.
        overrides: its overrides, as typed.
        state: its state.
        metrics: scores of the best weights.
        seconds: duration of all its attempts together, including the start of processes.
        error: one line, for a failed, skipped or interrupted job.
        note: what was changed to make it run (a smaller batch after memory ran out).
        adapted: overrides that make this change.
        attempts: number of processes started for it.
        pid: of the process that runs it or ran it last.
        host: the machine of that process.
        started: first start, UTC.
        ended: last end, UTC.
        config: digest of its resolved configuration.
        code: digest of the package's source.
        setup: effective batch and precision, strategy and processes, as the run reports them.
    """

    job: str
    overrides: tuple[str, ...] = ()
    state: State = "pending"
    metrics: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    error: str | None = None
    note: str | None = None
    adapted: tuple[str, ...] = ()
    attempts: int = 0
    pid: int | None = None
    host: str | None = None
    started: str | None = None
    ended: str | None = None
    config: str | None = None
    code: str | None = None
    setup: dict[str, Any] = field(default_factory=dict)

    @property
    def is_orphan(self) -> bool:
        """Whether it is recorded as running and its process is gone, as far as this machine can tell."""
        return self.state == "running" and self.host == socket.gethostname() and not self.is_alive

    @property
    def is_alive(self) -> bool:
        """Whether its process lives on this machine."""
        return self.host == socket.gethostname() and is_running(self.pid, f"sweep.job='{self.job}'")


@dataclass(frozen=True)
class About:
    """The description of a sweep: `sweep.json` beside its manifest.

    Attributes:
        name: of the sweep.
        monitor: the metric that decides.
        mode: `max` or `min`: whether large or small values are good.
        varied: keys that vary.
        fixed: overrides of every job.
    """

    name: str
    monitor: str = "val/f1"
    mode: str = "max"
    varied: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()


class Manifest:
    """Reads and changes `manifest.jsonl`.

    No secret is written: secret values in overrides read `(hidden)`. A job runs with the values of the command that
    runs it, not with those written here.

    Every change reads the file again under a lock and replaces it in one piece: several writers lose nothing, and the
    file always has either the lines before a change or those after it.

    Args:
        folder: the sweep's.
    """

    def __init__(self, folder: str | Path) -> None:
        self.path = Path(folder) / MANIFEST

    def jobs(self) -> dict[str, Job]:
        """Read all jobs by name, in the order of their registration; unreadable lines are left out."""
        return {job.job: job for line in self._lines() if (job := _job_of(line))}

    def describe(self, about: About) -> None:
        """Write `sweep.json`."""
        public = asdict(about) | {"fixed": redact_words(about.fixed, known_secrets(os.environ))}
        with self._locked():
            write_text(self.path.parent / "sweep.json", json_text(public, indent=2) + "\n")

    def about(self) -> About:
        """Read the description of the sweep.

        Raises:
            UserError: this is not the folder of a sweep.
        """
        path = self.path.parent / "sweep.json"
        try:
            return About(**_with_tuples(json.loads(path.read_text(encoding="utf-8"))))
        except (OSError, ValueError, TypeError, AttributeError) as error:
            if self.path.is_file() and path.is_file():
                raise UserError(f"{path}: damaged; the command of the sweep, started again, writes it anew") from error
            raise UserError(
                f"{path.parent}: not the folder of a sweep ({type(error).__name__} with sweep.json); "
                "sweeps stand below outputs/sweeps"
            ) from error

    def register(self, jobs: Iterable[Job]) -> None:
        """Add the jobs that are not in it yet."""
        with self._locked():
            known = self.jobs()
            self._write({**{job.job: job for job in jobs if job.job not in known}, **known}, [*known])

    def change(self, job: str, **facts: Any) -> Job:
        """Change the record of one job, and return it."""
        with self._locked():
            known = self.jobs()
            values = asdict(known.get(job, Job(job)))
            known[job] = Job(**{**values, **facts})
            self._write(known, [*known])
            return known[job]

    def _locked(self) -> FileLock:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(self.path.parent / ".manifest.lock")

    def _write(self, jobs: Mapping[str, Job], first: list[str]) -> None:
        self._keep_if_damaged()
        order = [*first, *(name for name in jobs if name not in first)]
        secrets = known_secrets(os.environ)
        lines = (json_text(_public(jobs[name], secrets)) + "\n" for name in order)
        write_text(self.path, "".join(lines))

    def _lines(self) -> list[str]:
        try:
            text = self.path.read_bytes().decode("utf-8", errors="replace")
        except FileNotFoundError:
            return []
        return [line for line in text.split("\n") if line]

    def _keep_if_damaged(self) -> None:
        """Keep a copy of a manifest with unreadable lines, before it is written without them."""
        lost = sum(_job_of(line) is None for line in self._lines())
        if lost:
            lines = "line" if lost == 1 else "lines"
            kept = keep_copy(self.path)
            log.warning("%s: %d damaged %s left out; the old one is %s", self.path, lost, lines, kept)


def utc_now() -> str:
    """Return the present time, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _job_of(line: str) -> Job | None:
    """Read the job of a line; None if it cannot be read, or holds something else."""
    names = {field.name for field in fields(Job)}
    try:
        job = Job(**{key: value for key, value in _with_tuples(json.loads(line)).items() if key in names})
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None
    is_one = isinstance(job.job, str) and job.state in get_args(State) and isinstance(job.metrics, dict)
    return job if is_one and all(isinstance(n, int | float) for n in (job.seconds, job.attempts)) else None


def _public(job: Job, secrets: Collection[str]) -> dict[str, Any]:
    values = asdict(job) | {"overrides": redact_words(job.overrides, secrets)}
    return values | {key: redact_text(values[key], secrets) for key in ("error", "note") if values[key]}


def _with_tuples(values: dict[str, Any]) -> dict[str, Any]:
    """Convert the lists that JSON returns into tuples, as in the dataclass."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
