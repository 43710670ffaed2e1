"""Sweeps that are really started, and how to look at them from outside."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ner_lightning.sweep.manifest import Job, Manifest

ROOT = Path(__file__).parents[2]
PATIENCE = 600  # seconds; on a loaded machine a process takes half a minute to start

Start = Callable[..., subprocess.Popen[str]]


def finish(process: subprocess.Popen[str], code: int = 0) -> str:
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == code, output
    return output


def jobs(outputs: Path) -> dict[str, Job]:
    return Manifest(outputs / "sweeps" / "s").jobs()


def wait_until(condition: Callable[[], Any], process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)


def processes_of(folder: Path) -> list[str]:
    """Command lines of living processes that name a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(folder) in line:
                found.append(line)
    return found
