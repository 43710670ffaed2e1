"""W&B in a sweep: what stands in the files that its jobs wrote."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.oracle.wandb_record import WrittenRun, read_runs
from tests.sweep.started import Start, finish, jobs, processes_of, wait_until

pytestmark = pytest.mark.slow

WANDB = ("logger=wandb", "logger.wandb.mode=offline", "sweep.code=any")  # a checkout may be edited meanwhile


def runs(outputs: Path, job: str) -> list[WrittenRun]:
    return read_runs(outputs / "sweeps" / "s" / job)


def test_a_job_that_is_interrupted_and_goes_on_is_one_run(start: Start, tmp_path: Path) -> None:
    words = (*WANDB, "seed=1,2", "trainer.max_epochs=8", "data.limit=40")
    sweep = start(tmp_path, *words)
    wait_until((tmp_path / "sweeps/s/seed-1/checkpoints/last.ckpt").is_file, sweep)
    sweep.send_signal(signal.SIGINT)
    finish(sweep, code=130)
    assert jobs(tmp_path)["seed-1"].state == "interrupted"
    (begun,) = runs(tmp_path, "seed-1")
    assert begun.exit_code == 1, "closed, and not as a success"

    finish(start(tmp_path, *words))
    first, resumed = runs(tmp_path, "seed-1")
    (other,) = runs(tmp_path, "seed-2")
    assert first.id == resumed.id == begun.id != other.id
    assert {run.exit_code for run in (resumed, other)} == {0}
    assert {(run.group, run.job_type) for run in (first, resumed, other)} == {("s", "train")}
    assert [(run.name, run.tags) for run in (resumed, other)] == [
        ("crf seed=1", ("seed=1",)),
        ("crf seed=2", ("seed=2",)),
    ]
    assert resumed.config["sweep"]["job"] == "seed-1"
    steps = [[row["trainer/global_step"] for row in run.history if "val/f1" in row] for run in (first, resumed)]
    assert steps[0][-1] < steps[1][0], "the second part goes on where the first has ended"
    assert processes_of(tmp_path / "sweeps") == []


def test_a_job_that_fails_is_closed_as_failed(start: Start, tmp_path: Path) -> None:
    """A rate beyond all reason makes the loss NaN in the middle of the run."""
    finish(start(tmp_path, *WANDB, "trainer.max_epochs=1", "optim.encoder_lr=1e-5,1e30"), code=1)
    found = jobs(tmp_path)
    assert {(job.state, runs(tmp_path, name)[0].exit_code) for name, job in found.items()} == {
        ("finished", 0),
        ("failed", 1),
    }
    assert "loss" in next(job.error or "" for job in found.values() if job.state == "failed")


def test_a_trial_that_is_pruned_is_closed_and_tagged(start: Start, tmp_path: Path) -> None:
    words = (
        "+sweep=optuna_lr",
        "trainer.max_epochs=3",
        "data.limit=40",
        "sweep.search.trials=3",
        "sweep.search.sampler=random",
    )
    # Of what is far too small and what is not, the one or the other is worse than the first.
    finish(start(tmp_path, *WANDB, *words, "sweep.search.startup=1", "sweep.search.warmup=0", "sweep.search.seed=2"))
    for name, job in jobs(tmp_path).items():
        (run,) = runs(tmp_path, name)
        assert run.exit_code == 0
        assert ("pruned" in run.tags) == (job.state == "pruned")
        assert any(tag.startswith("optim.encoder_lr=") for tag in run.tags)
        assert run.name.startswith("crf optim.encoder_lr=")
    assert "pruned" in {job.state for job in jobs(tmp_path).values()}
