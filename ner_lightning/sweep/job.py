"""One job: skipped if done, resumed if interrupted, run in a process of its own, recorded."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
import math
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ner_lightning.errors import Pruned
from ner_lightning.run import failure
from ner_lightning.run.folder import (
    LAST,
    RESULT,
    RunFolder,
    damaged_files,
    is_finished,
    read_json,
    set_aside,
    write_json,
)
from ner_lightning.run.reading import find_result
from ner_lightning.storage import locks
from ner_lightning.storage.archives import is_whole
from ner_lightning.sweep import process
from ner_lightning.sweep.manifest import Job, Manifest, State, utc_now
from ner_lightning.sweep.naming import config_digest, key_of
from ner_lightning.sweep.settings import SweepSettings
from ner_lightning.trainer.effective_batch import with_effective_batch
from ner_lightning.trainer.options import with_defaults

log = logging.getLogger(__name__)

DIGESTS = ("config", "code")
"""What a job keeps in its own folder too: by them its result is believed, whatever becomes of the manifest."""

INTERRUPTED = {code: number.name for number in (signal.SIGINT, signal.SIGTERM) for code in (128 + number, -number)}
"""Exit codes of a run that was asked to end; negative if it had no time to react."""


@dataclass(frozen=True)
class Sweep:
    """Where and how the jobs of one sweep run.

    Args:
        home: folder of the sweep.
        settings: the node `sweep`, with its name settled.
        flags: words of the command line for every job: `--config-dir …`, `hydra.verbose=true`.
        side_by_side: number of jobs that share this machine.
        varied: keys by which the jobs differ.
    """

    home: Path
    settings: SweepSettings
    flags: tuple[str, ...] = ()
    side_by_side: int = 1
    varied: tuple[str, ...] = ()
    manifest: Manifest = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "manifest", Manifest(self.home))

    def run(self, name: str, overrides: Sequence[str], config: Mapping[str, Any], extra: Sequence[str] = ()) -> Job:
        """Run a job unless it is done, and return its entry in the manifest.

        If a killed sweep has left a process of the job behind, that is ended first. A job that somebody else runs is
        left alone and reported as running.

        Args:
            name: of the job, and of its folder.
            overrides: as typed.
            config: resolved, plain containers.
            extra: overrides for this attempt only.
        """
        try:
            with self._lock(name).acquire(timeout=locks.PATIENCE):
                self._end_orphan(name)
                if self._is_written(name):
                    return replace(self.manifest.jobs().get(name, Job(name, tuple(overrides))), state="running")
                return self._run_locked(name, overrides, config, extra)
        except Timeout:  # another call of the same sweep has it
            return self.manifest.jobs().get(name, Job(name, tuple(overrides), "running"))

    def _run_locked(self, name: str, overrides: Sequence[str], config: Mapping[str, Any], extra: Sequence[str]) -> Job:
        known = self.manifest.jobs().get(name, Job(name))
        folder = self.home / name
        if known.config is None:  # new, or its manifest is lost
            known = _with_stored_digests(known, folder)
        same = known.config in (None, config_digest(config)) and (
            self.settings.code == "any" or known.code in (None, code_digest())
        )
        if known.state == "skipped":
            return known
        if same and self.settings.retry != "all":
            if is_finished(folder):  # written last: complete, whether we lived to record it or not
                return known if known.state == "finished" else self._close(known, folder, "finished")
            if known.state == "pruned" or (known.state == "failed" and self.settings.retry == "none"):
                return known
        goes_on = same and self.settings.retry != "all" and is_resumable(folder)
        facts: dict[str, Any] = {"config": config_digest(config), "code": code_digest(), "overrides": tuple(overrides)}
        damaged = damaged_files(folder)
        if goes_on and damaged:  # only the result: what is needed to resume is intact
            set_aside(RunFolder(folder).result)
            facts["note"] = f"{RESULT} was damaged: gone on from {LAST}"
        if not goes_on:
            note = f"{' and '.join(damaged)} damaged: started anew" if damaged else None
            self._supersede(folder)
            facts |= {"seconds": 0.0, "attempts": 0, "started": None, "note": note, "adapted": (), "metrics": {}}
        known = self.manifest.change(name, **facts)
        job = self._attempt(name, [*overrides, *extra, *known.adapted], config)
        if job.state == "failed" and not known.adapted and _ran_out_of_memory(folder):
            job = self._retry_smaller(job, [*overrides, *extra], config)
        return job

    def _attempt(self, name: str, overrides: Sequence[str], config: Mapping[str, Any]) -> Job:
        folder = self.home / name
        RunFolder(folder).error.unlink(missing_ok=True)
        before = self.manifest.jobs()[name]
        write_json(RunFolder(folder).digests, {key: getattr(before, key) for key in DIGESTS})
        self.manifest.change(name, state="running", started=before.started or utc_now(), ended=None, error=None)

        def started(pid: int) -> None:
            self.manifest.change(name, pid=pid, host=socket.gethostname(), attempts=before.attempts + 1)

        trainer = with_defaults(config["trainer"])
        devices = trainer["devices"] if trainer["accelerator"] == "cpu" else 1
        ranks = devices if isinstance(devices, int) and devices > 0 else 1
        begin = time.monotonic()
        try:
            end = process.run(
                self.command(name, overrides),
                RunFolder(folder).output,
                threads=self.settings.threads or process.thread_share(os.environ, self.side_by_side * ranks),
                memory=self.settings.memory,
                started=started,
            )
        except BaseException:
            self._close(before, folder, "interrupted", time.monotonic() - begin, "interrupted")
            raise
        state, error = _judge(end, folder)
        return self._close(before, folder, state, end.seconds, error)

    def command(self, name: str, overrides: Sequence[str]) -> list[str]:
        """Build the command of a job: a single run into its own folder, from its last checkpoint if there is one."""
        folder = self.home / name
        varied = ",".join(quote_word(word.lstrip("+")) for word in overrides if key_of(word) in self.varied)
        own = [
            "hydra.mode=RUN",
            f"hydra.run.dir={quote_word(str(folder))}",
            f"sweep.name={quote_word(str(self.settings.name))}",
            f"sweep.job={quote_word(name)}",
            f"sweep.varied=[{varied}]",
        ]
        if not any(key_of(word) == "trainer.enable_progress_bar" for word in overrides):
            own.append("trainer.enable_progress_bar=false")
        if is_resumable(folder):
            own.append(f"ckpt_path={quote_word(str(folder))}")
        return [sys.executable, "-m", "ner_lightning.train", *self.flags, *overrides, *own]

    def _retry_smaller(self, job: Job, overrides: Sequence[str], config: Mapping[str, Any]) -> Job:
        ran = with_effective_batch(dict(config))
        batch, steps = ran["data"].get("batch_size"), with_defaults(ran["trainer"])["accumulate_grad_batches"]
        if batch is None or batch < 2 or batch % 2:
            return job
        self._supersede(self.home / job.job)
        note = f"out of memory with batches of {batch}: run with {batch // 2}, {2 * steps} of them accumulated"
        smaller = (f"data.batch_size={batch // 2}", f"++trainer.accumulate_grad_batches={2 * steps}")
        self.manifest.change(job.job, note=note, adapted=smaller)
        return self._attempt(job.job, [*overrides, *smaller], config)

    def write_down_orphans(self) -> None:
        """Mark jobs as interrupted that are recorded as running here but whose processes are gone."""
        for name, job in self.manifest.jobs().items():
            if job.is_orphan:
                with contextlib.suppress(Timeout), self._lock(name).acquire(timeout=0):
                    self.manifest.change(name, state="interrupted", ended=utc_now(), error="its process is gone")

    def is_busy(self, name: str) -> bool:
        """Tell whether somebody runs a job: a call of this sweep, or a process that writes into its folder."""
        try:
            with self._lock(name).acquire(timeout=0):
                return self._is_written(name)
        except Timeout:
            return True

    def _is_written(self, name: str) -> bool:
        writer = locks.writer_of_folder(self.home / name)
        return writer is not None and not writer.is_gone

    def _end_orphan(self, name: str) -> None:
        """End the process of a job whose sweep is gone, before it writes into our folder."""
        job = self.manifest.jobs().get(name, Job(name))
        if job.state == "running" and job.is_alive and job.pid:
            log.warning(
                "%s: process %d of a sweep that is gone still runs; it is told to end, and has %d seconds for that",
                *(name, job.pid, process.PATIENCE),
            )
            process.end_orphan(job.pid, name, process.PATIENCE)
            self._wait_for_lock(name)

    def _wait_for_lock(self, name: str) -> None:
        """Wait for the lock of a process that has ended: the system frees its memory first, then its files."""
        until = time.monotonic() + process.KILLED
        while self._is_written(name) and time.monotonic() < until:
            time.sleep(0.05)

    def _lock(self, name: str) -> FileLock:
        path = self.home / ".locks" / f"{name}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(path)

    def _close(self, before: Job, folder: Path, state: State, seconds: float = 0.0, error: str | None = None) -> Job:
        result = find_result(RunFolder(folder)) if state == "finished" else None
        return self.manifest.change(
            before.job,
            state=state,
            seconds=round(before.seconds + seconds, 2),
            error=error,
            ended=utc_now(),
            metrics=dict(result.scores) if result and result.scores else before.metrics,
            setup=dict(result.setup) if result else before.setup,
        )

    def _supersede(self, folder: Path) -> None:
        """Move what is in a job's folder out of the way; nothing is deleted."""
        if folder.exists():
            set_aside(folder)


def objective(job: Job, monitor: str) -> float:
    """Return the value of a job for a sweeper: always a number, NaN if there is none."""
    return float(job.metrics.get(monitor, math.nan))


def _with_stored_digests(job: Job, folder: Path) -> Job:
    """Return a job with the digests of the configuration and the code that its folder says it was run with."""
    stored = read_json(RunFolder(folder).digests)
    config, code = (str(stored[key]) if stored.get(key) else None for key in DIGESTS)
    return replace(job, config=config, code=code)


def is_resumable(folder: Path) -> bool:
    """Tell whether a run folder has an intact checkpoint to resume, and no damaged best one."""
    run = RunFolder(folder)
    return is_whole(run.last) and (not run.best.is_file() or is_whole(run.best))


def quote_word(text: str) -> str:
    r"""Quote a text as one word of Hydra's override grammar.

    >>> quote_word("a,b='c'")
    "'a,b=\\'c\\''"
    """
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


@functools.cache
def code_digest() -> str:
    """Digest the package's source files."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(str(path.relative_to(package)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _judge(end: process.Exit, folder: Path) -> tuple[State, str | None]:
    if end.code == 0 and is_finished(folder):
        return "finished", None
    if end.code == Pruned.exit_code:
        return "pruned", None
    if end.code in INTERRUPTED:
        return "interrupted", f"ended by {INTERRUPTED[end.code]}"
    if end.was_told and end.code == -signal.SIGKILL:
        return "interrupted", "killed, for it did not end when it was told to"
    if told := failure.read_failure(folder):
        return "failed", told.message
    if end.ran_out_of_memory:
        told = failure.Failure("killed by the system for want of memory", out_of_memory=True)
        failure.write_failure(folder, told)
        return "failed", told.message
    if end.code < 0:
        return "failed", f"killed by {signal.Signals(-end.code).name}"
    return "failed", f"exit code {end.code}; see {RunFolder(folder).output}"


def _ran_out_of_memory(folder: Path) -> bool:
    told = failure.read_failure(folder)
    return told is not None and told.out_of_memory
