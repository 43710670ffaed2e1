"""What becomes of a job, with a few lines of Python in place of a training."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from ner_lightning.storage.locks import writing_folder
from ner_lightning.sweep import job as job_module
from ner_lightning.sweep import process
from ner_lightning.sweep.job import Sweep, objective
from ner_lightning.sweep.manifest import Job
from ner_lightning.sweep.settings import SweepSettings
from tests.sweep.started import ROOT

CONFIG: dict[str, Any] = {
    "seed": 1,
    "data": {"batch_size": 16},
    "trainer": {"accelerator": "cpu", "devices": 1, "accumulate_grad_batches": 1},
    "paths": {"output_dir": "."},
}

# What a run does: it appends a line on what it was told, then what ACTS[its turn] says.
RUN = """
import json, os, pathlib, signal, sys, zipfile
folder = pathlib.Path(sys.argv[1])
with (folder / "told.jsonl").open("a") as file:
    file.write(json.dumps(sys.argv[2:]) + "\\n")
(folder / "checkpoints").mkdir(exist_ok=True)
{act}
"""
FINISH = """result = {"best": {"val/f1": 0.5, "checkpoint": "x"}, "setup": {"effective_batch": 16}}
(folder / "result.json").write_text(json.dumps(result))"""
SAVE = 'zipfile.ZipFile(folder / "checkpoints" / "last.ckpt", "w").writestr("state", "state")\n'
OUT_OF_MEMORY = """error = {"message": "OutOfMemoryError: no", "out_of_memory": True}
(folder / "error.json").write_text(json.dumps(error)); sys.exit(1)"""
RAISE = OUT_OF_MEMORY.replace("OutOfMemoryError: no", "IndexError: 3").replace("True", "False")
KILL = "os.kill(os.getpid(), signal.SIGKILL)"

Do = Callable[..., Job]


class Acted(Sweep):
    """A sweep whose runs do what `acts` says, one act after another."""

    acts: list[str]

    def command(self, name: str, overrides: Sequence[str]) -> list[str]:
        words = super().command(name, overrides)
        folder = self.home / name
        folder.mkdir(parents=True, exist_ok=True)
        return [sys.executable, "-c", RUN.format(act=self.acts.pop(0)), str(folder), *words[2:]]


@pytest.fixture
def do(tmp_path: Path) -> Do:
    def run(*acts: str, config: dict[str, Any] = CONFIG, **settings: Any) -> Job:
        sweep = Acted(tmp_path, replace(SweepSettings(name="s"), **settings))
        object.__setattr__(sweep, "acts", [*acts])
        found = sweep.run("seed-1", ["seed=1"], config)
        assert sweep.acts == []  # as many processes as expected
        return found

    return run


@pytest.mark.parametrize(("allowed", "asked", "given"), [("3", None, "3"), ("", None, "8"), ("3", 5, "5")])
def test_a_run_has_no_more_threads_than_the_environment_allows(
    do: Do, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allowed: str, asked: int | None, given: str
) -> None:
    monkeypatch.setattr(process, "available_threads", lambda: 8)
    monkeypatch.setenv("OMP_NUM_THREADS", allowed)
    do('(folder / "threads").write_text(os.environ["OMP_NUM_THREADS"])\n' + FINISH, threads=asked)
    assert (tmp_path / "seed-1" / "threads").read_text() == given


def told(folder: Path) -> list[list[str]]:
    return [json.loads(line) for line in (folder / "seed-1" / "told.jsonl").read_text().splitlines()]


def runs_done(folder: Path) -> int:
    """Processes that were started for the job, those of its former folders too."""
    return sum(len(path.read_text().splitlines()) for path in folder.rglob("told.jsonl"))


def test_a_finished_job_is_written_down_and_not_run_again(do: Do, tmp_path: Path) -> None:
    job = do(FINISH)
    assert (job.state, job.metrics, job.setup, job.attempts) == (
        "finished",
        {"val/f1": 0.5},
        {"effective_batch": 16},
        1,
    )
    assert job.pid
    assert job.seconds > 0
    before = (tmp_path / "seed-1" / "result.json").stat().st_mtime_ns
    time.sleep(0.01)
    assert do() == job
    assert (tmp_path / "seed-1" / "result.json").stat().st_mtime_ns == before
    assert objective(job, "val/f1") == 0.5
    assert objective(job, "test/f1") != objective(job, "test/f1")  # NaN


@pytest.mark.parametrize("act", [FINISH, SAVE + KILL])
def test_without_its_manifest_a_job_still_knows_what_it_was_run_with(do: Do, tmp_path: Path, act: str) -> None:
    do(act)
    (tmp_path / "manifest.jsonl").unlink()
    other = do(FINISH, config={**CONFIG, "seed": 2})
    assert (other.state, other.attempts) == ("finished", 1)
    assert (tmp_path / "superseded" / "seed-1.1" / "checkpoints").is_dir()
    (tmp_path / "manifest.jsonl").unlink()
    again = do(config={**CONFIG, "seed": 2})  # the same: nothing runs
    assert (again.state, again.metrics) == ("finished", {"val/f1": 0.5})


def test_a_job_is_a_single_run_into_its_own_folder(do: Do, tmp_path: Path) -> None:
    do(FINISH)
    words = told(tmp_path)[0]
    assert words[0] == "ner_lightning.train"
    assert words[1] == "seed=1"
    assert "hydra.mode=RUN" in words
    assert f"hydra.run.dir='{tmp_path / 'seed-1'}'" in words
    assert "sweep.job='seed-1'" in words
    assert not any(word.startswith("ckpt_path") for word in words)


def test_a_job_that_raises_says_so_and_runs_again_when_asked(do: Do) -> None:
    job = do(RAISE)
    assert (job.state, job.error) == ("failed", "IndexError: 3")
    assert do(retry="none").state == "failed"
    again = do(FINISH, retry="failed")
    assert (again.state, again.error) == ("finished", None)


def test_a_killed_job_goes_on_from_its_last_checkpoint(do: Do, tmp_path: Path) -> None:
    job = do(SAVE + KILL)
    assert (job.state, job.error) == ("failed", "killed by SIGKILL")
    again = do(FINISH)
    assert (again.state, again.attempts) == ("finished", 2)
    assert again.seconds > job.seconds
    assert f"ckpt_path='{tmp_path / 'seed-1'}'" in told(tmp_path)[1]


def test_a_job_without_checkpoint_starts_anew_and_nothing_is_deleted(do: Do, tmp_path: Path) -> None:
    do(KILL)
    do(FINISH)
    assert len(told(tmp_path)) == 1
    assert (tmp_path / "superseded" / "seed-1.1" / "told.jsonl").is_file()


@pytest.mark.parametrize("code", [130, 143])
def test_an_interrupted_job_goes_on_whatever_is_retried(code: int, do: Do, tmp_path: Path) -> None:
    assert do(SAVE + f"sys.exit({code})").state == "interrupted"
    assert do(FINISH, retry="none").state == "finished"
    assert any(word.startswith("ckpt_path") for word in told(tmp_path)[1])


def test_memory_that_runs_out_is_tried_once_with_half_the_batch(do: Do, tmp_path: Path) -> None:
    job = do(OUT_OF_MEMORY, FINISH)
    assert job.state == "finished"
    assert job.note == "out of memory with batches of 16: run with 8, 2 of them accumulated"
    assert {"data.batch_size=8", "++trainer.accumulate_grad_batches=2"} <= {*told(tmp_path)[0]}


def test_a_batch_that_was_held_is_halved_from_what_it_was(do: Do, tmp_path: Path) -> None:
    job = do(OUT_OF_MEMORY, FINISH, config={**CONFIG, "sweep": {"effective_batch": 12}})
    assert job.note == "out of memory with batches of 12: run with 6, 2 of them accumulated"
    assert "data.batch_size=6" in told(tmp_path)[0]


@pytest.mark.parametrize(
    ("node", "acts", "state"),
    [("trainer", (OUT_OF_MEMORY, FINISH), "finished"), ("data", (OUT_OF_MEMORY,), "failed")],
)
def test_keys_that_were_deleted_are_not_asked_for(node: str, acts: tuple[str, ...], state: str, do: Do) -> None:
    assert do(*acts, config={**CONFIG, node: {}}).state == state


def test_memory_that_runs_out_twice_is_a_failure(do: Do) -> None:
    job = do(OUT_OF_MEMORY, OUT_OF_MEMORY)
    assert (job.state, job.error) == ("failed", "OutOfMemoryError: no")


def test_a_smaller_batch_is_kept_when_the_job_goes_on(do: Do, tmp_path: Path) -> None:
    assert do(OUT_OF_MEMORY, SAVE + KILL).state == "failed"
    assert do(FINISH).state == "finished"
    assert "data.batch_size=8" in told(tmp_path)[1]


def test_another_configuration_is_another_run(do: Do, tmp_path: Path) -> None:
    do(SAVE + FINISH)
    other = {**CONFIG, "optim": {"encoder_lr": 1e-3}}
    assert do(FINISH, config=other).state == "finished"
    assert not any(word.startswith("ckpt_path") for word in told(tmp_path)[0])
    assert (tmp_path / "superseded" / "seed-1.1" / "result.json").is_file()


def test_another_batch_to_hold_is_another_run(do: Do, tmp_path: Path) -> None:
    do(FINISH, config={**CONFIG, "sweep": {"effective_batch": None}})
    assert runs_done(tmp_path) == 1
    do(FINISH, config={**CONFIG, "sweep": {"effective_batch": 32}})
    assert runs_done(tmp_path) == 2


def test_folders_and_loggers_make_no_other_configuration(do: Do, tmp_path: Path) -> None:
    do(FINISH)
    do(config={**CONFIG, "paths": {"output_dir": "."}, "logger": {"wandb": {}}, "sweep": {"retry": "all"}})
    assert runs_done(tmp_path) == 1


def test_code_that_changed_counts_unless_told_otherwise(
    do: Do, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    do(FINISH)
    monkeypatch.setattr(job_module, "code_digest", lambda: "another")
    do(code="any")
    assert runs_done(tmp_path) == 1
    do(FINISH, code="same")
    assert runs_done(tmp_path) == 2


def test_all_runs_again_when_asked(do: Do) -> None:
    do(FINISH)
    assert do(FINISH, retry="all").attempts == 1


def test_a_pruned_job_stays_pruned(do: Do) -> None:
    assert do("sys.exit(4)").state == "pruned"
    assert do().state == "pruned"


def test_a_run_that_ended_while_nobody_watched_counts(do: Do, tmp_path: Path) -> None:
    """The sweep was killed after its job had finished and before it could write that down."""
    job = do(FINISH)
    sweep = Sweep(tmp_path, SweepSettings(name="s"))
    sweep.manifest.change("seed-1", state="running", metrics={})
    again = do()
    assert (again.state, again.metrics) == ("finished", job.metrics)


def test_a_job_that_another_call_runs_is_left_to_it(do: Do, tmp_path: Path) -> None:
    (tmp_path / ".locks").mkdir()
    with FileLock(tmp_path / ".locks" / "seed-1.lock"):
        assert do().state == "running"
    assert do(FINISH).state == "finished"


def test_a_skipped_job_is_not_run(do: Do, tmp_path: Path) -> None:
    Sweep(tmp_path, SweepSettings()).manifest.register([Job("seed-1", state="skipped", error="no GPU")])
    assert do().error == "no GPU"


ORPHAN = """
import pathlib, signal, sys, time, zipfile
from ner_lightning.storage.locks import writing_folder
folder = pathlib.Path(sys.argv[1])
def end(*_):
    time.sleep(1)
    (folder / "checkpoints").mkdir(exist_ok=True)
    zipfile.ZipFile(folder / "checkpoints" / "last.ckpt", "w").writestr("state", "state")
    sys.exit(143)
signal.signal(signal.SIGTERM, signal.SIG_IGN if {deaf} else end)
with writing_folder(folder):
    much = b"1" * {size}  # to be freed before the lock is
    (folder / "begun").touch()
    time.sleep(120)
"""


@pytest.fixture
def leave_behind(tmp_path: Path) -> Iterator[Callable[[bool], subprocess.Popen[bytes]]]:
    """The process of a job, as a sweep that is killed leaves it."""
    left: list[subprocess.Popen[bytes]] = []

    def start(deaf: bool) -> subprocess.Popen[bytes]:
        folder = tmp_path / "seed-1"
        code = ORPHAN.format(deaf=deaf, size=2**30 if deaf else 1)
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(folder), "sweep.job='seed-1'"],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            start_new_session=True,
        )
        left.append(process)
        threading.Thread(target=process.wait, daemon=True).start()  # as init would
        until = time.monotonic() + 60
        while not (folder / "begun").exists():
            assert time.monotonic() < until
            time.sleep(0.05)
        Sweep(tmp_path, SweepSettings(name="s")).manifest.change(
            "seed-1", state="running", pid=process.pid, host=socket.gethostname()
        )
        return process

    yield start
    for orphan in left:
        orphan.kill()


def test_a_process_left_behind_is_ended_and_its_job_goes_on_from_what_it_writes(
    do: Do, tmp_path: Path, leave_behind: Callable[[bool], subprocess.Popen[bytes]], caplog: pytest.LogCaptureFixture
) -> None:
    orphan = leave_behind(False)
    assert do(FINISH).state == "finished"
    assert orphan.wait(0) == 143
    assert any(word.startswith("ckpt_path") for word in told(tmp_path)[0])
    assert f"seed-1: process {orphan.pid} of a sweep that is gone still runs; it is told to end" in caplog.text


def test_a_process_left_behind_that_does_not_listen_is_killed(
    do: Do,
    leave_behind: Callable[[bool], subprocess.Popen[bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process, "PATIENCE", 1)
    orphan = leave_behind(True)
    assert do(FINISH).state == "finished"
    assert orphan.wait(0) == -signal.SIGKILL


def test_a_number_that_another_process_has_by_now_is_not_ended(do: Do, tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"]) as stranger:
        manifest = Sweep(tmp_path, SweepSettings(name="s")).manifest
        job = manifest.change("seed-1", state="running", pid=stranger.pid, host=socket.gethostname())
        assert job.is_orphan
        assert do(FINISH).state == "finished"
        assert stranger.poll() is None
        stranger.kill()


def test_a_folder_in_which_a_run_of_somebody_else_writes_is_left_alone(do: Do, tmp_path: Path) -> None:
    sweep = Sweep(tmp_path, SweepSettings(name="s"))
    with writing_folder(tmp_path / "seed-1"):
        assert do().state == "running"
        assert sweep.is_busy("seed-1")
    assert not sweep.is_busy("seed-1")
    assert do(FINISH).state == "finished"


@pytest.mark.parametrize("left", [b"", b'{"best": {"val/f1": 0.5', bytes(40), b"[]"])
def test_a_result_that_a_power_cut_has_damaged_does_not_count(left: bytes, do: Do, tmp_path: Path) -> None:
    do(FINISH)
    (tmp_path / "seed-1" / "result.json").write_bytes(left)
    job = do(FINISH)
    assert runs_done(tmp_path) == 2
    assert (job.state, job.note) == ("finished", "result.json damaged: started anew")
    assert (tmp_path / "superseded" / "seed-1.1" / "result.json").read_bytes() == left
    assert do() == job


def test_a_damaged_result_beside_a_whole_checkpoint_costs_no_training(do: Do, tmp_path: Path) -> None:
    do(SAVE + FINISH)
    (tmp_path / "seed-1" / "result.json").write_bytes(b"")
    job = do(FINISH)
    assert (job.state, job.note) == ("finished", "result.json was damaged: gone on from last.ckpt")
    assert any(word.startswith("ckpt_path") for word in told(tmp_path)[1])
    assert (tmp_path / "seed-1" / "superseded" / "result.json.1").is_file()


@pytest.mark.parametrize("file", ["last.ckpt", "best.ckpt"])
@pytest.mark.parametrize("kept", [0, 60])
def test_a_checkpoint_that_a_power_cut_has_damaged_is_not_gone_on_from(
    kept: int, file: str, do: Do, tmp_path: Path
) -> None:
    do(SAVE + SAVE.replace("last", "best") + KILL)
    path = tmp_path / "seed-1" / "checkpoints" / file
    path.write_bytes(path.read_bytes()[:kept])
    job = do(FINISH)
    assert (job.state, job.note) == ("finished", f"{file} damaged: started anew")
    assert not any(word.startswith("ckpt_path") for word in told(tmp_path)[0])
    assert (tmp_path / "superseded" / "seed-1.1" / "checkpoints" / file).is_file()


def test_a_run_that_ends_with_a_damaged_result_has_not_finished(do: Do) -> None:
    assert do('(folder / "result.json").touch()').state == "failed"
