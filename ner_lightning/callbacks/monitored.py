"""Report a monitored metric that will not exist: before the first step if that is certain, else when it is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import EarlyStopping
from pytorch_lightning.utilities import rank_zero_warn

from ner_lightning.callbacks.checkpoint import BestCheckpoint, best_checkpoint
from ner_lightning.errors import UserError
from ner_lightning.metrics.scores import entity_scores
from ner_lightning.run.metric_keys import OF_TYPES, read_key
from ner_lightning.vendors.lightning import callbacks_of, data_of

if TYPE_CHECKING:
    from ner_lightning.task.tagging import TaggingTask

PREFIX = "val/"
LOSSES = ("val/loss", "train/loss")
OURS = {"ner_lightning", "pytorch_lightning", "lightning_fabric"}
LIKENESS = 0.75
"""A name at least this similar to a known one (the ratio of `difflib`) is taken for a typing error."""


class MonitorCheck(pl.Callback):
    """Stops a run whose best weights could never be chosen, and warns if they are chosen by NaN.

    Any metric that is logged by the end of a validation may be monitored, including those of the user's own callbacks.
    This callback must come before those that monitor, whose own errors would otherwise come first.

    Raises:
        UserError: before the first step, for a misspelt known name that nobody else's code may log, or if the largest
            loss would be the best; after the first validation, for a metric that it did not log.
    """

    def __init__(self) -> None:
        self._has_looked = self._has_warned = False

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Check the names."""
        if stage == "fit":
            known = metrics_of_validation(trainer, pl_module)
            task: Any = pl_module
            families = [f"{PREFIX}{name}_" for name in task.metric_names]  # of a metric that computes a dict
            guess = not may_log_more(trainer, pl_module)
            for callback in monitoring(trainer):
                check_name(str(callback.monitor), known, families, guess=guess)
                check_mode(str(callback.monitor), callback.mode)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Check what was logged; nothing can be logged after this."""
        chooser = best_checkpoint(trainer)
        if not chooser or trainer.state.fn != "fit" or trainer.sanity_checking:
            return
        monitor, logged = str(chooser.monitor), trainer.callback_metrics
        # What stops early may go by a metric of training, which comes later; Lightning asks for it then.
        if not self._has_looked and monitor not in logged:
            raise UserError(_never_logged(monitor, logged))
        self._has_looked = True
        if not self._has_warned and monitor in logged and logged[monitor].isnan():
            self._has_warned = True
            rank_zero_warn(
                f"monitor={monitor}: is NaN after epoch {trainer.current_epoch + 1}. NaN counts as worse than any "
                "number; if it never is one, best.ckpt holds the weights of the first validation"
            )


def monitoring(trainer: pl.Trainer) -> Iterator[BestCheckpoint | EarlyStopping]:
    """Yield the callbacks that choose weights or stop early by a metric."""
    return (one for one in callbacks_of(trainer, pl.Callback) if isinstance(one, BestCheckpoint | EarlyStopping))


def metrics_of_validation(trainer: pl.Trainer, task: Any) -> list[str]:
    """List the metrics that validation is known to log."""
    known: TaggingTask = task
    data = data_of(trainer)
    types = known.val_metric.tags.types
    nothing = [[0, 0, 0]] * len(types)
    of_sources = [f"{source}/{score}" for source in data.sources.names for score in OF_TYPES]
    own = ("loss", *entity_scores(nothing, nothing, types), *of_sources, *known.metric_names)
    return [f"{PREFIX}{name}" for name in own]


def may_log_more(trainer: pl.Trainer, task: pl.LightningModule) -> bool:
    """Tell whether a callback or the task is of a package that is neither ours nor Lightning's."""
    packages = {type(one).__module__.partition(".")[0] for one in (task, *callbacks_of(trainer, pl.Callback))}
    return not packages <= OURS


def check_name(monitor: str, known: Sequence[str], families: Sequence[str] = (), *, guess: bool = True) -> None:
    """Refuse a score of an unknown entity type, and a name that looks like a misspelt known metric.

    Args:
        monitor: name of a metric; one that resembles no known name may come from any callback, and passes.
        known: names of known metrics.
        families: beginnings of names that a metric with a dict may log.
        guess: take a name that resembles a known one for a misspelling.

    >>> check_name("val/f1/PER", ["val/f1", "val/f1/PER"])
    >>> check_name("val/spelling", ["val/f1", "val/f1/PER"])
    >>> check_name("val/f2", ["val/f1", "val/f1/PER"])
    Traceback (most recent call last):
    ner_lightning.errors.UserError: monitor=val/f2: validation has no such metric; did you mean val/f1
    """
    if monitor in known or monitor.startswith(tuple(families)):
        return
    if monitor.startswith(PREFIX) and read_key(monitor.removeprefix(PREFIX)).entity_type is not None:
        types = [read_key(name.removeprefix(PREFIX)).entity_type for name in known if name.startswith(f"{PREFIX}f1/")]
        raise UserError(
            f"monitor={monitor}: validation has no such metric; the entity types are {', '.join(map(str, types))}"
        )
    if guess and (match := get_close_matches(monitor, known, 1, LIKENESS)):
        raise UserError(f"monitor={monitor}: validation has no such metric; did you mean {match[0]}")


def check_mode(monitor: str, mode: str) -> None:
    """Refuse to take the largest loss for the best.

    >>> check_mode("val/loss", "max")
    Traceback (most recent call last):
    ner_lightning.errors.UserError: monitor=val/loss: the smaller the better; write callbacks.checkpoint.mode=min too
    """
    if monitor in LOSSES and mode == "max":
        raise UserError(f"monitor={monitor}: the smaller the better; write callbacks.checkpoint.mode=min too")


def _never_logged(monitor: str, logged: Iterable[str]) -> str:
    names = [name for name in logged if read_key(name.removeprefix(PREFIX)).entity_type is None]
    match = get_close_matches(monitor, names, 1, LIKENESS)
    meant = f"; did you mean {match[0]}" if match else ""
    return (
        f"monitor={monitor}: the first validation did not log it{meant}. It logged {', '.join(sorted(names))}, and "
        "scores of entity types; log one of your own during validation, in on_validation_epoch_end at the latest"
    )
