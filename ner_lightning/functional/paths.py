"""One given tag sequence for each sentence: its moves, its score, and what is wrong with it."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor
from torch.nn.functional import pad


def check_tags(tags: Int[Tensor, "batch words"], mask: Bool[Tensor, "batch words"], n_tags: int) -> None:
    """Refuse ids outside the tag set at real words (-100 among them); looks only where looking is free, on the CPU.

    Padding may hold any id: nothing there is read, so 0 can be a tag like any other.

    Raises:
        ValueError: shapes that differ, or an id outside 0..n_tags - 1 under the mask.

    >>> check_tags(torch.tensor([[1, -100]]), torch.tensor([[True, True]]), 3)
    Traceback (most recent call last):
        ...
    ValueError: expected tags of 0 to 2 at each word, got -100 in row 0 at word 1; ...
    """
    if tags.shape != mask.shape:
        raise ValueError(f"expected tags of shape {tuple(mask.shape)}, got {tuple(tags.shape)}")
    if tags.device.type != "cpu" or torch.compiler.is_compiling() or torch.jit.is_tracing():
        return
    ids = tags.numpy()
    wrong = mask.numpy() & ((ids < 0) | (ids >= n_tags))
    if wrong.any():
        row, word = (int(where[0]) for where in wrong.nonzero())
        raise ValueError(
            f"expected tags of 0 to {n_tags - 1} at each word, got {ids[row, word]} in row {row} at word {word}; "
            "mask the word out, or say what it may be with `allowed`"
        )


def path_moves(
    tags: Int[Tensor, "batch words"], padding: Bool[Tensor, "batch words"], n_tags: int
) -> Int[Tensor, "batch moves"]:
    """Where the moves of each path stand in the table of `closed_moves`, flattened, from the boundary to the boundary.

    >>> path_moves(torch.tensor([[1, 0, -100]]), torch.tensor([[False, False, True]]), 2).tolist()
    [[7, 3, 2, 8]]
    """
    closed = pad(tags.masked_fill(padding, n_tags), (1, 1), value=n_tags)
    return torch.add(closed[:, 1:], closed[:, :-1], alpha=n_tags + 1)


def path_score(
    emissions: Float[Tensor, "batch words tags"],
    moves: Float[Tensor, "closed closed"],
    tags: Int[Tensor, "batch words one"],
    padding: Bool[Tensor, "batch words one"],
    path: Int[Tensor, "batch moves"],
) -> Float64[Tensor, batch]:
    """Sum of a path's emissions and moves in nats; tags are valid ids everywhere.

    >>> padding, tags = torch.tensor([[False]]), torch.tensor([[0]])
    >>> moves, path = torch.tensor([[0.0, 0.5], [0.25, 0.0]]), path_moves(tags, padding, 1)
    >>> path_score(torch.tensor([[[5.0]]]), moves, tags[..., None], padding[..., None], path)
    tensor([5.7500], dtype=torch.float64)
    """
    words = emissions.gather(2, tags).masked_fill(padding, 0.0)
    return words.sum((1, 2), dtype=torch.float64) + moves.take(path).sum(1, dtype=torch.float64)


def check_legal(
    scores: Float64[Tensor, batch],
    moves: Float[Tensor, "closed closed"],
    path: Int[Tensor, "batch moves"],
) -> None:
    """Refuse a given path that the constraints forbid: its loss would be infinite. Looks only on the CPU.

    Raises:
        ValueError: the first forbidden path, where it goes wrong.
    """
    if scores.device.type != "cpu" or not np.isneginf(scores.numpy()).any():
        return
    row = int((scores == -torch.inf).nonzero()[0])
    forbidden = moves.take(path[row]) == -torch.inf
    if not bool(forbidden.any()):
        return  # an emission of minus infinity, not a constraint
    word = int(forbidden.nonzero()[0])
    before, after = divmod(int(path[row, word]), len(moves))
    boundary = len(moves) - 1
    if before == boundary:
        what = f"begins with tag {after}"
    elif after == boundary:
        what = f"ends with tag {before}"
    else:
        what = f"has tag {after} after tag {before} at word {word}"
    raise ValueError(
        f"expected gold tags that the constraints allow, row {row} {what}; "
        "encode its spans again with the model's tag set, or use constrain='decode'"
    )
