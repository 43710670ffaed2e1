"""What every CRF function starts from: checked, masked scores in float64, or a clear error."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor

from ner_lightning.functional.constraints import Constraints, side_by_side
from ner_lightning.functional.masking import check_mask


class Potentials(NamedTuple):
    """Scores in nats, as the kernels of functional/crf_torch.py take them.

    Attributes:
        emissions: zero behind each sentence's last word (see `copy`), minus infinity where a tag is not allowed.
        lengths: words of each sentence.
        moves: start, end and transition scores side by side, minus infinity where forbidden.
        guard: whether anything is known to be forbidden.
    """

    emissions: Float[Tensor, "batch words tags"]
    lengths: Int[Tensor, "batch"]
    moves: Float64[Tensor, "moves"]
    guard: bool


def check_shapes(
    emissions: Float[Tensor, "batch words tags"],
    mask: Bool[Tensor, "batch words"],
    transitions: Float[Tensor, "tags tags"],
) -> None:
    """Refuse tensors that do not fit together.

    Raises:
        ValueError: emissions of another rank, another number of tags, a mask of another shape or with holes.

    >>> check_shapes(torch.zeros(1, 2, 3), torch.ones(1, 2, dtype=torch.bool), torch.zeros(4, 4))
    Traceback (most recent call last):
        ...
    ValueError: expected emissions [batch, words, 4 tags], got shape (1, 2, 3)
    """
    if emissions.dim() != 3 or emissions.shape[2] != transitions.shape[0]:
        raise ValueError(
            f"expected emissions [batch, words, {transitions.shape[0]} tags], got shape {tuple(emissions.shape)}"
        )
    if mask.shape != emissions.shape[:2]:
        raise ValueError(f"expected a mask of shape {tuple(emissions.shape[:2])}, got {tuple(mask.shape)}")
    check_mask(mask)


def potentials(
    emissions: Float[Tensor, "batch words tags"],
    mask: Bool[Tensor, "batch words"],
    start: Float[Tensor, "tags"],
    end: Float[Tensor, "tags"],
    transitions: Float[Tensor, "tags tags"],
    constraints: Constraints | None = None,
    allowed: Bool[Tensor, "batch words tags"] | None = None,
    copy: bool = True,
) -> Potentials:
    """Check the arguments and bring them into the form the kernels want.

    Args:
        emissions: score of each tag for each word; anything, NaN included, at padding.
        mask: True for each word, right-padded.
        start: score of beginning with a tag.
        end: score of ending with a tag.
        transitions: score of tag i followed by tag j at [i, j].
        constraints: legal moves; all if None.
        allowed: tags each word may have; all if None.
        copy: False leaves the emissions in float32 and their padding as it is: compiled kernels do not read it.

    Raises:
        ValueError: as in `check_shapes`.

    >>> potentials(torch.ones(1, 2, 1), torch.tensor([[True, False]]), *torch.zeros(2, 1), torch.zeros(1, 1)).emissions
    tensor([[[1.],
             [0.]]], dtype=torch.float64)
    """
    check_shapes(emissions, mask, transitions)
    scores = emissions.double() if copy else emissions.to(torch.promote_types(emissions.dtype, torch.float32))
    if allowed is not None:
        scores = scores.masked_fill(~allowed, -torch.inf)
    if copy:
        scores = scores.masked_fill(~mask[..., None], 0.0)
    moves = side_by_side(start, end, transitions, constraints).double()
    return Potentials(scores, mask.sum(1), moves, constraints is not None or allowed is not None)
