"""What a run on several devices starts does not outlive it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ner_lightning.run.child_process import STARTED_BY, end_with_parent, is_child
from tests.test_ddp import clean_environment

ROOT = Path(__file__).parents[2]

FURTHER = """
from ner_lightning.run import child_process
child_process.PATIENCE = 0.2
child_process.end_with_parent()
print("watching", flush=True)
import time; time.sleep(120)
"""
FIRST = """
import os, subprocess, sys, time
from ner_lightning.run.child_process import end_with_parent
end_with_parent()
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], env=os.environ | {"LOCAL_RANK": "1"}, stdout=1)
print(child.pid, flush=True)
time.sleep(120)
"""


def is_running(pid: int) -> bool:
    """Whether it runs; what has ended and waits for nobody to look is none."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def ends(pid: int, within: float) -> bool:
    until = time.monotonic() + within
    while is_running(pid):
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks at processes in /proc")
def test_a_further_process_ends_with_the_first(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", FIRST, FURTHER], env=clean_environment(), stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout
        said = {first.stdout.readline().strip(), first.stdout.readline().strip()}
        (child,) = (int(word) for word in said - {"watching"})
        time.sleep(1)
        assert is_running(child)  # as long as the first one does
        first.kill()
        assert ends(child, within=30)


def test_a_process_that_something_else_has_started_watches_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under torchrun and srun the first process of a run is not the parent of the others."""
    monkeypatch.delenv(STARTED_BY, raising=False)
    monkeypatch.setenv("RANK", "1")
    assert is_child()
    end_with_parent()
    assert STARTED_BY not in os.environ


@pytest.mark.slow
def test_two_processes_of_which_the_first_is_killed_at_its_start_end_both(tmp_path: Path, tiny_encoder: Path) -> None:
    run = tmp_path / "run"
    first = subprocess.Popen(
        [
            *(sys.executable, "-m", "ner_lightning.train", "trainer=ddp_cpu", "data.limit=20"),
            *(f"model.encoder.name={tiny_encoder}", f"hydra.run.dir={run}"),
        ],
        cwd=tmp_path,
        env=clean_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        children = Path(f"/proc/{first.pid}/task/{first.pid}/children")
        until = time.monotonic() + 300
        while not (found := [pid for pid in map(int, children.read_text().split()) if names(pid, run)]):
            assert first.poll() is None
            assert time.monotonic() < until
            time.sleep(0.01)
        time.sleep(2)  # long enough for the second to find its way in, too short to meet the first
        first.kill()
        first.wait()
        assert all(ends(pid, within=60) for pid in found)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(first.pid, signal.SIGKILL)


def names(pid: int, run: Path) -> bool:
    with contextlib.suppress(OSError):
        return str(run).encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False
