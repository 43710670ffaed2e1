"""The checkpoint to resume from: written at the end of every epoch and every few minutes, exact to the last bit."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
import torch.distributed as dist
from pytorch_lightning.callbacks import Checkpoint, EarlyStopping

from ner_lightning.callbacks.atomic_checkpoint import draft_of, publish_checkpoint
from ner_lightning.callbacks.random_state import random_state, restore_random_state
from ner_lightning.callbacks.stop_signals import StopSignals, leave
from ner_lightning.errors import UserError
from ner_lightning.run.folder import LAST
from ner_lightning.vendors.lightning import begin_next_epoch, callbacks_of, has_read_epoch, is_gathering, will_validate

_DUE = 1  # below the number of any signal that is watched


class LastCheckpoint(Checkpoint):
    """Keeps the state of a run as `last.ckpt`.

    It is written after every epoch (and its validation), every few minutes or steps, and when Ctrl-C or SIGTERM asks
    the run to end; always after a whole optimiser step, so that no partly accumulated gradient is lost. It is published
    in one piece, after the records of the steps it includes; a kill at any moment leaves the previous one.

    Besides what Lightning keeps (weights, optimiser, schedule, progress, callbacks) it holds the state of the random
    generators of every process. The order of the sentences is kept by the data module.

    Args:
        dirpath: folder of the checkpoints.
        minutes: minutes between two of them; null: not by time.
        steps: optimiser steps between two of them; null: not by steps.

    Raises:
        UserError: minutes below 0, or steps below 1.
    """

    def __init__(self, dirpath: str, minutes: float | None = 5, steps: int | None = None) -> None:
        if minutes is not None and minutes < 0:
            raise UserError(f"callbacks.last.minutes={minutes}: expected a number from 0 on, or null")
        if steps is not None and steps < 1:
            raise UserError(f"callbacks.last.steps={steps}: expected a whole number from 1 on, or null")
        self.path = Path(dirpath) / LAST
        self.minutes, self.steps = minutes, steps
        self._signals = StopSignals()
        self._ending = 0  # the signal that all processes know of
        self._written = time.monotonic()
        self._drafted = False
        self._random: list[dict[str, Any]] | None = None
        self._resumed = False
        self._hosts: Any = None  # the processes as a group that communicates without devices

    def state_dict(self) -> dict[str, Any]:
        """Collect the random generators of all processes; all must call it at once."""
        states: list[Any] = [random_state()]
        if _world() > 1:
            own, states = states[0], [None] * _world()
            dist.all_gather_object(states, own)
        return {"random": states}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Keep the generators; they are set just before the first batch, after everything else that draws numbers."""
        self._random, self._resumed = state_dict["random"], True

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start watching signals; continue from where the checkpoint was written."""
        self._written = time.monotonic()
        self._signals.watch()
        if _world() > 1:  # a group of its own: hosts that agree on the CPU need not wait for their devices
            self._hosts = dist.group.WORLD if dist.get_backend() == "gloo" else dist.new_group(backend="gloo")
        if self._resumed:
            begin_next_epoch(trainer)
            stoppers = callbacks_of(trainer, EarlyStopping)
            trainer.should_stop |= any(stopper.wait_count >= stopper.patience for stopper in stoppers)
        self._resumed = False

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Publish what was written after the previous step, whose metrics are logged by now."""
        self._publish(trainer)
        self._leave_if_asked()
        if self._random is not None:
            if len(self._random) == trainer.world_size:
                restore_random_state(self._random[trainer.global_rank])
            self._random = None

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Write if it is time, unless the gradient is partly accumulated or a validation will follow."""
        if not (is_gathering(trainer) or will_validate(trainer) or has_read_epoch(trainer)):
            self._write_if_due(trainer)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write after a validation inside an epoch, if it is time."""
        if trainer.state.fn != "fit" or trainer.sanity_checking or has_read_epoch(trainer):
            return
        if not is_gathering(trainer):
            self._write_if_due(trainer)
            self._publish(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the checkpoint."""
        self._agree()
        self._write(trainer)
        self._publish(trainer)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop watching."""
        self._signals.release()
        self._leave_if_asked()

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Publish what was written."""
        self._publish(trainer)
        self._signals.release()

    def _write_if_due(self, trainer: pl.Trainer) -> None:
        if self._agree() or (self.steps is not None and trainer.global_step % self.steps == 0):
            self._write(trainer)

    def _agree(self) -> bool:
        """Tell whether any process has been asked to end, or finds that it is time."""
        is_time = self.minutes is not None and time.monotonic() - self._written >= 60 * self.minutes
        wanted = int(self._signals.asked or (_DUE if is_time else 0))
        if _world() > 1:
            most = torch.tensor(wanted)
            dist.all_reduce(most, dist.ReduceOp.MAX, group=self._hosts)
            wanted = int(most)
        self._ending = wanted if wanted > _DUE else 0
        return wanted > 0

    def _write(self, trainer: pl.Trainer) -> None:
        trainer.save_checkpoint(draft_of(self.path), weights_only=False)
        self._written, self._drafted = time.monotonic(), True

    def _publish(self, trainer: pl.Trainer) -> None:
        if not self._drafted:
            return
        self._drafted = False
        if trainer.is_global_zero:
            for logger in trainer.loggers:
                logger.save()
            publish_checkpoint(self.path)

    def _leave_if_asked(self) -> None:
        if self._ending:
            if _world() > 1:
                dist.barrier()  # the first process must publish before another one's end ends it
            leave(self._ending)


def _world() -> int:
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1
