"""The compiled loss behind autograd: what it hands out once, and what it computes again."""

import pytest
import torch

pytest.importorskip("numba")

from ner_lightning.functional.crf import nll
from tests.oracle.crf_cases import CASES, legal_tags


def leaves_and_loss(case, dtype=torch.float64):
    leaves = [part.to(dtype).clone().requires_grad_() for part in (case.emissions, *case.scores)]
    return leaves, nll(leaves[0], legal_tags(case), case.mask, *leaves[1:], legal=case.legal, backend="numba")


@pytest.mark.parametrize("weights", [[0.5, 0.5, 0.5], [1.0, -2.0, 0.0]])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_second_backward_is_the_first(weights, dtype):
    leaves, value = leaves_and_loss(CASES["BIOES"], dtype)
    weighted = (value * torch.tensor(weights, dtype=torch.float64)).sum()
    first = torch.autograd.grad(weighted, leaves, retain_graph=True)
    kept = [gradient.clone() for gradient in first]
    for gradient in first:
        gradient.zero_()  # it belongs to who asked for it
    again = torch.autograd.grad(weighted, leaves)
    assert all(gradient.dtype == dtype for gradient in again)
    assert kept[0].abs().sum() > 0
    torch.testing.assert_close(again, tuple(kept))


def test_a_parameter_changed_before_a_second_backward_is_noticed():
    leaves, value = leaves_and_loss(CASES["BIOES"])
    value.sum().backward(retain_graph=True)
    with torch.no_grad():
        leaves[3].add_(1.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        value.sum().backward()


def test_a_graph_that_is_gone_is_said_to_be_gone():
    _, value = leaves_and_loss(CASES["BIOES"])
    total = value.sum()
    total.backward()
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        total.backward()
