"""Processes for real, but without torch: a few lines of Python each."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ner_lightning.sweep import process


def python(code: str, log: Path, **options: object) -> process.Exit:
    return process.run([sys.executable, "-c", code], log, threads=1, started=lambda pid: None, **options)  # type: ignore[arg-type]


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_for(path: Path, seconds: float = 20) -> str:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if path.is_file() and (text := path.read_text()):
            return text
        time.sleep(0.02)
    raise AssertionError(f"{path} was not written")


def gone(pid: int, seconds: float = 20) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not is_alive(pid):
            return True
        time.sleep(0.02)
    return False


def test_what_it_prints_is_added_to_its_log(tmp_path: Path) -> None:
    log = tmp_path / "run" / "output.log"
    assert python("print('one')", log).code == 0
    assert python("import sys; sys.stderr.write('two'); sys.exit(3)", log).code == 3
    assert log.read_text() == "one\ntwo"


def test_it_finds_no_trace_of_another_distributed_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "PL_GLOBAL_SEED"):
        monkeypatch.setenv(key, "1")
    monkeypatch.setenv("MASTER_PORT", "1")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("MINE", "kept")
    log = tmp_path / "log"
    process.run(
        [sys.executable, "-c", "import os, json; print(json.dumps(dict(os.environ)))"],
        log,
        threads=3,
        started=lambda pid: None,
    )
    found = json.loads(log.read_text())
    assert not {"LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "PL_GLOBAL_SEED"} & found.keys()
    assert (found["OMP_NUM_THREADS"], found["MINE"], found["SLURM_JOB_NAME"]) == ("3", "kept", "interactive")
    assert int(found["MASTER_PORT"]) > 1023


def test_a_killed_process_is_told_from_one_that_failed(tmp_path: Path) -> None:
    end = python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", tmp_path / "log")
    assert (end.code, end.ran_out_of_memory) == (-signal.SIGKILL, False)


def test_a_limit_of_memory_ends_in_an_error_of_its_own(tmp_path: Path) -> None:
    code = "import sys\ntry: bytearray(2**30)\nexcept MemoryError: sys.exit(7)"
    assert python(code, tmp_path / "log").code == 0
    assert python(code, tmp_path / "log", memory=0.25).code == 7


def test_what_a_process_leaves_running_is_ended_with_it(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = (
        "import subprocess, sys, pathlib\n"
        "left = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"pathlib.Path({str(note)!r}).write_text(str(left.pid))"
    )
    assert python(code, tmp_path / "log").code == 0
    assert gone(int(note.read_text()))


def test_interrupt_all_lets_a_process_finish_what_it_writes(tmp_path: Path) -> None:
    ready, saved = tmp_path / "ready", tmp_path / "saved"
    code = (
        "import pathlib, sys, time\n"
        f"pathlib.Path({str(ready)!r}).write_text('1')\n"
        "try: time.sleep(60)\n"
        f"except KeyboardInterrupt: pathlib.Path({str(saved)!r}).write_text('saved'); sys.exit(130)"
    )
    ends = []
    thread = threading.Thread(target=lambda: ends.append(python(code, tmp_path / "log")))
    thread.start()
    wait_for(ready)
    process.interrupt_all()
    thread.join(20)
    assert ends[0].code == 130
    assert saved.read_text() == "saved"


@pytest.mark.parametrize("deaf", ["signal.signal(signal.SIGINT, signal.SIG_IGN)", "signal.pthread_sigmask(0, [2])"])
def test_a_process_hears_what_the_one_that_runs_it_does_not(deaf: str, tmp_path: Path) -> None:
    """Ray starts its workers with SIGINT ignored, and so does a shell script what it puts into the background."""
    code = (
        f"import signal; {deaf}\n"
        "import sys, threading\nfrom pathlib import Path\nfrom ner_lightning.sweep import process\n"
        "threading.Timer(2, process.interrupt_all).start()\n"
        f"command = [sys.executable, '-c', 'import time; time.sleep(30)']\n"
        f"end = process.run(command, Path({str(tmp_path / 'log')!r}), threads=1, started=lambda pid: None)\n"
        "sys.exit(-end.code)"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    assert subprocess.run([sys.executable, "-c", code], env=environment, timeout=60).returncode == signal.SIGINT


PARENT = """
import signal, sys
from pathlib import Path
from ner_lightning.sweep import process
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background
def started(pid):
    Path({note!r}).write_text(str(pid))
process.run([sys.executable, "-c", {code!r}], Path({log!r}), threads=1, started=started)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_process_does_not_outlive_the_one_that_runs_it(number: signal.Signals, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = PARENT.format(code="import time; time.sleep(60)", log=str(tmp_path / "log"), note=str(note))
    root = Path(__file__).parents[2]
    parent = subprocess.Popen(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(root)}, stderr=subprocess.DEVNULL
    )
    child = int(wait_for(note))
    parent.send_signal(number)
    parent.wait(20)
    assert gone(child)


@pytest.mark.parametrize(
    ("given", "side_by_side", "threads"),
    [({}, 1, 8), ({}, 3, 2), ({}, 9, 1), ({"OMP_NUM_THREADS": "1"}, 2, 1), ({"OMP_NUM_THREADS": "6"}, 4, 2)],
)
def test_threads_are_shared_out_and_the_environment_bounds_them(
    given: dict[str, str], side_by_side: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "available_threads", lambda: 8)
    assert process.thread_share(given, side_by_side) == threads
    assert process.thread_share({"OMP_NUM_THREADS": "2,1"}, side_by_side) == 8 // min(side_by_side, 8)


def test_a_process_of_another_user_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "killpg", forbidden)
    monkeypatch.setattr(process, "KILLED", 0.2)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as theirs:
        while not process.is_running(theirs.pid, "time.sleep"):  # a process has no command until its exec is over
            time.sleep(0.01)
        with monkeypatch.context() as patch:
            patch.setattr(os, "kill", forbidden)
            process.end_orphan(theirs.pid, "time.sleep", patience=0.2)
            assert process.is_running(theirs.pid, "time.sleep")
        theirs.kill()
