"""One given tag sequence per sentence: its moves, its score, and what is wrong with it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int
from torch import Tensor
from torch.nn.functional import pad

from ner_lightning.functional.crf.chain import Chain


def check_tags(tags: Int[Tensor, "batch words"], mask: Bool[Tensor, "batch words"], n_tags: int) -> None:
    """Refuse ids outside the tag set at real words (-100 among them); checks on the CPU only, where it is free.

    Padding may hold any id: nothing there is read, so 0 can be a tag like any other.

    Raises:
        ValueError: shapes that differ, tags that are no integers, or an id outside 0..n_tags - 1 under the mask.

    >>> check_tags(torch.tensor([[1, -100]]), torch.tensor([[True, True]]), 3)
    Traceback (most recent call last):
        ...
    ValueError: expected tags of 0 to 2 at each word, got -100 in row 0 at word 1; ...
    """
    if tags.shape != mask.shape:
        raise ValueError(f"expected tags of shape {tuple(mask.shape)}, got {tuple(tags.shape)}")
    if tags.is_floating_point() or tags.dtype == torch.bool:
        raise ValueError(f"expected tags as integers, got {tags.dtype}; pass ids, `tags.long()`")
    if tags.device.type != "cpu" or torch.compiler.is_compiling() or torch.jit.is_tracing():
        return
    ids = tags.numpy()
    wrong = (ids < 0) | (ids >= n_tags)
    if wrong.any() and (wrong := wrong & mask.numpy()).any():
        row, word = (int(where[0]) for where in wrong.nonzero())
        raise ValueError(
            f"expected tags of 0 to {n_tags - 1} at each word, got {ids[row, word]} in row {row} at word {word}; "
            "mask the word out, or say what it may be with `allowed`"
        )


class Path(NamedTuple):
    """One tag sequence per sentence through the closed chain, from boundary to boundary.

    Attributes:
        tags: the tag at positions 1, 2, ...: the words, then the boundary.
        moves: index of each move in the flattened table of moves.
        score: sum of its emissions and moves in nats; minus infinity for a forbidden path.
    """

    tags: Int[Tensor, "batch steps one"]
    moves: Int[Tensor, "batch steps one"]
    score: Float64[Tensor, batch]


def closed_path(chain: Chain, tags: Int[Tensor, "batch words"], mask: Bool[Tensor, "batch words"]) -> Path:
    """Add the boundary to the given tags, as in the chain; what stood at padding is overwritten.

    >>> from ner_lightning.functional.crf.chain import closed_chain
    >>> mask, tags = torch.tensor([[True, True, False]]), torch.tensor([[1, 0, -100]])
    >>> chain = closed_chain(torch.ones(1, 3, 2), mask, *torch.ones(2, 2), torch.zeros(2, 2))
    >>> path = closed_path(chain, tags, mask)
    >>> path.tags.flatten().tolist(), path.moves.flatten().tolist(), path.score.tolist()
    ([1, 0, 2, 2], [7, 3, 2, 8], [4.0])
    """
    boundary = len(chain.moves) - 1
    closed = pad(torch.where(mask, tags.long(), boundary), (1, 1), value=boundary)[..., None]
    after = closed[:, 1:]
    moves = torch.add(after, closed[:, :-1], alpha=len(chain.moves))
    scores = torch.cat([chain.emissions.gather(2, closed), chain.moves.take(moves)], dim=1)
    return Path(after, moves, scores.sum((1, 2)))


def legal_path(chain: Chain, tags: Int[Tensor, "batch words"], mask: Bool[Tensor, "batch words"]) -> Path:
    """Call `closed_path` and, on the CPU, refuse a path the constraints forbid: its loss would be infinite.

    Raises:
        ValueError: names the first forbidden path, and where it goes wrong.
    """
    path, moves = closed_path(chain, tags, mask), chain.moves
    if path.score.device.type != "cpu" or not np.isneginf(path.score.numpy()).any():
        return path
    row = int((path.score == -torch.inf).nonzero()[0])
    forbidden = moves.take(path.moves[row, :, 0]) == -torch.inf
    if not bool(forbidden.any()):
        return path  # an emission of minus infinity, not a constraint
    word = int(forbidden.nonzero()[0])
    before, after = divmod(int(path.moves[row, word, 0]), len(moves))
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
