"""Packed attention with dropout on a CPU: sentences of similar length together, in one node of the graph.

torch's scaled_dot_product_attention has no CPU kernel with dropout: a call is split into some fifty small operations,
forward and backward, and a packed batch needs a call per length. Here a batch of 32 sentences makes eight groups of a
dozen operations. Within a group the shorter sentences are padded, for attention only.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


class RowGroup(NamedTuple):
    """Sentences that attend side by side, each in a row as long as the longest.

    Attributes:
        gather: for each place of the rows, a row of `[total · heads, size]`; arbitrary at padding.
        scatter: for each subword and head of the group, its place among `[rows · heads · longest]`.
        keys: added to scores: 0 at subwords, minus infinity at padding.
        queries: 1 at subwords, 0 at padding.
        shape: rows times heads, longest.
    """

    gather: Int[Tensor, " places"]
    scatter: Int[Tensor, " subwords_heads"]
    keys: Float[Tensor, "rows_heads 1 longest"]
    queries: Bool[Tensor, "rows_heads longest 1"]
    shape: tuple[int, int]


def group_sizes(lengths: tuple[int, ...]) -> list[int]:
    """Choose how many sentences form each group, given lengths in ascending order, so that lengths are similar.

    >>> group_sizes((3, 4, 5, 6, 12, 13, 40))
    [3, 1, 2, 1]
    """
    sizes: list[int] = []
    room = 0
    for length in lengths:
        if length > room:
            sizes.append(0)
            room = length + length // 8 + 2
        sizes[-1] += 1
    return sizes


def make_groups(lengths: tuple[int, ...], heads: int, dtype: torch.dtype) -> list[RowGroup]:
    """Make the groups of a packed row.

    Args:
        lengths: subwords of each sentence, ascending.
        heads: of attention.
        dtype: of the scores.
    """
    groups = []
    sentence = start = 0
    for rows in group_sizes(lengths):
        of_group = torch.tensor(lengths[sentence : sentence + rows])
        longest = int(of_group[-1])
        real = torch.arange(longest) < of_group[:, None]
        first = start + of_group.cumsum(0) - of_group
        places = (first[:, None] + torch.arange(longest)).where(real, first[:, None])
        gather = places[:, None, :] * heads + torch.arange(heads)[None, :, None]
        row, place = real.nonzero(as_tuple=True)
        scatter = (row[:, None] * heads + torch.arange(heads)) * longest + place[:, None]
        wide = real[:, None].expand(rows, heads, longest).reshape(rows * heads, longest)
        keys = torch.zeros(wide.shape, dtype=dtype).masked_fill_(~wide, -torch.inf)
        groups.append(
            RowGroup(gather.flatten(), scatter.flatten(), keys[:, None], wide[:, :, None], (rows * heads, longest))
        )
        sentence, start = sentence + rows, start + int(of_group.sum())
    return groups


class PackedDropoutAttention(torch.autograd.Function):
    """softmax(q kᵀ + keys) with some weights set to zero and the others scaled up, times v; group by group."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, groups: list[RowGroup], dropout: float) -> Tensor:
        """Attend with dropout.

        Args:
            ctx: of autograd.
            query: scaled queries, `[total · heads, size]`, as are keys and values.
            key: keys.
            value: values.
            groups: of `make_groups`.
            dropout: probability that a weight is dropped.
        """
        kept: list[Tensor] = []
        outputs = []
        for group in groups:
            q, k, v = (_rows(part, group) for part in (query, key, value))
            weights = torch.baddbmm(group.keys, q, k.transpose(1, 2)).softmax(-1)
            # Queries at padding get no weights, so nothing of them returns in the gradient.
            factor = torch.empty_like(weights).bernoulli_(1 - dropout).mul_(group.queries / (1 - dropout))
            attended = torch.bmm(weights * factor, v)
            outputs.append(attended.view(-1, attended.shape[-1]).index_select(0, group.scatter))
            kept += [q, k, v, weights, factor]
        ctx.save_for_backward(*kept)
        ctx.groups = groups
        return torch.cat(outputs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        """Compute the gradients of queries, keys and values."""
        kept, found = ctx.saved_tensors, []
        for number, group in enumerate(ctx.groups):
            q, k, v, weights, factor = kept[5 * number : 5 * number + 5]
            into = _rows(gradient, group)
            of_values = torch.bmm((weights * factor).transpose(1, 2), into)
            of_weights = torch.bmm(into, v.transpose(1, 2)).mul_(factor)
            of_scores = torch._softmax_backward_data(of_weights, weights, -1, weights.dtype)
            of_queries, of_keys = torch.bmm(of_scores, k), torch.bmm(of_scores.transpose(1, 2), q)
            found.append(
                [
                    part.view(-1, part.shape[-1]).index_select(0, group.scatter)
                    for part in (of_queries, of_keys, of_values)
                ]
            )
        return (*(torch.cat(parts) for parts in zip(*found, strict=True)), None, None)


def _rows(part: Tensor, group: RowGroup) -> Tensor:
    return part.index_select(0, group.gather).view(*group.shape, part.shape[-1])


def packed_dropout_attention(
    query: Float[Tensor, "1 heads total size"],
    key: Float[Tensor, "1 heads total size"],
    value: Float[Tensor, "1 heads total size"],
    groups: list[RowGroup],
    dropout: float,
    scaling: float | None,
) -> Float[Tensor, "1 total heads size"]:
    """Attend within each sentence, with dropout.

    Args:
        query: queries of a packed row, sentences in ascending order of length.
        key: keys.
        value: values.
        groups: of `make_groups`.
        dropout: probability that a weight is dropped, below 1.
        scaling: factor on the scores; None: 1 / sqrt(size).
    """
    heads, total, size = query.shape[1:]
    q, k, v = (part.transpose(1, 2).reshape(total * heads, part.shape[-1]) for part in (query, key, value))
    factor = size**-0.5 if scaling is None else scaling
    return PackedDropoutAttention.apply(q * factor, k, v, groups, dropout).view(1, total, heads, -1)
