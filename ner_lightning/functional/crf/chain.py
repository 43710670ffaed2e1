"""The closed chain: one extra tag, the boundary, makes sentences of all lengths sequences of one length.

The boundary stands before the first word, after the last, and at all padding; no word may have it. Starting is then a
move from the boundary, ending is a move to it, and a move from boundary to boundary costs nothing. Recursions over the
chain need neither lengths nor masks, and run backwards just as they run forwards.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Shaped
from torch import Tensor
from torch.nn.functional import pad


class Chain(NamedTuple):
    """Scores of a batch in nats. `positions` is words + 2; `closed` is tags + 1, the boundary being the last tag.

    Attributes:
        emissions: score of each tag at each position, minus infinity where it cannot stand.
        moves: score of tag i followed by tag j at [i, j], minus infinity where forbidden.
        guard: whether a move or a word's tag is known to be forbidden.
    """

    emissions: Float[Tensor, "batch positions closed"]
    moves: Float[Tensor, "closed closed"]
    guard: bool


def closed_moves(
    start: Shaped[Tensor, tags], end: Shaped[Tensor, tags], transitions: Shaped[Tensor, "tags tags"]
) -> Shaped[Tensor, "closed closed"]:
    """Put all moves in one table: transitions, start as the last row, end as the last column, 0 in the corner.

    Tables of booleans (legal moves) work as well; their corner is True.

    >>> closed_moves(torch.tensor([1.0]), torch.tensor([2.0]), torch.tensor([[3.0]]))
    tensor([[3., 2.],
            [1., 0.]])
    """
    stay = 1.0 if start.dtype == torch.bool else 0.0
    return torch.cat([torch.cat([transitions, start[None]]), pad(end, (0, 1), value=stay)[:, None]], dim=1)


def scored_moves(
    start: Float[Tensor, tags],
    end: Float[Tensor, tags],
    transitions: Float[Tensor, "tags tags"],
    legal: Bool[Tensor, "closed closed"] | None,
) -> Float[Tensor, "closed closed"]:
    """Build the table of moves with minus infinity where illegal: unlike -10000, that leaves no gradient.

    >>> legal = torch.tensor([[False, True], [True, True]])
    >>> scored_moves(torch.tensor([1.0]), torch.tensor([2.0]), torch.tensor([[3.0]]), legal)
    tensor([[-inf, 2.],
            [1., 0.]])
    """
    moves = closed_moves(start, end, transitions)
    return moves if legal is None else torch.where(legal, moves, -torch.inf)


def check_shapes(
    emissions: Shaped[Tensor, "..."],
    mask: Shaped[Tensor, "..."],
    start: Shaped[Tensor, "..."],
    end: Shaped[Tensor, "..."],
    transitions: Shaped[Tensor, "..."],
) -> None:
    """Refuse tensors that do not fit together, outside of which a compiled kernel would read; `check_mask` does more.

    Raises:
        ValueError: emissions of another rank, another number of tags (or none), a mask of another shape.

    >>> check_shapes(torch.zeros(1, 2, 3), torch.ones(1, 2, dtype=torch.bool), *torch.zeros(2, 4), torch.zeros(4, 4))
    Traceback (most recent call last):
        ...
    ValueError: expected emissions [batch, words, 4 tags], got shape (1, 2, 3)
    """
    tags, shape = len(transitions), tuple(emissions.shape)
    if len(shape) != 3 or shape[2] != tags or not tags:
        raise ValueError(f"expected emissions [batch, words, {tags or 'some'} tags], got shape {shape}")
    expected = {"a mask": shape[:2], "start": (tags,), "end": (tags,), "transitions": (tags, tags)}
    for (name, wanted), found in zip(expected.items(), (mask, start, end, transitions), strict=True):
        if found.shape != wanted:
            raise ValueError(f"expected {name} of shape {wanted}, got {tuple(found.shape)}")


def closed_emissions(
    emissions: Float[Tensor, "batch words tags"],
    mask: Bool[Tensor, "batch words"],
    allowed: Bool[Tensor, "batch words tags"] | None = None,
    dtype: torch.dtype | None = None,
) -> Float[Tensor, "batch positions closed"]:
    """Add the boundary to the emissions, in `dtype` or their own; padding, NaN included, is overwritten.

    >>> closed_emissions(torch.tensor([[[5.0], [torch.nan]]]), torch.tensor([[True, False]])).tolist()
    [[[-inf, 0.0], [5.0, -inf], [-inf, 0.0], [-inf, 0.0]]]
    """
    if allowed is not None:
        emissions = emissions.masked_fill(~allowed, -torch.inf)
    boundary = pad(emissions.new_zeros(1, dtype=dtype), (emissions.shape[2], 0), value=-torch.inf)
    # The wider of the two types wins: no copy of the emissions in `dtype` beforehand.
    return torch.where(pad(mask, (1, 1))[..., None], pad(emissions, (0, 1, 1, 1), value=-torch.inf), boundary)


def closed_chain(
    emissions: Float[Tensor, "batch words tags"],
    mask: Bool[Tensor, "batch words"],
    start: Float[Tensor, tags],
    end: Float[Tensor, tags],
    transitions: Float[Tensor, "tags tags"],
    legal: Bool[Tensor, "closed closed"] | None = None,
    allowed: Bool[Tensor, "batch words tags"] | None = None,
) -> Chain:
    """Check the arguments (as of `loss.log_partition`) and build the chain that the recursions run over.

    Scores are float64 from here on.

    Raises:
        ValueError: as in `check_shapes`, or a mask with holes (CPU).

    >>> closed_chain(torch.ones(1, 1, 1), torch.tensor([[True]]), *torch.zeros(2, 1), torch.zeros(1, 1)).emissions
    tensor([[[-inf, 0.],
             [1., -inf],
             [-inf, 0.]]], dtype=torch.float64)
    """
    check_shapes(emissions, mask, start, end, transitions)
    check_mask(mask)
    scores: Float64[Tensor, "batch positions closed"] = closed_emissions(emissions, mask, allowed, torch.float64)
    moves = scored_moves(start, end, transitions, legal).double()
    return Chain(scores, moves, legal is not None or allowed is not None)


def check_mask(mask: Bool[Tensor, "batch words"]) -> None:
    """Refuse a mask with a hole or an empty row; checks on the CPU only, where looking costs nothing.

    With a hole, a CRF scores a transition between words that are not neighbours: plausible, and wrong.

    Raises:
        ValueError: a row that is not one or more True followed by nothing but False.

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
    """Refuse NaN at real words; checks on the CPU only. On other devices scores and losses become NaN.

    Raises:
        ValueError: the first word that has one.

    >>> check_numbers(torch.tensor([[[0.0, torch.nan]]]), torch.tensor([[True]]))
    Traceback (most recent call last):
        ...
    ValueError: expected scores that are numbers, got NaN in row 0 at word 0; ...
    """
    if emissions.device.type != "cpu" or torch.compiler.is_compiling() or torch.jit.is_tracing():
        return
    # The sum stands for all numbers. Infinities of both signs may make it NaN too, so a NaN is looked at again.
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
