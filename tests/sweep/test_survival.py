"""Sweeps for real: processes started, killed, interrupted and started again, as a user would."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from tests.sweep.started import PATIENCE, Start, finish, jobs, processes_of, wait_until

pytestmark = pytest.mark.slow


def best(outputs: Path, job: str) -> dict[str, float]:
    result = json.loads((outputs / "sweeps" / "s" / job / "result.json").read_text())
    return {key: value for key, value in result["best"].items() if isinstance(value, float)}


def files(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in sorted(folder.rglob("*")) if path.is_file()}


GRID = ("optim.encoder_lr=1e-4,1e-3", "seed=1,2", "trainer.max_epochs=6")
LAST = "encoder_lr-0.0001+seed-2"


def test_a_sweep_killed_in_the_middle_of_a_job_ends_as_if_nothing_had_happened(start: Start, tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    finish(start(whole, *GRID))
    sweep = start(broken, *GRID)
    folder = broken / "sweeps" / "s"
    wait_until(lambda: (folder / LAST / "checkpoints" / "last.ckpt").is_file(), sweep)
    os.kill(jobs(broken)[LAST].pid or 0, signal.SIGKILL)  # the job and its sweep, both without warning
    sweep.kill()
    sweep.communicate()
    assert jobs(broken)[LAST].state != "finished", "killed too late to show anything"
    done = folder / "encoder_lr-0.0001+seed-1"
    before = files(done)

    finish(start(broken, *GRID))
    assert files(done) == before
    found = jobs(broken)
    assert {job.state for job in found.values()} == {"finished"}
    assert (found[LAST].attempts, found["encoder_lr-0.0001+seed-1"].attempts) == (2, 1)
    assert json.loads((folder / LAST / "result.json").read_text())["resumed_from"]
    assert {name: best(broken, name) for name in found} == {name: best(whole, name) for name in found}


def test_a_job_that_raises_and_one_out_of_memory_leave_the_rest_alone(start: Start, tmp_path: Path) -> None:
    # `data.limit=0.5` and the like are refused before a sweep starts: what fails here fails in the middle.
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for split in ("train", "dev"):
        (corpus / f"{split}.conll").write_text("Ann\tB-PER\nleft\tO\n\n" * 8)
    words = ("data=conll", f"data.dir={corpus}", "trainer.max_epochs=1", "data.train=train.conll,dev.conll")
    (corpus / "train.conll").write_text("Ann\n\n")
    output = finish(start(tmp_path, *words), code=1)
    found = jobs(tmp_path)
    assert {name: job.state for name, job in found.items()} == {
        "train-train.conll": "failed",
        "train-dev.conll": "finished",
    }
    assert "train.conll:1" in (found["train-train.conll"].error or "")
    assert "train-train.conll: failed" in output


def test_memory_that_runs_out_is_met_with_half_the_batch(start: Start, tmp_path: Path) -> None:
    words = ("seed=1,2", "trainer.max_epochs=1", "data.batch_size=2048", "data.limit=2048", "sweep.memory=0.9")
    finish(start(tmp_path, *words, "model.encoder.attention=eager", "data.batching=random"), code=1)
    notes = {job.note for job in jobs(tmp_path).values()}
    assert notes == {"out of memory with batches of 2048: run with 1024, 2 of them accumulated"}


def test_ctrl_c_ends_the_jobs_and_says_so_in_the_manifest(start: Start, tmp_path: Path) -> None:
    sweep = start(tmp_path, "seed=1,2", "trainer.max_epochs=200")
    folder = tmp_path / "sweeps" / "s"
    wait_until(lambda: (folder / "seed-1" / "checkpoints" / "last.ckpt").is_file(), sweep)
    sweep.send_signal(signal.SIGINT)
    finish(sweep, code=130)
    found = jobs(tmp_path)
    assert {name: job.state for name, job in found.items()} == {"seed-1": "interrupted", "seed-2": "pending"}
    assert processes_of(folder) == []
    assert not (folder / "seed-1" / "result.json").exists()


def test_two_calls_of_one_sweep_share_its_jobs_and_neither_leaves_before_the_last(start: Start, tmp_path: Path) -> None:
    words = ("seed=1,2", "trainer.max_epochs=4")
    first = start(tmp_path, *words)
    wait_until(lambda: (tmp_path / "sweeps" / "s" / "seed-1").is_dir(), first)
    second = start(tmp_path, *words)
    until = time.monotonic() + PATIENCE
    while first.poll() is None and second.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.05)
    found = jobs(tmp_path)
    assert {name: (job.state, job.attempts) for name, job in found.items()} == {
        f"seed-{seed}": ("finished", 1) for seed in (1, 2)
    }
    assert len({job.pid for job in found.values()}) == 2
    assert "another process runs it" in finish(first) + finish(second)


def test_what_a_killed_call_leaves_is_taken_over_by_the_other(start: Start, tmp_path: Path) -> None:
    words = ("seed=1,2", "trainer.max_epochs=12")
    first = start(tmp_path, *words)
    wait_until(lambda: (tmp_path / "sweeps" / "s" / "seed-1").is_dir(), first)
    second = start(tmp_path, *words)
    wait_until((tmp_path / "sweeps/s/seed-2/checkpoints/last.ckpt").is_file, second)
    second.kill()
    finish(first)
    found = jobs(tmp_path)
    assert {name: (job.state, job.attempts) for name, job in found.items()} == {
        "seed-1": ("finished", 1),
        "seed-2": ("finished", 2),
    }


def test_a_sweep_killed_alone_in_a_long_validation_ends_as_if_nothing_had_happened(
    start: Start, tmp_path: Path
) -> None:
    """Its job hears of it, but answers only after the validation: the same command meanwhile must not start another."""
    words = ("seed=1,2", "trainer.max_epochs=4")
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    finish(start(whole, *words))
    sweep = start(broken, *words)
    folder = broken / "sweeps" / "s" / "seed-1"
    wait_until((folder / "checkpoints/last.ckpt").is_file, sweep)
    orphan = jobs(broken)["seed-1"].pid or 0
    os.kill(orphan, signal.SIGSTOP)  # as long as a validation may take
    sweep.kill()
    sweep.communicate()
    again = start(broken, *words)
    assert again.stdout
    said = ""
    while f"seed-1: process {orphan} of a sweep that is gone still runs" not in said:
        assert again.poll() is None, said
        said += again.stdout.readline()
    assert jobs(broken)["seed-1"].pid == orphan
    os.kill(orphan, signal.SIGCONT)
    finish(again)
    found = jobs(broken)
    assert {name: (job.state, job.attempts) for name, job in found.items()} == {
        "seed-1": ("finished", 2),
        "seed-2": ("finished", 1),
    }
    assert {name: best(broken, name) for name in found} == {name: best(whole, name) for name in found}
    curves = [(home / "sweeps/s/seed-1/metrics.csv").read_text() for home in (broken, whole)]
    assert curves[0] == curves[1]


def test_two_processes_a_job_three_jobs_one_after_another(start: Start, tmp_path: Path) -> None:
    words = ("trainer=ddp_cpu,cpu,fsdp2_cpu", "sweep.effective_batch=8", "trainer.max_epochs=2", "data.limit=40")
    finish(start(tmp_path, *words))
    found = jobs(tmp_path)
    assert {job.state for job in found.values()} == {"finished"}
    asked = ("effective_batch", "batch_size", "accumulate", "world_size", "strategy", "precision")
    assert {name: tuple(job.setup[key] for key in asked) for name, job in found.items()} == {
        "trainer-ddp_cpu": (8, 4, 1, 2, "DDP", "32-true"),
        "trainer-cpu": (8, 8, 1, 1, "SingleDevice", "32-true"),
        "trainer-fsdp2_cpu": (8, 4, 1, 2, "FSDP2", "32-true"),
    }
    steps = [json.loads((tmp_path / "sweeps/s" / name / "result.json").read_text())["steps"] for name in found]
    assert steps == [10, 10, 10]
    assert processes_of(tmp_path / "sweeps") == []


def test_a_search_prunes_and_goes_on_where_it_was_killed(start: Start, tmp_path: Path) -> None:
    words = (
        *("+experiment=crf", "+sweep=optuna_lr", "trainer.max_epochs=5", "sweep.search.trials=7"),
        *("sweep.search.startup=2", "sweep.search.warmup=0", "sweep.search.sampler=random", "sweep.workers=2"),
    )
    search = start(tmp_path, *words)
    wait_until(lambda: any(job.state == "finished" for job in jobs(tmp_path).values()), search)
    search.kill()
    search.communicate()
    before = {name: job for name, job in jobs(tmp_path).items() if job.state in ("finished", "pruned")}
    finish(start(tmp_path, *words))
    found = jobs(tmp_path)
    assert len(found) == 7
    assert {job.state for job in found.values()} == {"finished", "pruned"}
    assert {name: found[name] for name in before} == before
    assert (tmp_path / "sweeps" / "s" / "search.png").stat().st_size > 1000
    output = finish(start(tmp_path, *words))
    assert jobs(tmp_path) == found, output
