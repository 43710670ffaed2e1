"""Training steps without Lightning, to measure its overhead."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
import torch

if TYPE_CHECKING:
    from ner_lightning.data.batches.collate import Batch
    from ner_lightning.task.tagging import TaggingTask


class BareLoop:
    """The same training steps without Lightning, on a copy of the model.

    Args:
        trainer: precision, clipping and accumulation are copied from it.
        task: in training mode.
    """

    def __init__(self, trainer: pl.Trainer, task: TaggingTask) -> None:
        assert task.optim is not None
        self.task = _clean_copy(task)
        self.task.log = _say_nothing  # type: ignore[method-assign]
        self.optimizer, self.scheduler = task.optim.build(self.task.model, int(trainer.estimated_stepping_batches))
        self.precision: Any = trainer.precision_plugin
        self.clip, self.accumulate = trainer.gradient_clip_val, trainer.accumulate_grad_batches
        self.by_value = str(trainer.gradient_clip_algorithm or "norm").endswith("value")

    def run(self, batches: list[Batch]) -> None:
        """Train on some batches; the random generators are left as they were."""
        devices = [batches[0].input_ids.device] if batches[0].input_ids.is_cuda else []
        with torch.random.fork_rng(devices):
            for number, batch in enumerate(batches, 1):
                with self.precision.forward_context():
                    loss = self.task.training_step(batch, number)
                (loss / self.accumulate).backward()
                if number % self.accumulate == 0:
                    self._step()

    def _step(self) -> None:
        if self.clip:
            clip: Any = torch.nn.utils.clip_grad_value_ if self.by_value else torch.nn.utils.clip_grad_norm_
            clip(self.task.model.parameters(), self.clip)
        self.optimizer.step()
        self.scheduler.step()
        self.optimizer.zero_grad()


def _clean_copy(task: TaggingTask) -> TaggingTask:
    """Copy the task without the hooks that others put into it: they would reach back to the original."""
    copied = copy.deepcopy(task)
    vars(copied.model.decoder).pop("loss", None)
    for module in copied.modules():
        module._forward_hooks.clear()
        module._forward_pre_hooks.clear()
    return copied


def _say_nothing(*_: Any, **__: Any) -> None:
    """Replace `log`: do nothing."""
