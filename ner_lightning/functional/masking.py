"""Which words are real."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor


def check_mask(mask: Bool[Tensor, "batch words"]) -> None:
    """Refuse a mask with a hole or an empty row; looks only where looking is free, on the CPU.

    A hole makes a CRF pay for a transition between words that are not neighbours: plausible and wrong.

    Raises:
        ValueError: a row that is not some True followed by nothing but False.

    >>> check_mask(torch.tensor([[True, False, True]]))
    Traceback (most recent call last):
        ...
    ValueError: expected a right-padded mask (True for each word, then False), row 0 has a hole at position 1; ...
    """
    if mask.dtype != torch.bool:
        raise ValueError(f"expected a bool mask, got {mask.dtype}; pass `mask.bool()`")
    if mask.device.type != "cpu" or torch.compiler.is_compiling() or torch.jit.is_tracing():
        return
    rows = mask.numpy()
    if rows.shape[1] == 0 or not rows[:, 0].all():
        raise ValueError(
            f"expected at least one word in each sentence, row {int(rows.sum(1).argmin())} has none; drop it"
        )
    holes = rows[:, 1:] > rows[:, :-1]
    if holes.any():
        row, before = (int(where[0]) for where in holes.nonzero())
        hole = int(rows[row].argmin())
        raise ValueError(
            f"expected a right-padded mask (True for each word, then False), row {row} has a hole at position {hole}; "
            f"pass one position a word, not one a subword (found True again at {before + 1})"
        )


def check_numbers(emissions: Float[Tensor, "batch words tags"], mask: Bool[Tensor, "batch words"]) -> None:
    """Refuse NaN at real words; looks only where looking is free, on the CPU. Elsewhere scores and losses are NaN.

    Raises:
        ValueError: the first word that has one.

    >>> check_numbers(torch.tensor([[[0.0, torch.nan]]]), torch.tensor([[True]]))
    Traceback (most recent call last):
        ...
    ValueError: expected scores that are numbers, got NaN in row 0 at word 0; ...
    """
    if emissions.device.type != "cpu" or torch.compiler.is_compiling() or torch.jit.is_tracing():
        return
    # One number stands for all; infinities of both signs may make it NaN, too, and are looked at again.
    if not np.isnan(emissions.detach().sum(dtype=torch.float64).numpy()):
        return
    wrong = emissions.detach().isnan().any(2) & mask
    if wrong.any():
        row, word = (int(place) for place in wrong.nonzero()[0])
        raise ValueError(
            f"expected scores that are numbers, got NaN in row {row} at word {word}; the model's weights are most "
            "likely NaN: look in metrics.csv for the step at which train/loss became NaN, and lower the learning rate "
            "or train with trainer.precision=32-true"
        )
