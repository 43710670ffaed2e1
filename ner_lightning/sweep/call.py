"""One call of a sweep: the process that a user started, and those in which a launcher runs its jobs.

Launchers do not handle Ctrl-C: submitit leaves its jobs running. So a call has a folder
that all its processes see. Whoever runs a job keeps a file there meanwhile; a file `stop` there makes each of them
interrupt its job, which saves its state, and record that in the manifest.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from ner_lightning.sweep import process

TICK = 0.3  # seconds
TERMINATED = 128 + signal.SIGTERM


@dataclass(frozen=True)
class Call:
    """A call, as seen by its own process and by those of its launcher.

    Args:
        folder: of the call, on a file system that all of them share.
    """

    folder: Path

    @classmethod
    def begin(cls, home: Path) -> Call:
        """Begin a call of a sweep, here and now."""
        name = f"{socket.gethostname()}-{os.getpid()}-{time.time_ns()}"
        return cls(home / ".calls" / name)

    @property
    def is_stopped(self) -> bool:
        """Whether no further job may start."""
        return (self.folder / "stop").exists()

    def stop(self) -> None:
        """Let no further job start, and interrupt those that run."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "stop").touch()

    def end(self) -> None:
        """Remove the folder of a finished call; jobs that still wait on a cluster find a `stop` all the same."""
        if not self.is_stopped:
            shutil.rmtree(self.folder, ignore_errors=True)

    def wait(self, patience: float) -> bool:
        """Wait until none of its jobs runs; False if that takes longer than `patience` seconds."""
        until = time.monotonic() + patience
        while running := [*self._running.glob("*")] if self._running.is_dir() else []:
            if time.monotonic() > until:
                return False
            time.sleep(TICK)
        return not running

    @contextlib.contextmanager
    def working(self, job: str) -> Iterator[None]:
        """Mark a job as running, in whichever process, so that `wait` sees it and `stop` ends it."""
        self._running.mkdir(parents=True, exist_ok=True)
        mark = self._running / f"{job}.{socket.gethostname()}.{os.getpid()}"
        mark.touch()
        ended = threading.Event()
        listener = threading.Thread(target=self._listen, args=(ended,), daemon=True)
        listener.start()
        try:
            yield
        finally:
            ended.set()
            listener.join()
            mark.unlink(missing_ok=True)

    @contextlib.contextmanager
    def stoppable(self) -> Iterator[None]:
        """Let Ctrl-C and SIGTERM first stop a launcher's jobs in other processes, then this process.

        A second Ctrl-C does not wait for them.
        """
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

        def handle(number: int, _frame: FrameType | None) -> None:
            for each in before:
                signal.signal(each, signal.default_int_handler if each == signal.SIGINT else signal.SIG_DFL)
            self.stop()
            self.wait(process.PATIENCE + 10)
            if number == signal.SIGINT:
                raise KeyboardInterrupt
            sys.exit(TERMINATED)

        for number in before:
            signal.signal(number, handle)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @property
    def _running(self) -> Path:
        return self.folder / "running"

    def _listen(self, ended: threading.Event) -> None:
        told = False
        while not ended.wait(TICK):
            if self.is_stopped and not told:
                told = process.interrupt_all()
                if told and not ended.wait(process.PATIENCE):
                    process.kill_all()
