"""The losses behind autograd: what they hand out once, what is computed again, and what they notice."""

import pytest
import torch

pytest.importorskip("numba")

from ner_lightning.functional.crf.loss import nll
from ner_lightning.functional.crf.viterbi import viterbi_decode
from tests.oracle.crf_cases import CASES, legal_tags


def leaves_and_loss(case, dtype=torch.float64, backend="numba"):
    leaves = [part.to(dtype).clone().requires_grad_() for part in (case.emissions, *case.scores)]
    return leaves, nll(leaves[0], legal_tags(case), case.mask, *leaves[1:], legal=case.legal, backend=backend)


every_backend = pytest.mark.parametrize("backend", ["numba", "torch"])


@every_backend
@pytest.mark.parametrize("weights", [[0.5, 0.5, 0.5], [1.0, -2.0, 0.0]])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_second_backward_is_the_first(weights, dtype, backend):
    leaves, value = leaves_and_loss(CASES["BIOES"], dtype, backend)
    weighted = (value * torch.tensor(weights, dtype=torch.float64)).sum()
    first = torch.autograd.grad(weighted, leaves, retain_graph=True)
    kept = [gradient.clone() for gradient in first]
    for gradient in first:
        gradient.zero_()  # it belongs to who asked for it
    again = torch.autograd.grad(weighted, leaves)
    assert all(gradient.dtype == dtype for gradient in again)
    assert kept[0].abs().sum() > 0
    torch.testing.assert_close(again, tuple(kept))


@every_backend
@pytest.mark.parametrize("part", [0, 1, 2, 3])
@pytest.mark.parametrize("earlier", [True, False])
def test_a_parameter_changed_before_backward_is_noticed(earlier, part, backend):
    leaves, value = leaves_and_loss(CASES["BIOES"], backend=backend)
    if earlier:
        value.sum().backward(retain_graph=True)
    with torch.no_grad():
        leaves[part].add_(1.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        value.sum().backward()


@every_backend
def test_a_graph_that_is_gone_is_said_to_be_gone(backend):
    _, value = leaves_and_loss(CASES["BIOES"], backend=backend)
    total = value.sum()
    total.backward()
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        total.backward()


@every_backend
@pytest.mark.parametrize("constrained", [True, False])
def test_a_batch_without_sentences(constrained, backend):
    case = CASES["BIOES"]
    leaves = [part.clone().requires_grad_() for part in (case.emissions[:0], *case.scores)]
    legal = case.legal if constrained else None
    tags = torch.zeros(0, case.mask.shape[1], dtype=torch.long)
    value = nll(leaves[0], tags, case.mask[:0], *leaves[1:], legal=legal, backend=backend)
    assert value.shape == (0,)
    value.sum().backward()
    assert leaves[0].grad.shape == leaves[0].shape
    assert all((leaf.grad == 0).all() for leaf in leaves)
    best = viterbi_decode(case.emissions[:0], case.mask[:0], *case.scores, legal=legal, backend=backend)
    assert best.tags.shape == tags.shape


@every_backend
@pytest.mark.parametrize("dtype", [torch.int32, torch.int16, torch.uint8])
def test_tags_of_any_integer_type(dtype, backend):
    case = CASES["BIOES"]
    tags = legal_tags(case).clamp(min=0)
    expected = nll(case.emissions, tags, case.mask, *case.scores, legal=case.legal, backend=backend)
    found = nll(case.emissions, tags.to(dtype), case.mask, *case.scores, legal=case.legal, backend=backend)
    torch.testing.assert_close(found, expected)


@every_backend
@pytest.mark.parametrize("grad", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bool])
def test_tags_that_are_no_integers_are_refused(dtype, grad, backend):
    case = CASES["BIOES"]
    emissions = case.emissions.clone().requires_grad_(grad)
    with pytest.raises(ValueError, match=f"expected tags as integers, got {dtype}"):
        nll(emissions, legal_tags(case).to(dtype), case.mask, *case.scores, backend=backend)


@every_backend
def test_nan_at_a_word_is_said_by_decoding_and_is_the_loss(backend):
    case = CASES["BIOES"]
    emissions = case.emissions.clone()
    emissions[2, 1, 0] = torch.nan
    with pytest.raises(ValueError, match="got NaN in row 2 at word 1"):
        viterbi_decode(emissions, case.mask, *case.scores, backend=backend)
    leaf = emissions.requires_grad_()
    found = nll(leaf, legal_tags(case), case.mask, *case.scores, legal=case.legal, backend=backend)
    assert found.isnan().tolist() == [False, False, True]
