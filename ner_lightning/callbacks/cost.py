"""The cost of a fit: seconds per epoch, peak memory, parameters, and the decoder's share of a step."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from ner_lightning.callbacks.profile.step_clock import StepClock
from ner_lightning.vendors.lightning import callbacks_of

DECODER, REST, NOTHING = "decoder", "rest", "nothing"
UNIT = 1 if sys.platform == "darwin" else 1024  # bytes in the unit in which the system reports memory


class Cost(pl.Callback):
    """Measures a fit without disturbing it.

    Seconds are those of training alone, without validation. The decoder's share is measured on a few steps: the time of
    the forward and backward pass of its loss, divided by that of the whole step. On a GPU it is the device's time
    between CUDA events, which are read after the fit: nothing waits for the device during training.

    Args:
        steps: number of steps to measure the share on; 0: none.
        skip: number of steps before them, in which kernels are compiled and caches filled.
    """

    def __init__(self, steps: int = 8, skip: int = 2) -> None:
        self.steps, self.skip = steps, skip
        self._epochs: list[float] = []
        self._started: float | None = None
        self._aside = 0.0
        self._seen = 0
        self._counts: tuple[int, int] = (0, 0)
        self._share: float | None = None
        self._clock: StepClock | None = None
        self._restore: Callable[[], None] | None = None

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Count parameters while each process still has all of them."""
        if stage == "fit":
            every = list(pl_module.parameters())
            self._counts = sum(p.numel() for p in every if p.requires_grad), sum(p.numel() for p in every)

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Start timing the decoder's loss."""
        device = trainer.strategy.root_device
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        if self.steps:
            self._clock = StepClock(device)
            self._watch(pl_module.model.decoder, self._clock)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock of the epoch."""
        self._started, self._aside = time.monotonic(), 0.0

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Pause the clock of the epoch."""
        self._paused = time.monotonic()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Subtract the time of this validation."""
        self._aside += time.monotonic() - self._paused

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Record the seconds of the epoch, unless the run was resumed inside it."""
        if self._started is not None:
            self._epochs.append(time.monotonic() - self._started - self._aside)
        self._started = None

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Start the clock of a step that is measured."""
        if self._clock is not None and self._looks:
            self._clock.mark(REST)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Stop the clock; after the last measured step, stop timing the loss."""
        if self._clock is None:
            return
        if self._looks:
            self._clock.mark(NOTHING)
        self._seen += 1
        if self._seen == self.skip + self.steps:
            self._leave()

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Read the clock."""
        self._leave()
        if self._clock is not None:
            spent = self._clock.collect()
            whole = sum(spent[part].wall for part in (DECODER, REST) if part in spent)
            self._share = spent[DECODER].wall / whole if DECODER in spent and whole > 0 else None
            self._clock = None

    def summary(self, trainer: pl.Trainer) -> dict[str, Any]:
        """Return the figures as `result.json` has them.

        Returns:
            `seconds_per_epoch` (median), `memory` (peak of this process, bytes), `gpu_memory` (peak of its device,
            bytes; None without one), `trained`, `parameters`, `decoder_share`.
        """
        device = trainer.strategy.root_device
        trained, parameters = self._counts
        return {
            "seconds_per_epoch": round(median(self._epochs), 3) if self._epochs else None,
            "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT,
            "gpu_memory": torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None,
            "trained": trained,
            "parameters": parameters,
            "decoder_share": None if self._share is None else round(self._share, 5),
        }

    @property
    def _looks(self) -> bool:
        return self.skip <= self._seen < self.skip + self.steps

    def _watch(self, decoder: Any, clock: StepClock) -> None:
        loss = decoder.loss

        def watched(emissions: Tensor, *arguments: Any, **named: Any) -> Tensor:
            if not (self._looks and clock.part == REST):
                return loss(emissions, *arguments, **named)
            clock.mark(DECODER)
            nll = loss(emissions, *arguments, **named)
            clock.mark(REST)
            if nll.requires_grad and emissions.requires_grad:
                # Backward: from the gradient of the loss to that of what it was computed from.
                nll.register_hook(lambda _: clock.mark(DECODER))
                emissions.register_hook(lambda _: clock.mark(REST))
            return nll

        def restore() -> None:
            if decoder.__dict__.get("loss") is watched:
                del decoder.loss

        decoder.loss = watched
        self._restore = restore

    def _leave(self) -> None:
        if self._restore is not None:
            self._restore()
            self._restore = None


def cost_of(trainer: pl.Trainer) -> dict[str, Any] | None:
    """Return what the cost callback of a run has measured; None without one."""
    found = callbacks_of(trainer, Cost)
    return found[0].summary(trainer) if found else None
