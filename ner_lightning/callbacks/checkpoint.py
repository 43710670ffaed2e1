"""The best checkpoint of a run, even of a resumed one."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Literal

import pytorch_lightning as pl
from pytorch_lightning.utilities import rank_zero_only

from ner_lightning.callbacks import atomic_checkpoint
from ner_lightning.callbacks.averaging import averaged_weights
from ner_lightning.run.folder import BEST
from ner_lightning.storage.atomic import draft
from ner_lightning.vendors.lightning import ModelCheckpointByHand, callbacks_of, validate_now


class BestCheckpoint(ModelCheckpointByHand):
    """Keeps the weights of the best epoch as `best.ckpt`; `last.ckpt` is the one to resume from.

    A run that ends between two validations is validated once more at the end.

    A resumed run has a folder of its own. Lightning would then forget how good the best epoch was, and call the first
    one after resuming the best; here the best checkpoint so far is copied over together with its score.

    Args:
        dirpath: folder of the checkpoints.
        monitor: the metric that decides.
        mode: whether larger (`max`) or smaller (`min`) is better.
    """

    def __init__(self, dirpath: str, monitor: str, mode: Literal["max", "min"] = "max") -> None:
        super().__init__(
            dirpath=dirpath,
            filename=Path(BEST).stem,
            monitor=monitor,
            mode=mode,
            save_weights_only=True,
            save_on_train_epoch_end=False,  # but after validation has scored the weights
            auto_insert_metric_name=False,
            enable_version_counter=False,
        )

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note that nothing this process trains has been validated yet."""
        super().on_train_start(trainer, pl_module)
        self._judged = trainer.global_step

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Keep the weights if they are the best."""
        super().on_validation_end(trainer, pl_module)
        if not trainer.sanity_checking:
            self._judged = trainer.global_step

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Validate the last weights too, if the last step came after the last validation (`trainer.max_steps`)."""
        if trainer.global_step > self._judged:
            validate_now(trainer)
        super().on_train_end(trainer, pl_module)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from the best checkpoint of the resumed run, if it is still there."""
        before, here = Path(state_dict["best_model_path"]), Path(str(self.dirpath), BEST)
        if before != here and before.is_file():
            _copy(before, here)
            best, score = str(here), state_dict["best_model_score"]
            moved = {"best_model_path": best, "kth_best_model_path": best, "best_k_models": {best: score}}
            super().load_state_dict({**state_dict, **moved, "dirpath": self.dirpath})
        elif before == here and here.is_file():
            super().load_state_dict(state_dict)

    def write(self, trainer: pl.Trainer, filepath: str) -> None:
        """Write the weights in one piece."""
        with averaged_weights(trainer):  # those that validation has judged
            atomic_checkpoint.save_checkpoint(trainer, filepath, weights_only=True)


def best_checkpoint(trainer: pl.Trainer) -> BestCheckpoint | None:
    """Find the callback that chooses the weights of a run; None if there is none."""
    return next(iter(callbacks_of(trainer, BestCheckpoint)), None)


@rank_zero_only
def _copy(source: Path, target: Path) -> None:
    with draft(target) as path:
        shutil.copyfile(source, path)
