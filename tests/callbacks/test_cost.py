"""What a fit costs is measured, and measuring changes nothing."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from ner_lightning.callbacks.cost import Cost, cost_of

SLOW = 0.02  # seconds


class SlowSquare(torch.autograd.Function):
    """A loss that takes its time both ways."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        time.sleep(SLOW)
        return x.square().sum(-1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        time.sleep(SLOW)
        return 2 * x * gradient[:, None]


class Decoder(nn.Module):
    calls = 0

    def loss(self, emissions: Tensor) -> Tensor:
        self.calls += 1
        return SlowSquare.apply(emissions)


class Task(pl.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.model = nn.ModuleDict({"first": nn.Linear(2, 3), "decoder": Decoder()})
        self.frozen = nn.Parameter(torch.zeros(5), requires_grad=False)
        self.model.decoder = self.model["decoder"]

    def training_step(self, batch: Any, index: int) -> Tensor:
        time.sleep(SLOW)
        return self.model["decoder"].loss(self.model["first"](batch[0])).mean()

    def validation_step(self, batch: Any, index: int) -> None:
        time.sleep(10 * SLOW)

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), 0.1)


def fitted(cost: Cost | None, epochs: int = 2) -> tuple[pl.Trainer, Task]:
    torch.manual_seed(0)
    task = Task()
    batches = DataLoader(TensorDataset(torch.ones(6, 2)), batch_size=1)
    quiet: Any = {"logger": False, "enable_progress_bar": False, "enable_checkpointing": False}
    trainer = pl.Trainer(
        max_epochs=epochs,
        callbacks=[cost] if cost else [],
        accelerator="cpu",
        enable_model_summary=False,
        num_sanity_val_steps=0,
        **quiet,
    )
    trainer.fit(task, batches, DataLoader(TensorDataset(torch.ones(1, 2))))
    return trainer, task


def test_time_memory_and_parameters() -> None:
    trainer, task = fitted(Cost(steps=4, skip=1))
    found = cost_of(trainer)
    assert found is not None
    # Both passes of the loss sleep as the rest does once; a busy machine adds to the rest.
    assert 0.3 < found["decoder_share"] < 0.75
    assert found["seconds_per_epoch"] >= 6 * 3 * SLOW
    assert found["memory"] > 50e6
    assert (found["trained"], found["parameters"], found["gpu_memory"]) == (9, 14, None)
    assert "loss" not in vars(task.model.decoder)  # nothing is watched any more


def test_validation_is_not_training() -> None:
    cost = Cost(steps=0)
    clock = iter([0.0, 5.0, 25.0, 30.0])
    hooks: Any = (SimpleNamespace(), SimpleNamespace())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ner_lightning.callbacks.cost.time.monotonic", lambda: next(clock))
        cost.on_train_epoch_start(*hooks)
        cost.on_validation_start(*hooks)
        cost.on_validation_end(*hooks)
        cost.on_train_epoch_end(*hooks)
    assert cost._epochs == [10.0]


def test_measuring_changes_no_weight() -> None:
    _, watched = fitted(Cost(steps=4, skip=0))
    _, alone = fitted(None)
    for one, other in zip(watched.parameters(), alone.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_fit_shorter_than_what_is_skipped_has_no_share() -> None:
    trainer, task = fitted(Cost(steps=4, skip=50), epochs=1)
    assert (cost_of(trainer) or {})["decoder_share"] is None
    assert "loss" not in vars(task.model.decoder)


def test_without_the_callback_there_is_no_cost() -> None:
    trainer, _ = fitted(None, epochs=1)
    assert cost_of(trainer) is None
