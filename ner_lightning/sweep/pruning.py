"""A callback that ends a run of a search that falls behind the others."""

from __future__ import annotations

import math

import pytorch_lightning as pl

from ner_lightning.errors import Pruned
from ner_lightning.sweep.study import Pruner, StudyFile
from ner_lightning.vendors.optuna import trial_of


class Pruning(pl.Callback):
    """Reports the monitored metric after every epoch to an Optuna study, and ends the run when its pruner says so.

    The search itself sets it, for each of its runs.

    Args:
        path: the study's journal.
        study: name of the study.
        trial: number of this run's trial.
        monitor: the metric.
        mode: `max` or `min`: which values are good.
        pruner: `median`, `halving` or `none`.
        warmup: epochs before a run may be pruned.
        startup: trials that are never pruned.

    Raises:
        Pruned: after an epoch, on every rank.
    """

    def __init__(
        self,
        path: str,
        study: str,
        trial: int,
        monitor: str,
        mode: str,
        pruner: Pruner = "median",
        warmup: int = 1,
        startup: int = 5,
    ) -> None:
        self.file = StudyFile(path, study, mode, pruner, warmup, startup)
        self.trial, self.monitor = trial, monitor

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Report the metric, and end the run if it is among the worse."""
        if trainer.state.fn != "fit" or trainer.sanity_checking:
            return
        verdict = False
        if trainer.is_global_zero:
            verdict = self._is_behind(trainer.current_epoch, float(trainer.callback_metrics[self.monitor]))
        if trainer.strategy.broadcast(verdict):
            raise Pruned(f"Pruned after epoch {trainer.current_epoch + 1}: worse than other trials at this epoch.")

    def _is_behind(self, epoch: int, value: float) -> bool:
        study = self.file.open()
        frozen = study.get_trials(deepcopy=False)[self.trial]
        trial = trial_of(study, self.trial)
        if epoch not in frozen.intermediate_values and math.isfinite(value):  # a resumed run comes here again
            trial.report(value, epoch)
        return trial.should_prune()
