from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch

from ner_lightning.callbacks.profile.step_clock import Spent
from ner_lightning.callbacks.profile.step_profile import DATA, PARTS, PAUSED, REST, profile_table, summarise_steps
from ner_lightning.config.objects import resolve_config
from ner_lightning.training.build import TrainingRun, build
from tests.runs import train_config, trained, without_dropout

PROFILE = ("+debug=profile", "callbacks.step_profile.steps=2", "data.batch_size=4", "test=false")


def losses(folder: Path) -> list[str]:
    with (folder / "run" / "metrics.csv").open() as file:
        return [row["train/loss"] for row in csv.DictReader(file) if row["train/loss"]]


def test_a_profiled_run_writes_its_figures_and_trains_as_ever(
    tmp_path: Path, tiny_encoder: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    options = ("trainer.log_every_n_steps=1", *PROFILE[2:])
    with caplog.at_level("INFO"):
        trained(tmp_path / "with", tiny_encoder, *PROFILE[:2], *options)
    shown = capsys.readouterr().out
    trained(tmp_path / "without", tiny_encoder, *options)

    found = json.loads((tmp_path / "with" / "run" / "profile.json").read_text())
    assert list(found["parts"]) == list(PARTS)
    assert found["steps"] == 4  # of 6: the first turn warms up
    assert all(row["ms"] > 0 for part, row in found["parts"].items())
    assert sum(row["share"] for row in found["parts"].values()) == pytest.approx(1)
    assert found["bare_ms"] > 0
    assert all(part in shown for part in (*PARTS, "bare loop"))
    assert "over a bare loop of the same batches" in caplog.text

    # The bare loop has neither moved the model nor drawn random numbers of the run's.
    assert losses(tmp_path / "with") == losses(tmp_path / "without") != []


class Watched(pl.Callback):
    """Notes the model's weights after each step, and those of the bare loop's copy."""

    def __init__(self) -> None:
        self.hooks = 0

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, *_: Any) -> None:
        self.hooks = max(self.hooks, len(pl_module.model.encoder._forward_hooks))


def run_of(tmp_path: Path, encoder: Path, *options: str) -> TrainingRun:
    return build(resolve_config(train_config(tmp_path, encoder, *PROFILE, *options)))


def test_the_bare_loop_does_the_same_steps(tmp_path: Path, tiny_encoder: Path) -> None:
    still = without_dropout(tiny_encoder, tmp_path / "still")
    run = run_of(
        tmp_path, still, "model.dropout=0", "trainer.accumulate_grad_batches=2", "trainer.gradient_clip_val=0.5"
    )
    watched = Watched()
    run.trainer.callbacks.append(watched)  # type: ignore[attr-defined]
    before = {name: value.clone() for name, value in run.task.model.state_dict().items()}
    run.trainer.fit(run.task, datamodule=run.data)
    profile = next(c for c in run.trainer.callbacks if type(c).__name__ == "StepProfile")  # type: ignore[attr-defined]
    copied = profile._bare.task.model.state_dict()
    for name, value in run.task.model.state_dict().items():
        torch.testing.assert_close(copied[name], value, rtol=1e-5, atol=1e-7)
    assert not torch.equal(before["projection.weight"], copied["projection.weight"])

    assert watched.hooks == 1
    assert not run.task.model.encoder._forward_hooks
    assert "loss" not in vars(run.task.model.decoder)
    assert "log" not in vars(run.task)


def test_nothing_is_hooked_in_without_it(tmp_path: Path, tiny_encoder: Path) -> None:
    run = run_of(tmp_path, tiny_encoder, "~callbacks.step_profile")
    watched = Watched()
    run.trainer.callbacks.append(watched)  # type: ignore[attr-defined]
    run.trainer.fit(run.task, datamodule=run.data)
    assert watched.hooks == 0
    assert type(run.trainer.profiler).__name__ == "PassThroughProfiler"  # type: ignore[attr-defined]


def turn(cpu: float, bare: float | None) -> tuple[dict[str, Spent], Spent | None, int]:
    parts = {DATA: Spent(0.5, 0.25), REST: Spent(1.5, cpu), PAUSED: Spent(9.0, 9.0)}
    return parts, None if bare is None else Spent(1.0, bare), 10


def test_figures_are_means_and_the_overhead_a_median_without_the_first_turn() -> None:
    found = summarise_steps([turn(99.0, 1.0), turn(1.1, 1.0), turn(1.2, 1.0), turn(9.0, 1.0)])
    assert found["steps"] == 30
    assert found["parts"][DATA] == pytest.approx({"ms": 50.0, "share": 0.25, "cpu_ms": 25.0})
    assert found["ms"] == pytest.approx(200.0)
    assert found["overhead"] == pytest.approx(20.0)


def test_without_a_bare_loop_there_is_no_overhead() -> None:
    found = summarise_steps([turn(1.0, None)])
    assert found["overhead"] is None
    assert "bare loop" not in list(profile_table(found).columns[0].cells)


def test_float16_is_timed_without_the_bare_loop(tmp_path: Path, tiny_encoder: Path, monkeypatch: Any) -> None:
    from ner_lightning.callbacks.profile.step_profile import StepProfile

    run = run_of(tmp_path, tiny_encoder)
    profile = next(c for c in run.trainer.callbacks if isinstance(c, StepProfile))  # type: ignore[attr-defined]
    monkeypatch.setattr(type(run.trainer), "precision", "16-mixed")
    run.trainer.fit(run.task, datamodule=run.data)
    assert profile._bare is None
    assert json.loads((tmp_path / "run" / "profile.json").read_text())["overhead"] is None
