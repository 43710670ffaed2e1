"""Legal moves between tags, as booleans: a forbidden move scores minus infinity and has no gradient."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor


class Constraints(NamedTuple):
    """What a tag sequence may do: follow tag i with tag j, begin with a tag, end with a tag."""

    transitions: Bool[Tensor, "tags tags"]
    start: Bool[Tensor, "tags"]
    end: Bool[Tensor, "tags"]


def side_by_side(
    start: Float[Tensor, "tags"],
    end: Float[Tensor, "tags"],
    transitions: Float[Tensor, "tags tags"],
    constraints: Constraints | None = None,
) -> Float[Tensor, "moves"]:
    """All scores of moves in one vector (start, end, then the rows of transitions), minus infinity where forbidden.

    One vector, because each operation on three small tensors costs three launches.

    >>> eye = torch.eye(2)
    >>> side_by_side(torch.zeros(2), torch.ones(2), eye, Constraints(eye == 0, eye[0] >= 0, eye[0] >= 0))
    tensor([0., 0., 1., 1., -inf, 0., 0., -inf])
    """
    moves = torch.cat([start, end, transitions.reshape(-1)])
    if constraints is None:
        return moves
    allowed = torch.cat([constraints.start, constraints.end, constraints.transitions.reshape(-1)])
    return moves.masked_fill(~allowed, -torch.inf)


def split_moves(
    moves: Float[Tensor, "moves"], tags: int
) -> tuple[Float[Tensor, "tags"], Float[Tensor, "tags"], Float[Tensor, "tags tags"]]:
    """Start, end and transition scores out of what `side_by_side` made.

    >>> [part.tolist() for part in split_moves(torch.arange(3.0), 1)]
    [[0.0], [1.0], [[2.0]]]
    """
    start, end, transitions = moves.split([tags, tags, tags * tags])
    return start, end, transitions.view(tags, tags)
