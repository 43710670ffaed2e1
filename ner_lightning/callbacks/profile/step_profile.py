"""Time the parts of a training step, and what Lightning adds to the same steps in a bare loop."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.profilers import Profiler
from rich.table import Table

from ner_lightning.callbacks.profile.bare_loop import BareLoop
from ner_lightning.callbacks.profile.step_clock import Spent, StepClock
from ner_lightning.page.terminal import make_console
from ner_lightning.run.folder import write_json

if TYPE_CHECKING:
    from ner_lightning.data.batches.collate import Batch
    from ner_lightning.task.tagging import TaggingTask

log = logging.getLogger(__name__)

DATA, ENCODER, HEAD = "data", "encoder, forward", "head and CRF, forward"
HEAD_BACKWARD, ENCODER_BACKWARD = "head and CRF, backward", "encoder, backward"
OPTIMISER, LOGGING, CALLBACKS, REST = "clipping and optimiser", "logging", "callbacks", "the rest of Lightning"
PAUSED = "paused"
PARTS = (DATA, ENCODER, HEAD, HEAD_BACKWARD, ENCODER_BACKWARD, OPTIMISER, LOGGING, CALLBACKS, REST)


class StepProfile(pl.Callback):
    """Times the parts of training steps, and every few steps runs the same batches in a bare loop.

    The bare loop trains a copy of the model, made when the fit starts, by the same recipe: forward, loss, backward,
    clipping, optimiser, schedule, and nothing else. Both take turns in one process, which keeps the comparison fair on
    a busy machine. The time of the bare loop and of validation is charged to no part. The first turn is a warm-up.

    At the end a table is shown, and the figures are written as JSON. On a GPU, times are those of the device between
    CUDA events. With several processes or float16 (whose loss is scaled) the bare loop is left out.

    Args:
        path: of the JSON file.
        steps: per turn.
    """

    def __init__(self, path: str, steps: int = 10) -> None:
        self.path, self.steps = Path(path), steps
        self._batches: list[Batch] = []
        self._turns: list[tuple[dict[str, Spent], Spent | None, int]] = []
        self._undo: list[Callable[[], object]] = []
        self._bare: BareLoop | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Copy the model, then put hooks into it."""
        self._clock = clock = StepClock(trainer.strategy.root_device)
        task: TaggingTask = pl_module
        if trainer.world_size == 1 and not str(trainer.precision).startswith("16"):
            self._bare = BareLoop(trainer, task)
        encoder, decoder = task.model.encoder, task.model.decoder

        def leave_encoder(*call: Any) -> None:
            clock.mark(HEAD)
            output: torch.Tensor = call[-1]
            if output.requires_grad:
                output.register_hook(lambda _: clock.mark(ENCODER_BACKWARD))

        handles = [
            encoder.register_forward_pre_hook(lambda *_: clock.mark(ENCODER)),
            encoder.register_forward_hook(leave_encoder),
            trainer.optimizers[0].register_step_post_hook(lambda *_: clock.mark(REST)),
        ]
        self._undo += [handle.remove for handle in handles]
        self._wrap(decoder, "loss", lambda: clock.mark(REST))
        self._wrap(task, "log", part=LOGGING)
        for logger in trainer.loggers:
            for name in ("log_metrics", "save"):
                self._wrap(logger, name, part=LOGGING)
        before: Any = trainer.profiler  # type: ignore[attr-defined]
        trainer.profiler = _Actions(clock, before)  # type: ignore[attr-defined]
        self._undo.append(lambda: setattr(trainer, "profiler", before))

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Start the clock."""
        self._clock.mark(REST)

    def on_before_backward(self, trainer: pl.Trainer, pl_module: Any, loss: torch.Tensor) -> None:
        """Charge time to the backward pass of the head from here on."""
        self._clock.mark(HEAD_BACKWARD)

    def on_after_backward(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Charge time to the rest from here on."""
        self._clock.mark(REST)

    def on_before_optimizer_step(self, trainer: pl.Trainer, pl_module: Any, optimizer: Any) -> None:
        """Charge time to clipping and the optimiser from here on."""
        self._clock.mark(OPTIMISER)

    def on_before_zero_grad(self, trainer: pl.Trainer, pl_module: Any, optimizer: Any) -> None:
        """Charge time to the optimiser until the backward pass begins."""
        self._clock.mark(OPTIMISER)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        """Run the bare loop after the last step of a turn."""
        self._batches.append(batch)
        if len(self._batches) == self.steps:
            self._close()

    def on_validation_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Pause the clock."""
        self._clock.mark(PAUSED)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Resume the clock if training goes on."""
        self._clock.mark(REST)

    def on_train_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Remove the hooks, then show and write the figures."""
        if self._batches and not self._turns:
            self._close()
        while self._undo:
            self._undo.pop()()
        if not self._turns or not trainer.is_global_zero:
            return
        found = summarise_steps(self._turns)
        found["device"] = str(trainer.strategy.root_device)
        write_json(self.path, found)
        make_console().print(profile_table(found))
        if found["overhead"] is not None:
            log.info("Lightning, logging and metrics: %+.1f %% over a bare loop of the same batches", found["overhead"])

    def _close(self) -> None:
        batches, self._batches = self._batches, []
        before = self._clock.part
        self._clock.mark(PAUSED)
        parts = self._clock.collect()
        bare = None
        if self._bare is not None:
            self._bare.run(batches)
            bare = self._clock.collect()[PAUSED]
        self._turns.append((parts, bare, len(batches)))
        self._clock.mark(before or REST)

    def _wrap(self, owner: Any, name: str, after: Callable[[], None] | None = None, part: str | None = None) -> None:
        """Wrap a method so that it tells the clock; undone at the end."""
        inner = getattr(owner, name)

        @wraps(inner)
        def timed(*args: Any, **kwargs: Any) -> Any:
            if part is not None:
                with self._clock.during(part):
                    return inner(*args, **kwargs)
            try:
                return inner(*args, **kwargs)
            finally:
                if after is not None:
                    after()

        setattr(owner, name, timed)
        self._undo.append(lambda: vars(owner).pop(name, None))


class _Actions(Profiler):
    """A profiler that tells the clock what Lightning does, and passes it on to the profiler before."""

    def __init__(self, clock: StepClock, inner: Profiler) -> None:
        super().__init__()
        self.clock, self.inner = clock, inner

    def start(self, action_name: str) -> None:
        self.inner.start(action_name)
        if action_name.endswith("train_dataloader_next"):
            self.clock.mark(DATA)

    def stop(self, action_name: str) -> None:
        self.inner.stop(action_name)
        if action_name.endswith("train_dataloader_next"):
            self.clock.mark(REST)

    @contextmanager
    def profile(self, action_name: str) -> Generator[str, None, None]:
        with self.inner.profile(action_name):
            part = DATA if action_name.endswith("batch_to_device") else CALLBACKS
            if part == DATA or (action_name.startswith("[Callback]") and "StepProfile" not in action_name):
                with self.clock.during(part):
                    yield action_name
            else:
                yield action_name


def summarise_steps(turns: list[tuple[dict[str, Spent], Spent | None, int]]) -> dict[str, Any]:
    """Compute the milliseconds of each part per step, its share, and the overhead in percent.

    The overhead is the median over turns of the CPU time of a step, without its data, compared with that of the bare
    loop. The first of several turns does not count.

    Args:
        turns: times of the parts, time of the bare loop, number of steps.
    """
    counted = turns[1:] or turns
    steps = sum(n for _, _, n in counted)
    total = {part: Spent() for part in PARTS}
    for parts, _, _ in counted:
        for part in PARTS:
            total[part] = total[part].plus(parts.get(part, Spent()))
    whole = sum(spent.wall for spent in total.values())
    ratios = [
        sum(spent.cpu for part, spent in parts.items() if part not in (DATA, PAUSED)) / bare.cpu
        for parts, bare, _ in counted
        if bare is not None
    ]
    bares = [bare for _, bare, _ in counted if bare is not None]
    return {
        "steps": steps,
        "parts": {
            part: {
                "ms": 1000 * spent.wall / steps,
                "share": spent.wall / whole,
                "cpu_ms": 1000 * spent.cpu / steps,
            }
            for part, spent in total.items()
        },
        "ms": 1000 * whole / steps,
        "bare_ms": 1000 * sum(bare.wall for bare in bares) / steps if bares else None,
        "bare_cpu_ms": 1000 * sum(bare.cpu for bare in bares) / steps if bares else None,
        "overhead": 100 * (median(ratios) - 1) if ratios else None,
    }


def profile_table(found: dict[str, Any]) -> Table:
    """Lay out the figures of `summarise_steps` as a table."""
    table = Table(title=f"a training step, mean of {found['steps']}")
    for column in ("part", "ms", "share", "CPU ms"):
        table.add_column(column, justify="left" if column == "part" else "right")
    for part, row in found["parts"].items():
        table.add_row(part, f"{row['ms']:.2f}", f"{row['share']:.1%}", f"{row['cpu_ms']:.2f}")
    table.add_section()
    cpu = sum(row["cpu_ms"] for row in found["parts"].values())
    table.add_row("all", f"{found['ms']:.2f}", "", f"{cpu:.2f}")
    if found["bare_ms"] is not None:
        table.add_row("bare loop", f"{found['bare_ms']:.2f}", "", f"{found['bare_cpu_ms']:.2f}")
    return table
