"""Private or undeclared parts of Lightning that we use nevertheless."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar
from weakref import proxy

import pytorch_lightning as pl
from lightning_fabric.loggers.csv_logs import rank_zero_experiment as rank_zero_experiment
from pytorch_lightning.callbacks import ModelCheckpoint, WeightAveraging
from pytorch_lightning.loggers import CSVLogger
from pytorch_lightning.loggers.csv_logs import ExperimentWriter

if TYPE_CHECKING:
    from ner_lightning.data.datamodule import CorpusDataModule

C = TypeVar("C", bound=pl.Callback)


def data_of(trainer: pl.Trainer) -> CorpusDataModule:
    """Return the data module that a trainer has been given."""
    return trainer.datamodule  # type: ignore[attr-defined]


def callbacks_of(trainer: pl.Trainer, kind: type[C]) -> list[C]:
    """Return the callbacks of a trainer that are of a class."""
    return [callback for callback in trainer.callbacks if isinstance(callback, kind)]  # type: ignore[attr-defined]


def is_gathering(trainer: pl.Trainer) -> bool:
    """Tell whether the gradient of an optimiser step is still being accumulated."""
    return trainer.fit_loop._should_accumulate()


def will_validate(trainer: pl.Trainer) -> bool:
    """Tell whether a validation follows the batch that has just been trained on."""
    loop: Any = trainer.fit_loop
    return loop.epoch_loop._should_check_val_fx(loop._data_fetcher)


def has_read_epoch(trainer: pl.Trainer) -> bool:
    """Tell whether all batches of an epoch have been read."""
    return trainer.fit_loop.epoch_loop._num_ready_batches_reached()


def validate_now(trainer: pl.Trainer) -> None:
    """Validate inside a fit, after its last step."""
    trainer.validating = True
    trainer.fit_loop.epoch_loop.val_loop.run()
    trainer.training = True


def begin_next_epoch(trainer: pl.Trainer) -> None:
    """Let a run that was saved after an epoch begin the next one.

    With `max_steps`, Lightning mistakes such a checkpoint for one from the middle of the epoch, and ends the epoch
    again.
    """
    loop: Any = trainer.fit_loop
    current, total = loop.epoch_progress.current, loop.epoch_progress.total
    if current.ready == current.processed:
        current.completed, total.completed = current.processed, total.processed
        loop.reset_restart_stage()
        loop._restarting = False
        loop.epoch_loop.restarting = False


def has_average(average: WeightAveraging) -> bool:
    """Tell whether a callback has an average of weights, as it does during a fit."""
    return average._average_model is not None


def forget_average(average: WeightAveraging) -> None:
    """Make a callback drop its average of weights, so that it is not used from now on."""
    average._average_model = None


def swap_weights(average: WeightAveraging, trainer: pl.Trainer) -> None:
    """Exchange the weights of a model and their average."""
    average._swap_models(trainer.lightning_module)


class ModelCheckpointByHand(ModelCheckpoint):
    """Lightning's checkpoint of the best weights, whose files a subclass writes."""

    def write(self, trainer: pl.Trainer, filepath: str) -> None:
        """Write a checkpoint; every rank takes part."""
        raise NotImplementedError

    def _save_checkpoint(self, trainer: pl.Trainer, filepath: str) -> None:
        self.write(trainer, filepath)
        self._last_global_step_saved = trainer.global_step
        self._last_checkpoint_saved = filepath
        if trainer.is_global_zero:
            for logger in trainer.loggers:
                logger.after_save_checkpoint(proxy(self))


class CurveLogger(CSVLogger):
    """Lightning's CSV logger, whose writer a subclass makes."""

    def make_writer(self) -> CurveWriter:
        """Make the writer of the file."""
        raise NotImplementedError

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """The writer of the file."""
        if self._experiment is None:
            self._experiment = self.make_writer()
        return self._experiment


class CurveWriter(ExperimentWriter):
    """Lightning's writer of a CSV file; a subclass reads what the file has already, and adds columns."""

    def begin(self) -> None:
        """Look at what is in the folder, before the first row."""
        raise NotImplementedError

    def widen(self, columns: list[str]) -> None:
        """Rewrite the file with columns that it did not have."""
        raise NotImplementedError

    def _check_log_dir_exists(self) -> None:
        self.begin()

    def _rewrite_with_new_header(self, fieldnames: list[str]) -> None:
        self.widen(fieldnames)
