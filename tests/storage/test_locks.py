"""Locks: who writes is alone, and a process that is killed leaves nothing locked."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from ner_lightning.errors import UserError
from ner_lightning.storage import locks
from ner_lightning.storage.locks import Busy, WritingProcess, writer_of_folder, writing_file, writing_folder

ROOT = Path(__file__).parents[2]

HOLD = """
import sys, time
from ner_lightning.storage.locks import {kind}
with {kind}(sys.argv[1]):
    {before}
    print("held", flush=True)
    time.sleep(60)
"""
FORK = "import os\n    if os.fork() == 0: time.sleep({seconds}); os._exit(0)"

Hold = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def hold() -> Iterator[Hold]:
    """A process that holds the lock of a path."""
    begun: list[subprocess.Popen[str]] = []

    def start(path: Path, kind: str = "writing_folder", before: str = "pass") -> subprocess.Popen[str]:
        code = HOLD.format(kind=kind, before=before)
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(path)], env=environment, stdout=subprocess.PIPE, text=True
        )
        begun.append(process)
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        return process

    yield start
    for process in begun:
        process.kill()
        process.communicate()


def test_a_second_process_is_refused_and_told_who_writes(tmp_path: Path, hold: Hold) -> None:
    folder = tmp_path / "run"
    process = hold(folder)
    assert writer_of_folder(folder) == WritingProcess(process.pid, socket.gethostname())
    with (
        pytest.raises(Busy, match=rf"run: process {process.pid} is writing there; wait .*, or name another") as told,
        writing_folder(folder),
    ):
        pass
    assert told.value.writer.pid == process.pid
    assert isinstance(told.value, UserError)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_that_is_ended_locks_nothing(number: signal.Signals, tmp_path: Path, hold: Hold) -> None:
    process = hold(tmp_path)
    process.send_signal(number)
    process.wait()
    assert writer_of_folder(tmp_path) is None
    with writing_folder(tmp_path):
        assert writer_of_folder(tmp_path) == WritingProcess(os.getpid(), socket.gethostname())
    assert [*tmp_path.iterdir()] == []


def test_what_a_killed_process_has_forked_is_waited_for(tmp_path: Path, hold: Hold) -> None:
    """Processes that read data for a training hold its lock until they notice that it is gone."""
    process = hold(tmp_path, before=FORK.format(seconds=3))
    process.kill()
    process.wait()
    with writing_folder(tmp_path):
        assert writer_of_folder(tmp_path) == WritingProcess(os.getpid(), socket.gethostname())


def test_two_names_of_one_file_have_one_lock(tmp_path: Path, hold: Hold) -> None:
    (tmp_path / "other").symlink_to(tmp_path / "out.jsonl")
    hold(tmp_path / "out.jsonl", "writing_file")
    with (
        pytest.raises(Busy, match=r"other: process \d+ is writing there; wait until it has ended, or give output=X"),
        writing_file(tmp_path / "other", "give output=X"),
    ):
        pass
    with writing_file(tmp_path / "another"):
        assert {path.name for path in tmp_path.iterdir()} == {"other", ".out.jsonl.lock", ".another.lock"}
    assert {path.name for path in tmp_path.iterdir()} == {"other", ".out.jsonl.lock"}


def test_a_thread_may_hold_it_again_and_another_thread_may_not(tmp_path: Path) -> None:
    raised: list[Exception] = []

    def other() -> None:
        try:
            with writing_folder(tmp_path):
                pass
        except Busy as error:
            raised.append(error)

    with writing_folder(tmp_path):
        with writing_folder(tmp_path):
            pass
        assert writer_of_folder(tmp_path) is not None
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert len(raised) == 1
    assert writer_of_folder(tmp_path) is None


def test_many_who_come_and_go_never_hold_it_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is removed at each end, so that some wait for a file that is gone."""
    monkeypatch.setattr(locks, "PATIENCE", 60)
    inside, most = [0], [0]

    def come_and_go() -> None:
        for _ in range(10):
            with writing_folder(tmp_path):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                time.sleep(0.001)
                inside[0] -= 1

    threads = [threading.Thread(target=come_and_go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]


@pytest.mark.parametrize("target", ["/dev/null", "fifo"])
def test_devices_and_pipes_have_no_lock(target: str, tmp_path: Path) -> None:
    path = tmp_path / target
    if target == "fifo":
        os.mkfifo(path)
    before = [*tmp_path.iterdir()]
    with writing_file(path), writing_file(path):
        assert [*tmp_path.iterdir()] == before


def test_a_name_as_long_as_names_may_be_has_a_lock(tmp_path: Path) -> None:
    with writing_file(tmp_path / ("ä" * 127)):
        assert len([*tmp_path.iterdir()]) == 1


def test_a_folder_where_nothing_can_be_written_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(UserError, match=r"file/run: cannot be written \(Not a directory\)"),
        writing_folder(tmp_path / "file" / "run"),
    ):
        pass


def test_a_file_system_without_locks_is_written_to_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def acquire(*_: object, **__: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(FileLock, "acquire", acquire)
    with writing_folder(tmp_path):
        pass
    assert "this file system knows no locks; see that nothing else writes there" in caplog.text


def test_a_lock_file_that_says_nothing_still_locks(tmp_path: Path) -> None:
    with FileLock(tmp_path / ".lock"):
        assert writer_of_folder(tmp_path) == WritingProcess()
        with pytest.raises(Busy, match="another process is writing there"), writing_folder(tmp_path):
            pass
