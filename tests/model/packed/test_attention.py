from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ner_lightning.model.packed import attention as packed_attention
from ner_lightning.model.packed.attention import PackedRows, packed_sdpa

CPU = torch.device("cpu")
LAYER = torch.nn.Identity()


def block_diagonal_attention(
    query: Tensor, key: Tensor, value: Tensor, lengths: tuple[int, ...], scaling: float, window: int | None = None
) -> Tensor:
    """The slow oracle: all pairs, and minus infinity wherever two subwords are of different sentences."""
    row = torch.tensor(lengths).cumsum(0)
    sentence = torch.bucketize(torch.arange(int(row[-1])), row, right=True)
    place = torch.arange(int(row[-1]))
    seen = sentence[:, None] == sentence[None, :]
    if window is not None:
        seen &= (place[:, None] - place[None, :]).abs() < window
    scores = (query @ key.transpose(-1, -2) * scaling).masked_fill(~seen, float("-inf"))
    return (scores.softmax(-1) @ value).transpose(1, 2)


def heads(total: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(total)
    # As the models do it: [1, total, heads, size], seen as [1, heads, total, size].
    query, key, value = torch.randn(3, 1, total, 2, 4, generator=generator, dtype=torch.float64).unbind()
    return query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.one_of(st.none(), st.integers(1, 9)))
def test_attention_of_packed_rows_is_block_diagonal(lengths: list[int], window: int | None) -> None:
    rows = PackedRows(tuple(lengths), CPU)
    query, key, value = heads(sum(lengths))
    found, _ = packed_sdpa(LAYER, query, key, value, None, scaling=0.3, packing=rows, sliding_window=window)
    assert found.shape == (1, sum(lengths), 2, 4)
    assert torch.allclose(found, block_diagonal_attention(query, key, value, rows.lengths, 0.3, window))


@given(st.lists(st.integers(1, 9), min_size=1, max_size=8))
def test_sorting_puts_short_sentences_first_and_is_undone(lengths: list[int]) -> None:
    rows = PackedRows(tuple(lengths), CPU)
    sentences = torch.arange(len(lengths)).repeat_interleave(torch.tensor(lengths))[None]
    packed = torch.arange(sum(lengths))[None]
    by_length = sorted(range(len(lengths)), key=lambda sentence: lengths[sentence])
    expected = [sentence for sentence in by_length for _ in range(lengths[sentence])]
    assert rows.sort(sentences)[0].tolist() == expected
    assert rows.restore(rows.sort(packed)).equal(packed)


def test_rows_that_stand_in_order_are_not_moved() -> None:
    packed = torch.arange(7)[None]
    assert PackedRows((2, 2, 3), CPU).sort(packed) is packed


def test_flash_attention_is_given_the_same_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    # The kernel itself needs a GPU; here the oracle stands in for it and looks at what it is given.
    def flash(query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, *, scale, window_size):
        assert cu_seq_q.dtype == cu_seq_k.dtype == torch.int32
        assert cu_seq_q.equal(cu_seq_k)
        assert max_q == max_k == 5
        lengths = tuple(cu_seq_q.diff().tolist())
        left, right = window_size
        assert left == right
        window = None if left < 0 else left + 1
        wide = (part.transpose(0, 1)[None] for part in (query, key, value))
        return block_diagonal_attention(*wide, lengths, scale, window)[0]

    monkeypatch.setattr(packed_attention, "varlen_attn", flash)
    rows = PackedRows((4, 1, 5), CPU)
    query, key, value = heads(10)
    for window in (None, 3):
        expected, _ = packed_sdpa(LAYER, query, key, value, None, scaling=0.3, packing=rows, sliding_window=window)
        assert torch.allclose(packed_attention._varlen(query, key, value, rows, 0.3, window), expected)


def test_no_mask_of_all_pairs_is_built_for_a_packed_row() -> None:
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS

    mask = ALL_MASK_ATTENTION_FUNCTIONS[packed_attention.register_attention()]
    shape = {"batch_size": 1, "q_length": 4, "kv_length": 4, "q_offset": 0, "kv_offset": 0}
    assert mask(attention_mask=None, **shape) is None
    # ModernBERT's local layers: left to transformers this one would be built.
    near = {"mask_function": lambda batch, head, q, k: abs(q - k) <= 1, "local_size": 1}
    assert mask(attention_mask=None, allow_is_bidirectional_skip=True, **near, **shape) is None
    real = torch.tensor([[True, True, True, False]])
    assert mask(attention_mask=real, mask_function=lambda batch, head, q, k: k >= 0, **shape).shape == (1, 1, 4, 4)
