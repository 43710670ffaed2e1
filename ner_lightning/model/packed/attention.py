"""Attention for a batch packed into one row: every subword is real, and each sentence attends only to itself.

The encoder sees a single row `[1, total]`. Linear layers, LayerNorm and dropout never look beyond one subword, so only
attention has to know where sentences begin. transformers calls the function registered here in each layer; sentences of
equal length are taken together and given to scaled_dot_product_attention as an ordinary unpadded batch. The result is
that of the padded batch.
"""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from ner_lightning.model.packed.dropout import RowGroup, make_groups, packed_dropout_attention

ATTENTION_NAME = "ner_lightning_packed_sdpa"

# Flash attention over rows of unequal length (torch 2.10 and later): only half precision on a GPU, without dropout.
varlen_attn: Any
try:
    from torch.nn.attention.varlen import varlen_attn
except ImportError:
    varlen_attn = None


def positions_in_rows(row_lengths: tuple[int, ...]) -> Int[Tensor, "one total"]:
    """Count from 0 within each row of a packed batch.

    >>> positions_in_rows((3, 2)).tolist()
    [[0, 1, 2, 0, 1]]
    """
    lengths = torch.tensor(row_lengths, dtype=torch.long)
    starts = (lengths.cumsum(0) - lengths).repeat_interleave(lengths)
    return (torch.arange(len(starts)) - starts).unsqueeze(0)


class PackedRows:
    """The layout of one packed batch; built once per forward from lengths on the host, for all layers.

    The subwords are first sorted by the length of their sentence: sentences of equal length are then neighbours, and
    each layer takes them as views, without gathering anything.

    Args:
        row_lengths: Subwords of each sentence, in the order of the packed row.
        device: Where the encoder computes.
    """

    def __init__(self, row_lengths: tuple[int, ...], device: torch.device) -> None:
        self.device = device
        self.lengths = tuple(sorted(row_lengths))
        self.groups = tuple(sorted(Counter(row_lengths).items()))  # (length, how many)
        self._masks: dict[tuple[int, int], Tensor] = {}
        self._dropout_groups: dict[tuple[int, torch.dtype], list[RowGroup]] = {}
        self.order: Int[Tensor, " total"] | None = None
        self.inverse: Int[Tensor, " total"] | None = None
        if self.lengths != tuple(row_lengths):
            lengths = torch.tensor(row_lengths)
            starts = lengths.cumsum(0) - lengths
            by_length = lengths.argsort(stable=True)
            sorted_lengths = lengths[by_length]
            shift = starts[by_length] - (sorted_lengths.cumsum(0) - sorted_lengths)
            order = torch.arange(sum(row_lengths)) + shift.repeat_interleave(sorted_lengths)
            self.order = order.to(device, non_blocking=True)
            self.inverse = order.argsort().to(device, non_blocking=True)

    def sort(self, packed: Tensor) -> Tensor:
        """Reorder `[1, total, ...]` from the caller's order into ours."""
        return packed if self.order is None else packed.index_select(1, self.order)

    def restore(self, packed: Tensor) -> Tensor:
        """Reorder `[1, total, ...]` back into the caller's order."""
        return packed if self.inverse is None else packed.index_select(1, self.inverse)

    @cached_property
    def cumulative(self) -> Int[Tensor, " rows_plus_one"]:
        """Return the start of each sentence, and the end of the last one, as flash attention wants it."""
        return torch.tensor((0, *self.lengths)).cumsum(0).to(self.device, torch.int32, non_blocking=True)

    def dropout_groups(self, heads: int, dtype: torch.dtype) -> list[RowGroup]:
        """Return the groups of sentences for attention with dropout, the same for all layers."""
        if (heads, dtype) not in self._dropout_groups:
            self._dropout_groups[heads, dtype] = make_groups(self.lengths, heads, dtype)
        return self._dropout_groups[heads, dtype]

    def window_mask(self, length: int, window: int | None) -> Tensor | None:
        """Mask the pairs that a local layer sees, `|i - j| < window`; None if it sees all."""
        if window is None or length <= window:
            return None
        if (length, window) not in self._masks:
            place = torch.arange(length, device=self.device)
            self._masks[length, window] = (place[:, None] - place[None, :]).abs() < window
        return self._masks[length, window]


def packed_sdpa(
    module: nn.Module,
    query: Float[Tensor, "batch heads subwords size"],
    key: Float[Tensor, "batch heads subwords size"],
    value: Float[Tensor, "batch heads subwords size"],
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    packing: PackedRows | None = None,
    **kwargs: Any,
) -> tuple[Float[Tensor, "batch subwords heads size"], None]:
    """Attend in either kind of batch: padded as transformers' own sdpa does, packed sentence by sentence.

    Args:
        module: The layer that calls.
        query: Queries; packed: one row.
        key: Keys.
        value: Values.
        attention_mask: The mask of a padded batch; unused when packed.
        dropout: Probability that an attention weight is dropped.
        scaling: Factor on the scores.
        packing: Layout of the sentences; None for a padded batch.
        kwargs: Further arguments of the model; only `sliding_window` (ModernBERT's local layers) matters when packed.
    """
    if packing is None:
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **kwargs
        )
    return _attend_packed(query, key, value, packing, dropout, scaling, kwargs.get("sliding_window")), None


def _sentence_by_sentence(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    packing: PackedRows,
    dropout: float,
    scaling: float | None,
    window: int | None,
) -> Tensor:
    if varlen_attn is not None and query.is_cuda and query.dtype in (torch.float16, torch.bfloat16) and not dropout:
        return _varlen(query, key, value, packing, scaling, window)
    if (
        0 < dropout < 1
        and window is None
        and query.device.type == "cpu"
        and query.dtype in (torch.float32, torch.float64)
    ):
        groups = packing.dropout_groups(query.shape[1], query.dtype)
        return packed_dropout_attention(query, key, value, groups, dropout, scaling)
    sizes = [length * rows for length, rows in packing.groups]
    outputs = []
    # split, not slices: its backward is one concatenation; that of a slice fills a tensor of the whole row with zeros.
    parts = zip(query.split(sizes, 2), key.split(sizes, 2), value.split(sizes, 2), strict=True)
    for (length, rows), (q, k, v) in zip(packing.groups, parts, strict=True):
        batch_q, batch_k, batch_v = (part[0].unflatten(1, (rows, length)).transpose(0, 1) for part in (q, k, v))
        attended = scaled_dot_product_attention(
            batch_q,
            batch_k,
            batch_v,
            attn_mask=packing.window_mask(length, window),
            dropout_p=dropout,
            scale=scaling,
        )
        outputs.append(attended.transpose(1, 2).flatten(0, 1))
    return torch.cat(outputs).unsqueeze(0)


_attend_packed = _sentence_by_sentence


def keep_out_of_graphs() -> None:
    """Keep torch.compile out of packed attention: with its loop unrolled, every batch would be a new graph."""
    global _attend_packed
    # Not a decorator, which would load the compiler into every process.
    _attend_packed = torch.compiler.disable(_sentence_by_sentence)


def _varlen(
    query: Tensor, key: Tensor, value: Tensor, packing: PackedRows, scaling: float | None, window: int | None
) -> Tensor:
    longest = packing.lengths[-1]
    reach = -1 if window is None else window - 1
    attended = varlen_attn(
        *(part[0].transpose(0, 1) for part in (query, key, value)),
        packing.cumulative,
        packing.cumulative,
        longest,
        longest,
        scale=scaling,
        window_size=(reach, reach),
    )
    return attended.unsqueeze(0)


def register_attention() -> str:
    """Register the attention function with transformers, and return its name."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    def mask(attention_mask: Tensor | None = None, **kwargs: Any) -> Tensor | None:
        # Encoder.forward gives every padded batch a mask, so "no mask" is a packed one: [total, total] is never built.
        return None if attention_mask is None else sdpa_mask(attention_mask=attention_mask, **kwargs)

    AttentionInterface.register(ATTENTION_NAME, packed_sdpa)
    AttentionMaskInterface.register(ATTENTION_NAME, mask)
    return ATTENTION_NAME
