"""Averages of weights (`callbacks=ema`): what Lightning's callbacks leave to whoever saves and scores them.

They validate the average, and put it into a checkpoint to resume from. Into a checkpoint of weights alone Lightning
puts the weights of the last step, which nobody has judged; and in a validation after the fit it puts the last average
in the place of the weights that were just loaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytorch_lightning as pl
from pytorch_lightning.callbacks import WeightAveraging

from ner_lightning.errors import UserError
from ner_lightning.vendors.lightning import callbacks_of, forget_average, has_average, swap_weights

SHARDING = ("fsdp", "deepspeed")


def check_strategy(callbacks: Iterable[pl.Callback], strategy: object) -> None:
    """Refuse averages of weights that are spread over processes: each would average its part of a copy.

    Raises:
        UserError: with what to do.
    """
    if str(strategy).startswith(SHARDING) and any(isinstance(one, WeightAveraging) for one in callbacks):
        raise UserError(
            f"trainer.strategy={strategy}: weights that are spread over processes are not averaged; take trainer=ddp, "
            "or leave the average (callbacks=ema) out"
        )


@contextmanager
def averaged_weights(trainer: pl.Trainer) -> Iterator[None]:
    """Put the average of the weights, if there is one, in their place, and back."""
    averages = list(_averages(trainer))
    for average in averages:
        swap_weights(average, trainer)
    try:
        yield
    finally:
        for average in averages:
            swap_weights(average, trainer)


def forget_averages(trainer: pl.Trainer) -> None:
    """Let what is scored from now on be the weights that are loaded for it."""
    for average in _averages(trainer):
        forget_average(average)


def _averages(trainer: pl.Trainer) -> Iterator[WeightAveraging]:
    """Yield the callbacks that average, in a fit."""
    return (average for average in callbacks_of(trainer, WeightAveraging) if has_average(average))
