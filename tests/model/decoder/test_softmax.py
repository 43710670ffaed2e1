"""The softmax module: each word for itself."""

import pytest
import torch

from ner_lightning.model.decoder.crf import CRF
from ner_lightning.model.decoder.softmax import Softmax
from ner_lightning.tagging.tagset import TagSet

TAGS = TagSet(("A",), "BIOES")


def batch():
    emissions = torch.randn(2, 5, len(TAGS), generator=torch.Generator().manual_seed(0))
    mask = torch.arange(5) < torch.tensor([5, 2])[:, None]
    return emissions, torch.tensor([[0, 1, 3, 0, 4], [4, 0, -100, -100, -100]]), mask


def test_loss_is_the_sum_of_cross_entropies():
    emissions, tags, mask = batch()
    expected = torch.nn.functional.cross_entropy(emissions.transpose(1, 2), tags, ignore_index=-100, reduction="none")
    torch.testing.assert_close(Softmax(TAGS).loss(emissions, tags, mask), expected.sum(1))


def test_it_is_a_crf_whose_transitions_are_zero():
    emissions, tags, mask = batch()
    crf, softmax = CRF(TAGS, constrain="none"), Softmax(TAGS)
    for parameter in crf.parameters():
        torch.nn.init.zeros_(parameter)
    torch.testing.assert_close(softmax.loss(emissions, tags, mask), crf.loss(emissions, tags, mask))
    torch.testing.assert_close(softmax.marginals(emissions, mask).double(), crf.marginals(emissions, mask))
    assert torch.equal(softmax.decode(emissions, mask), crf.decode(emissions, mask))
    entities = torch.tensor([[0, 0, 3, 0], [0, 4, 5, 0], [1, 0, 2, 0]])
    found, expected = (one.span_probability(emissions, mask, entities) for one in (softmax, crf))
    torch.testing.assert_close(found.double(), expected)


def test_constrained_decoding_is_the_best_legal_sequence():
    emissions, _, mask = batch()
    crf = CRF(TAGS, constrain="decode")
    for parameter in crf.parameters():
        torch.nn.init.zeros_(parameter)
    found = Softmax(TAGS, constrain="decode").decode(emissions, mask)
    assert torch.equal(found, crf.decode(emissions, mask))
    assert not torch.equal(found, Softmax(TAGS).decode(emissions, mask))


def test_partial_labels_add_up():
    emissions, _, mask = batch()
    allowed = torch.zeros(2, 5, len(TAGS), dtype=torch.bool)
    allowed[..., :2] = True
    expected = -(emissions.softmax(2)[..., :2].sum(2).log() * mask).sum(1)
    torch.testing.assert_close(Softmax(TAGS).loss(emissions, torch.zeros_like(mask).long(), mask, allowed), expected)


def test_padding_takes_no_part():
    emissions, tags, mask = batch()
    dirty = emissions.masked_fill(~mask[..., None], torch.nan).requires_grad_()
    value = Softmax(TAGS).loss(dirty, tags, mask)
    value.sum().backward()
    torch.testing.assert_close(value, Softmax(TAGS).loss(emissions, tags, mask))
    assert (dirty.grad[~mask] == 0).all()
    for constrain in ("none", "decode"):
        softmax = Softmax(TAGS, constrain=constrain)
        assert torch.equal(softmax.decode(dirty, mask), softmax.decode(emissions, mask))
    assert (softmax.marginals(dirty, mask)[~mask] == 0).all()


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_half_precision_computes_in_full(kind):
    emissions, tags, mask = batch()
    with torch.autocast("cpu", kind):
        found = Softmax(TAGS).loss(emissions.to(kind), tags, mask)
    torch.testing.assert_close(found, Softmax(TAGS).loss(emissions.to(kind).float(), tags, mask))


def test_wrong_arguments_are_refused():
    emissions, tags, mask = batch()
    with pytest.raises(ValueError, match="expected constrain of decode, none, got 'both'"):
        Softmax(TAGS, constrain="both")
    with pytest.raises(ValueError, match="got -100 in row 1 at word 2"):
        Softmax(TAGS).loss(emissions, tags, torch.ones_like(mask))
