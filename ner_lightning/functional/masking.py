"""Which words are real."""

from __future__ import annotations

import torch
from jaxtyping import Bool
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
