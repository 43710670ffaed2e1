"""A callback that stops a run whose loss is no longer a number."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
import torch.distributed as dist
from torch import Tensor

from ner_lightning.errors import UserError

PATIENCE_OF_SCALING = 5  # steps that float16 may lose while it finds its scale

REMEDY = (
    "try a tenth of optim.encoder_lr, optim.head_lr and optim.crf_lr, trainer.gradient_clip_val=1, and "
    "trainer.precision=32-true; with +trainer.detect_anomaly=true the step that breaks says where"
)


class FiniteLoss(pl.Callback):
    """Stops a run at the first loss that is NaN or infinite: nothing after it can be right.

    The step is noted on the device and read only when the host waits anyway: when values are logged, before validation,
    before a checkpoint. So no checkpoint of broken weights replaces a good one.

    Raises:
        UserError: says at which step, and what to try; raised on every rank.
    """

    def __init__(self) -> None:
        self._since: Tensor | None = None  # first optimiser step of the current row of such losses; -1: none

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start watching."""
        self._since = torch.full((), -1, dtype=torch.long, device=pl_module.device)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Note the step, and read the notes where values are logged."""
        if self._since is None or outputs is None:
            return
        loss = outputs["loss"] if isinstance(outputs, dict) else outputs
        step = torch.where(self._since < 0, trainer.global_step, self._since)
        self._since = torch.where(torch.isfinite(loss.detach()), -1, step)
        every: int = trainer.log_every_n_steps  # type: ignore[attr-defined]
        if every and trainer.global_step % every == 0:
            self._check(trainer)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Read the notes before the weights are validated."""
        self._check(trainer)

    def on_save_checkpoint(self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: Any) -> None:
        """Read the notes before the weights are saved."""
        self._check(trainer)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Read the notes one last time."""
        self._check(trainer)
        self._since = None

    def _check(self, trainer: pl.Trainer) -> None:
        if self._since is None or trainer.sanity_checking:
            return
        since = self._since
        if trainer.world_size > 1:  # all ranks leave together
            since = since.clone()
            dist.all_reduce(since, dist.ReduceOp.MAX)
        first = int(since)
        patience = PATIENCE_OF_SCALING if str(trainer.precision).startswith("16") else 1
        if first >= 0 and trainer.global_step - first + 1 >= patience:
            raise UserError(
                f"The loss is not a number since step {first} (epoch {trainer.current_epoch + 1}): {REMEDY}."
            )
