"""A run whose loss is no number ends at once, says where and what to try, and keeps no broken weights."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from ner_lightning.callbacks.finite_loss import FiniteLoss
from ner_lightning.errors import UserError
from ner_lightning.task.tagging import TaggingTask
from tests.runs import trained


def trainer(step: int, **given: Any) -> Any:
    defaults = {"world_size": 1, "precision": "32-true", "log_every_n_steps": 10, "current_epoch": 0}
    return SimpleNamespace(**{**defaults, **given}, global_step=step, sanity_checking=False)


def watching(**given: Any) -> tuple[FiniteLoss, Any]:
    watch = FiniteLoss()
    watch.on_train_start(trainer(0), SimpleNamespace(device=torch.device("cpu")))  # type: ignore[arg-type]

    def step(number: int, loss: float) -> None:
        watch.on_train_batch_end(trainer(number, **given), None, {"loss": torch.tensor(loss)}, None, 0)  # type: ignore[arg-type]

    return watch, step


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), -float("inf")])
def test_the_step_is_told_though_it_is_read_later(loss: float) -> None:
    _, step = watching()
    step(6, 1.0)
    step(7, loss)
    step(8, float("nan"))
    with pytest.raises(UserError, match="since step 7"):
        step(10, float("nan"))


@pytest.mark.parametrize("moment", ["on_validation_start", "on_train_end"])
def test_it_is_read_before_weights_are_judged(moment: str) -> None:
    watch, step = watching()
    step(3, float("nan"))
    with pytest.raises(UserError, match=r"since step 3 .*optim.encoder_lr"):
        getattr(watch, moment)(trainer(3), None)


def test_float16_may_lose_steps_while_its_scale_is_found() -> None:
    watch, step = watching(precision="16-mixed")
    for number in (1, 2, 3):
        step(number, float("nan"))
    watch.on_validation_start(trainer(3, precision="16-mixed"), None)  # type: ignore[arg-type]
    step(4, 1.0)
    for number in (5, 6, 7, 8, 9):
        step(number, float("inf"))
    with pytest.raises(UserError, match="since step 5"):
        watch.on_validation_start(trainer(9, precision="16-mixed"), None)  # type: ignore[arg-type]


def test_a_run_that_diverges_ends_without_a_result(tmp_path: Path, tiny_encoder: Path) -> None:
    wild = ("optim.encoder_lr=1e30", "optim.head_lr=1e30", "trainer.max_epochs=3", "optim.warmup=0")
    with pytest.raises(UserError, match=r"The loss is not a number since step [12] \(epoch 1\)"):
        trained(tmp_path, tiny_encoder, "+experiment=crf", *wild)
    assert not (tmp_path / "run" / "result.json").exists()


def test_no_checkpoint_holds_broken_weights(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = TaggingTask.training_step

    def broken(self: TaggingTask, *arguments: Any) -> torch.Tensor:
        loss = whole(self, *arguments)
        return loss * torch.nan if self.trainer.global_step >= 2 else loss

    monkeypatch.setattr(TaggingTask, "training_step", broken)
    often = ("trainer.max_epochs=3", "callbacks.last.steps=1", "trainer.log_every_n_steps=100")
    with pytest.raises(UserError, match=re.escape("since step 3 (epoch 2)")):
        trained(tmp_path, tiny_encoder, "+experiment=crf", *often)
    for name in ("best", "last"):
        checkpoint = torch.load(tmp_path / "run" / "checkpoints" / f"{name}.ckpt", weights_only=True)
        assert checkpoint["global_step"] == 2
        assert all(value.isfinite().all() for value in checkpoint["state_dict"].values())
