"""One given tag sequence for each sentence: its moves, its score, and what is wrong with it."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor


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
    tags: Int[Tensor, "batch words"], lengths: Int[Tensor, "batch"], mask: Bool[Tensor, "batch words"], n_tags: int
) -> Int[Tensor, "batch moves"]:
    """Where the scores of a path's moves stand in the vector that `side_by_side` made; one past its end at padding.

    >>> path_moves(torch.tensor([[1, 0, 0]]), torch.tensor([2]), torch.tensor([[True, True, False]]), 2).tolist()
    [[1, 6, 8, 2]]
    """
    pairs = tags[:, :-1] * n_tags + tags[:, 1:] + 2 * n_tags
    pairs = pairs.masked_fill(~mask[:, 1:], n_tags * (n_tags + 2))
    return torch.cat([tags[:, :1], pairs, tags.gather(1, lengths[:, None] - 1) + n_tags], dim=1)


def path_score(
    emissions: Float[Tensor, "batch words tags"],
    moves: Float64[Tensor, "moves"],
    tags: Int[Tensor, "batch words"],
    mask: Bool[Tensor, "batch words"],
    path: Int[Tensor, "batch moves"],
) -> Float64[Tensor, "batch"]:
    """Sum of a path's emissions and moves in nats; tags are valid ids everywhere.

    >>> mask, tags, lengths = torch.tensor([[True]]), torch.tensor([[0]]), torch.tensor([1])
    >>> path = path_moves(tags, lengths, mask, 1)
    >>> path_score(torch.tensor([[[5.0]]]), torch.tensor([0.25, 0.5, 0.0], dtype=torch.float64), tags, mask, path)
    tensor([5.7500], dtype=torch.float64)
    """
    here = torch.where(mask, emissions.gather(2, tags[..., None]).squeeze(2), 0.0)
    return here.sum(1, dtype=torch.float64) + torch.cat([moves, moves.new_zeros(1)])[path].sum(1)


def check_legal(
    scores: Float64[Tensor, "batch"],
    tags: Int[Tensor, "batch words"],
    lengths: Int[Tensor, "batch"],
    path: Int[Tensor, "batch moves"],
    moves: Float64[Tensor, "moves"],
) -> None:
    """Refuse a given path that the constraints forbid: its loss would be infinite. Looks only on the CPU.

    Raises:
        ValueError: the first forbidden path, where it goes wrong.
    """
    if scores.device.type != "cpu" or not bool((scores == -torch.inf).any()):
        return
    row = int((scores == -torch.inf).nonzero()[0])
    given = tags[row, : int(lengths[row])].tolist()
    forbidden = torch.cat([moves, moves.new_zeros(1)])[path[row]] == -torch.inf
    if not bool(forbidden.any()):
        return  # an emission of minus infinity, not a constraint
    step = int(forbidden.nonzero()[0])
    if step == 0:
        what = f"begins with tag {given[0]}"
    elif step < len(given):
        what = f"has tag {given[step]} after tag {given[step - 1]} at word {step}"
    else:
        what = f"ends with tag {given[-1]}"
    raise ValueError(
        f"expected gold tags that the constraints allow, row {row} {what}; "
        "encode its spans again with the model's tag set, or use constrain='decode'"
    )
