from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from ner_lightning.model.packed.attention import PackedRows, packed_sdpa
from ner_lightning.model.packed.dropout import group_sizes, make_groups, packed_dropout_attention

LENGTHS = st.lists(st.integers(1, 30), min_size=1, max_size=12).map(lambda found: tuple(sorted(found)))
NEVER = 1e-12  # so small that nothing is dropped, and yet dropout


def heads(total: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    parts = torch.randn(3, 1, total, 2, 4, generator=generator, dtype=torch.float64).unbind()
    return tuple(part.transpose(1, 2).requires_grad_() for part in parts)  # type: ignore[return-value]


def one_by_one(parts: tuple[Tensor, ...], lengths: tuple[int, ...], scaling: float) -> Tensor:
    """The slow oracle: torch's own attention, a sentence at a time."""
    rows = zip(*(part.split(lengths, 2) for part in parts), strict=True)
    return torch.cat([scaled_dot_product_attention(*row, scale=scaling) for row in rows], 2).transpose(1, 2)


@given(LENGTHS)
def test_where_nothing_is_dropped_it_is_attention(lengths: tuple[int, ...]) -> None:
    parts = heads(sum(lengths))
    found = packed_dropout_attention(*parts, make_groups(lengths, 2, torch.float64), NEVER, 0.3)
    expected = one_by_one(parts, lengths, 0.3)
    torch.testing.assert_close(found, expected)
    weights = torch.randn(found.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for one, other in zip(
        torch.autograd.grad((found * weights).sum(), parts),
        torch.autograd.grad((expected * weights).sum(), parts),
        strict=True,
    ):
        torch.testing.assert_close(one, other)


def test_the_gradient_is_that_of_the_weights_that_were_kept() -> None:
    lengths = (2, 3, 3, 9)
    groups = make_groups(lengths, 2, torch.float64)

    def same_weights(*parts: Tensor) -> Tensor:
        with torch.random.fork_rng():
            torch.manual_seed(5)
            return packed_dropout_attention(*parts, groups, 0.4, None)

    assert torch.autograd.gradcheck(same_weights, heads(sum(lengths)))


def test_weights_are_dropped_at_the_rate_and_the_others_scaled_up() -> None:
    lengths = (20,) * 40
    query, key, _ = heads(800)
    # Values that name the key: an output is then the row of weights itself.
    value = torch.eye(20, dtype=torch.float64).repeat(40, 1).view(1, 800, 1, 20).expand(1, 800, 2, 20).transpose(1, 2)
    groups = make_groups(lengths, 2, torch.float64)
    torch.manual_seed(0)
    dropped = packed_dropout_attention(query, key, value, groups, 0.25, None)
    whole = packed_dropout_attention(query, key, value, groups, NEVER, None)
    rate = float((dropped == 0).double().mean())
    assert rate == pytest.approx(0.25, abs=0.01)
    kept = dropped != 0
    torch.testing.assert_close(dropped[kept], whole[kept] / 0.75)


@given(LENGTHS)
def test_groups_are_all_sentences_and_hardly_padded(lengths: tuple[int, ...]) -> None:
    sizes = group_sizes(lengths)
    assert sum(sizes) == len(lengths)
    for size in sizes:
        group, lengths = lengths[:size], lengths[size:]
        assert group[-1] <= group[0] * 9 / 8 + 2


def test_training_takes_it_and_evaluation_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[float] = []
    from ner_lightning.model.packed import attention as packed_attention

    def watch(query: Tensor, *rest: object) -> Tensor:
        taken.append(float(rest[3]))  # type: ignore[arg-type]
        return packed_dropout_attention(query, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(packed_attention, "packed_dropout_attention", watch)
    rows, parts = PackedRows((4, 2), torch.device("cpu")), heads(6)
    for dropout, window in ((0.0, None), (0.5, 3), (0.1, None)):
        packed_sdpa(nn.Identity(), *parts, None, dropout=dropout, packing=rows, sliding_window=window)
    assert taken == [0.1]
