"""The best checkpoint of a run, also of a run that was resumed."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal
from weakref import proxy

import pytorch_lightning as pl
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.utilities import rank_zero_only

from ner_lightning.callbacks import atomic
from ner_lightning.errors import UserError
from ner_lightning.metrics.scores import entity_scores
from ner_lightning.storage.atomic import draft


class BestCheckpoint(ModelCheckpoint):
    """Keeps the weights of the best epoch as `best.ckpt`; to resume from there is `last.ckpt`.

    A run that ends between two validations is validated once more at its end.

    A resumed run has a folder of its own. Lightning would then forget how good the best epoch had been, and call the
    first one after the resumption the best; here the best checkpoint so far is copied over with its score.

    Args:
        dirpath: folder of the checkpoints.
        monitor: the metric that decides.
        mode: whether it should be large (`max`) or small (`min`).

    Raises:
        UserError: before the first step, for a metric that there will not be, or for the largest loss as the best.
    """

    def __init__(self, dirpath: str, monitor: str, mode: Literal["max", "min"] = "max") -> None:
        super().__init__(
            dirpath=dirpath,
            filename="best",
            monitor=monitor,
            mode=mode,
            save_weights_only=True,
            save_on_train_epoch_end=False,  # but when validation has judged them
            auto_insert_metric_name=False,
            enable_version_counter=False,
        )

    def setup(self, trainer: pl.Trainer, pl_module: Any, stage: str) -> None:
        """See that the metric will be there: after an epoch would be late."""
        super().setup(trainer, pl_module, stage)
        if stage == "fit":
            check_monitor(str(self.monitor), str(self.mode), pl_module.val_metric.tags.types)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Nothing has been judged yet of what this process trains."""
        super().on_train_start(trainer, pl_module)
        self._judged = trainer.global_step

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Keep the weights if they are the best."""
        super().on_validation_end(trainer, pl_module)
        if not trainer.sanity_checking:
            self._judged = trainer.global_step

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Judge the last weights too, where the last step came after the last validation (`trainer.max_steps`)."""
        if trainer.global_step > self._judged:
            trainer.validating = True
            trainer.fit_loop.epoch_loop.val_loop.run()
            trainer.training = True
        super().on_train_end(trainer, pl_module)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from the best checkpoint of the run that is resumed, if it is still there."""
        before, here = Path(state_dict["best_model_path"]), Path(str(self.dirpath), "best.ckpt")
        if before != here and before.is_file():
            _copy(before, here)
            best, score = str(here), state_dict["best_model_score"]
            moved = {"best_model_path": best, "kth_best_model_path": best, "best_k_models": {best: score}}
            super().load_state_dict({**state_dict, **moved, "dirpath": self.dirpath})
        elif before == here and here.is_file():
            super().load_state_dict(state_dict)

    def _save_checkpoint(self, trainer: pl.Trainer, filepath: str) -> None:
        atomic.save(trainer, filepath, weights_only=True)
        self._last_global_step_saved = trainer.global_step
        self._last_checkpoint_saved = filepath
        if trainer.is_global_zero:
            for logger in trainer.loggers:
                logger.after_save_checkpoint(proxy(self))


def best_checkpoint(trainer: pl.Trainer) -> BestCheckpoint | None:
    """What chooses the weights of a run; None: nothing does."""
    return next((callback for callback in trainer.callbacks if isinstance(callback, BestCheckpoint)), None)  # type: ignore[attr-defined]


def check_monitor(monitor: str, mode: str, types: Sequence[str]) -> None:
    """Refuse a metric that validation does not log, and a loss of which the largest would be the best.

    >>> check_monitor("val/f1/PER", "max", ["PER"])
    >>> check_monitor("val/loss", "max", ["PER"])
    Traceback (most recent call last):
    ner_lightning.errors.UserError: monitor=val/loss: the smaller the better; write callbacks.checkpoint.mode=min too
    """
    nothing = [[0, 0, 0]] * len(types)
    known = ["val/loss", *(f"val/{name}" for name in entity_scores(nothing, nothing, types))]
    if monitor not in known:
        raise UserError(f"monitor={monitor}: validation has no such metric, only {', '.join(known)}")
    if monitor == "val/loss" and mode == "max":
        raise UserError("monitor=val/loss: the smaller the better; write callbacks.checkpoint.mode=min too")


@rank_zero_only
def _copy(source: Path, target: Path) -> None:
    with draft(target) as path:
        shutil.copyfile(source, path)
