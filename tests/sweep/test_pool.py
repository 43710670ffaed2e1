from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from ner_lightning.sweep import pool, process
from ner_lightning.sweep.pool import run_jobs
from tests.sweep.started import ROOT, wait_until


class Listed:
    """Jobs that are known beforehand, and `later` one that another call leaves."""

    def __init__(self, *jobs: Callable[[], None], later: Callable[[], None] | None = None) -> None:
        self.jobs, self.later, self.asked = deque(jobs), later, 0

    def take(self) -> Callable[[], None] | None:
        if self.jobs:
            return self.jobs.popleft()
        self.asked += 1
        if self.asked < 3 or self.later is None:
            return None
        left, self.later = self.later, None
        return left

    def are_to_come(self) -> bool:
        return self.later is not None


@pytest.mark.parametrize(("workers", "at_once"), [(1, 1), (2, 2), (9, 3)])
def test_so_many_run_at_a_time_and_each_once(workers: int, at_once: int) -> None:
    run, now, most = list[int](), set[int](), list[int]()
    all_begun = threading.Barrier(at_once)

    def job(number: int) -> None:
        now.add(number)
        most.append(len(now))
        if at_once > 1 and number < at_once:
            all_begun.wait(10)
        time.sleep(0.02)
        now.discard(number)
        run.append(number)

    run_jobs(Listed(*(partial(job, number) for number in range(3))), workers)
    assert sorted(run) == [0, 1, 2]
    assert max(most) == at_once


def test_it_waits_for_what_another_call_may_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "TICK", 0.01)
    run: list[str] = []
    run_jobs(Listed(partial(run.append, "own"), later=partial(run.append, "left behind")), 2)
    assert run == ["own", "left behind"]


def test_an_error_of_one_ends_all(tmp_path: Path) -> None:
    ends: list[process.Exit] = []
    begun = threading.Event()

    def sleeps() -> None:
        code = "import time; time.sleep(60)"
        ends.append(
            process.run([sys.executable, "-c", code], tmp_path / "log", threads=1, started=lambda _: begun.set())
        )

    def fails() -> None:
        begun.wait(20)
        raise ZeroDivisionError

    never = list[int]()
    with pytest.raises(ZeroDivisionError):
        run_jobs(Listed(sleeps, fails, partial(never.append, 1)), 2)
    assert [(end.code in (-signal.SIGINT, 1, 130), end.was_told) for end in ends] == [(True, True)]
    assert never == []


POOL = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell is born without
from collections import deque
from functools import partial
from pathlib import Path
from ner_lightning.sweep import process
from ner_lightning.sweep.pool import run_jobs
folder = Path(sys.argv[1])
JOB = '''
import signal, sys, time
def note(*_):
    print("asked", flush=True)
    if {deaf}:
        return
    time.sleep(1)
    sys.exit(130)
signal.signal(signal.SIGINT, note)
print("begun", flush=True)
while True: time.sleep(0.1)
'''
class Jobs:
    left = deque([0, 1, 2])
    def take(self):
        return partial(self.run, self.left.popleft()) if self.left else None
    def are_to_come(self):
        return False
    def run(self, number):
        command = [sys.executable, "-c", JOB.replace("{deaf}", sys.argv[2])]
        end = process.run(command, folder / f"{number}.log", threads=1, started=lambda pid: None)
        (folder / f"{number}.end").write_text(f"{end.code} {end.was_told}")
try:
    run_jobs(Jobs(), 2)
except KeyboardInterrupt:
    sys.exit(99)
"""


@pytest.mark.parametrize(("deaf", "ends"), [(False, "130 True"), (True, "-9 True")])
def test_ctrl_c_ends_what_runs_and_a_second_one_does_not_wait(deaf: bool, ends: str, tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", POOL, str(tmp_path), str(deaf)], cwd=ROOT)
    try:
        logs = [tmp_path / f"{number}.log" for number in (0, 1)]
        wait_until(lambda: all(log.is_file() and "begun" in log.read_text() for log in logs), parent)
        parent.send_signal(signal.SIGINT)
        if deaf:
            wait_until(lambda: all("asked" in log.read_text() for log in logs), parent)
            parent.send_signal(signal.SIGINT)
        assert parent.wait(30) == 99
    finally:
        parent.kill()
    assert {path.name: path.read_text() for path in tmp_path.glob("*.end")} == {"0.end": ends, "1.end": ends}
    assert [log.read_text().count("asked") for log in logs] == [1, 1], "told once"
