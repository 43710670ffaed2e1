"""When the checkpoint is written; what it restores is in tests/test_resume.py."""

from __future__ import annotations

import csv
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest

from ner_lightning.callbacks import last_checkpoint
from ner_lightning.callbacks.last_checkpoint import LastCheckpoint
from ner_lightning.errors import UserError
from tests.runs import trained


def written(folder: Path, encoder: Path, *overrides: str) -> list[int]:
    """Optimiser steps at which a run of three steps an epoch writes its checkpoint."""
    steps: list[int] = []
    write = LastCheckpoint._write

    def and_note(callback: LastCheckpoint, trainer: Any) -> None:
        steps.append(trainer.global_step)
        write(callback, trainer)

    options = ("data.batch_size=4", "trainer.accumulate_grad_batches=2", "trainer.max_epochs=2", "test=false")
    with patch.object(LastCheckpoint, "_write", and_note):
        trained(folder, encoder, *options, *overrides)
    return steps


def test_it_is_written_after_epochs_after_steps_and_by_the_clock(tmp_path: Path, tiny_encoder: Path) -> None:
    assert written(tmp_path / "epochs", tiny_encoder) == [3, 6]
    assert written(tmp_path / "steps", tiny_encoder, "callbacks.last.steps=2") == [2, 3, 4, 6]
    assert written(tmp_path / "always", tiny_encoder, "callbacks.last.minutes=0") == [1, 2, 3, 4, 5, 6]
    clock = SimpleNamespace(monotonic=iter(range(0, 10**6, 90)).__next__)  # looked at when asking and when writing
    with patch.object(last_checkpoint, "time", clock):
        assert written(tmp_path / "minutes", tiny_encoder, "callbacks.last.minutes=2") == [2, 3, 5, 6]


def test_intervals_are_checked() -> None:
    with pytest.raises(UserError, match=r"callbacks\.last\.minutes=-1: expected a number from 0 on, or null"):
        LastCheckpoint("x", minutes=-1)
    with pytest.raises(UserError, match=r"callbacks\.last\.steps=0: expected a whole number from 1 on, or null"):
        LastCheckpoint("x", steps=0)


def test_without_a_best_checkpoint_the_last_weights_are_scored(tmp_path: Path, tiny_encoder: Path) -> None:
    result = trained(tmp_path, tiny_encoder, "~callbacks.checkpoint")
    assert result["best"]["checkpoint"] is None
    assert "test/f1" in result["best"]
    with (tmp_path / "run/metrics.csv").open() as file:
        losses = [float(row["val/loss"]) for row in csv.DictReader(file) if row["val/loss"]]
    assert result["best"]["val/loss"] == pytest.approx(losses[0])
    assert [path.name for path in (tmp_path / "run/checkpoints").iterdir()] == ["last.ckpt"]
