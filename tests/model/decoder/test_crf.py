"""The CRF module: its parameters, its state dict, what its options do."""

import itertools

import pytest
import torch
import torchcrf

from ner_lightning.functional.crf.loss import nll
from ner_lightning.model.decoder.crf import CRF
from ner_lightning.tagging.spans import EntitySpan
from ner_lightning.tagging.tagset import TagSet

TAGS = TagSet(("LOC", "PER"), "BIOES")


def batch(words=6, seed=0):
    generator = torch.Generator().manual_seed(seed)
    emissions = torch.randn(3, words, len(TAGS), generator=generator)
    mask = torch.arange(words) < torch.tensor([words, words // 2, 1])[:, None]
    tags = torch.zeros(3, words, dtype=torch.long)
    tags[0, :2] = torch.tensor(TAGS.encode([EntitySpan(0, 2, "PER")], 2))
    return emissions, tags.masked_fill(~mask, -100), mask


def test_a_state_dict_of_pytorch_crf_loads_and_gives_its_loss():
    reference = torchcrf.CRF(len(TAGS), batch_first=True)
    crf = CRF(TAGS, constrain="none")
    crf.load_state_dict(reference.state_dict())
    emissions, tags, mask = batch()
    expected = -reference(emissions, tags.clamp(min=0), mask, reduction="none")
    torch.testing.assert_close(crf.loss(emissions, tags, mask), expected)
    paths = [row[:n].tolist() for row, n in zip(crf.decode(emissions, mask), mask.sum(1), strict=True)]
    assert paths == reference.decode(emissions, mask)


def test_a_state_dict_loads_into_pytorch_crf():
    crf, reference = CRF(TAGS), torchcrf.CRF(len(TAGS))
    found = reference.load_state_dict(crf.state_dict(), strict=False)
    assert found.missing_keys == []
    assert found.unexpected_keys == ["initial_moves"]
    for name, parameter in reference.named_parameters():
        assert torch.equal(parameter, crf.get_parameter(name))


def test_the_same_seed_draws_the_parameters_of_pytorch_crf():
    torch.manual_seed(3)
    crf = CRF(TAGS)
    torch.manual_seed(3)
    reference = torchcrf.CRF(len(TAGS))
    for name, parameter in reference.named_parameters():
        assert torch.equal(parameter, crf.get_parameter(name))


@pytest.mark.parametrize("constrain", ["both", "decode", "none"])
def test_constraints_hold_where_they_are_asked_for(constrain):
    crf = CRF(TAGS, constrain=constrain, backend="torch")
    emissions, tags, mask = batch()
    emissions[0, 2, TAGS.index["I-LOC"]] = 50.0  # after a whole PER
    path = crf.decode(emissions, mask)[0].tolist()
    illegal = [not TAGS.allowed_transitions[i][j] for i, j in itertools.pairwise(path)]
    assert any(illegal) == (constrain == "none")
    free = nll(emissions, tags, mask, crf.start_transitions, crf.end_transitions, crf.transitions)
    smaller = crf.loss(emissions, tags, mask).double() < free - 1e-3
    assert smaller[0].item() == (constrain == "both")
    # Probabilities are over what decoding may return.
    assert (crf.n_best(emissions, mask, 1).tags[:, 0] == crf.decode(emissions, mask)).all()


@pytest.mark.parametrize("option", ["constrain", "backend", "init"])
def test_unknown_options_are_refused(option):
    with pytest.raises(ValueError, match=f"expected {option} of .*, got 'nonsense'"):
        CRF(TAGS, **{option: "nonsense"})


def test_reference_backend_refuses_constraints_in_the_loss():
    with pytest.raises(ValueError, match="constrain='decode' or 'none'"):
        CRF(TAGS, backend="reference")
    emissions, tags, mask = batch()
    crf = CRF(TAGS, backend="reference", constrain="decode")
    own = CRF(TAGS, backend="torch", constrain="decode")
    own.load_state_dict(crf.state_dict())
    torch.testing.assert_close(crf.loss(emissions, tags, mask), own.loss(emissions, tags, mask))
    assert torch.equal(crf.decode(emissions, mask), own.decode(emissions, mask))


def test_bigram_counts_become_log_probabilities():
    tags = TagSet(("A",), "IOB2")  # O, B-A, I-A
    crf = CRF(tags, constrain="none", init="bigrams")
    transitions = torch.tensor([[5.0, 2.0, 0.0], [1.0, 0.0, 3.0], [2.0, 1.0, 1.0]])
    crf.initialise_from_counts(torch.tensor([3.0, 1.0, 0.0]), transitions, torch.tensor([2.0, 0.0, 1.0]), smoothing=0.5)
    torch.testing.assert_close(crf.start_transitions.exp(), torch.tensor([3.5, 1.5, 0.5]) / 5.5)
    leave = torch.cat([crf.transitions.exp(), crf.end_transitions.exp()[:, None]], dim=1)
    torch.testing.assert_close(
        leave, torch.tensor([[5.5, 2.5, 0.5, 2.5], [1.5, 0.5, 3.5, 0.5], [2.5, 1.5, 1.5, 1.5]]) / leave_sums()
    )
    assert crf.movement()["transitions"].largest == 0.0


def leave_sums():
    return torch.tensor([[11.0], [6.0], [7.0]])


def test_bigram_counts_spend_nothing_on_forbidden_moves():
    tags = TagSet(("A",), "IOB2")
    crf = CRF(tags, init="bigrams")
    crf.initialise_from_counts(torch.zeros(3), torch.zeros(3, 3), torch.zeros(3))
    # From O: to O, to B-A or to the end, one third each; I-A is forbidden.
    torch.testing.assert_close(crf.transitions[0, :2].exp(), torch.tensor([1 / 3, 1 / 3]))
    assert crf.transitions.isfinite().all()


def test_wrong_counts_are_refused():
    crf = CRF(TagSet(("A",), "IOB2"))
    with pytest.raises(ValueError, match="expected counts for 3 tags"):
        crf.initialise_from_counts(torch.zeros(2), torch.zeros(3, 3), torch.zeros(3))
    with pytest.raises(ValueError, match="expected smoothing above 0"):
        crf.initialise_from_counts(torch.zeros(3), torch.zeros(3, 3), torch.zeros(3), smoothing=0.0)


def test_movement_survives_a_checkpoint():
    crf = CRF(TAGS)
    with torch.no_grad():
        crf.transitions += 0.25 * crf.allowed_moves[:-1, :-1]
        crf.start_transitions[0] += 1.0
    resumed = CRF(TAGS)
    resumed.load_state_dict(crf.state_dict())
    moved = resumed.movement()
    assert moved["transitions"].mean == pytest.approx(0.25, abs=1e-6)
    assert moved["start_transitions"].largest == pytest.approx(1.0, abs=1e-6)
    assert moved["end_transitions"] == (0.0, 0.0)


def test_training_moves_the_transitions():
    crf = CRF(TAGS)
    emissions, tags, mask = batch()
    optimizer = torch.optim.SGD(crf.parameters(), lr=0.1)
    crf.loss(emissions, tags, mask).mean().backward()
    optimizer.step()
    assert all(part.largest > 0 for part in crf.movement().values())


def test_known_bug_2_one_vote_a_word_first_and_last_word_carry_the_boundary_scores():
    crf = CRF(TAGS, constrain="none")
    emissions, tags, mask = batch()
    crf.loss(emissions, tags, mask).sum().backward()
    expected = torch.zeros(len(TAGS))
    for b, words in enumerate(mask.sum(1).tolist()):
        expected[tags[b, words - 1]] -= 1
    expected += crf.marginals(emissions, mask)[torch.arange(3), mask.sum(1) - 1].sum(0)
    torch.testing.assert_close(crf.end_transitions.grad, expected.float())


def test_known_bug_14_no_viterbi_in_the_loss(monkeypatch):
    crf = CRF(TAGS)
    monkeypatch.setattr("ner_lightning.model.decoder.crf.viterbi_decode", lambda *_, **__: pytest.fail("decoded"))
    emissions, tags, mask = batch()
    crf.train().loss(emissions, tags, mask)
    with pytest.raises(pytest.fail.Exception, match="decoded"):
        crf.decode(emissions, mask)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_known_bug_8_under_autocast_and_with_half_precision_parameters(kind):
    emissions, tags, mask = batch(words=64)
    crf = CRF(TAGS)
    emissions = emissions.to(kind)
    expected = crf.loss(emissions.float(), tags, mask)
    with torch.autocast("cpu", kind):
        found = crf.loss(emissions, tags, mask)
        marginals = crf.marginals(emissions, mask)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(marginals.sum(2), mask.double())
    half = CRF(TAGS).to(kind)
    half.load_state_dict(crf.state_dict())
    half.loss(emissions, tags, mask).sum().backward()
    assert half.transitions.grad.dtype == kind
    assert half.transitions.grad.isfinite().all()


def test_partial_labels():
    crf = CRF(TAGS)
    emissions, tags, mask = batch()
    allowed = torch.nn.functional.one_hot(tags.clamp(min=0), len(TAGS)).bool()
    torch.testing.assert_close(crf.loss(emissions, tags, mask, allowed), crf.loss(emissions, tags, mask))
    allowed[0, 3] = True
    assert crf.loss(emissions, tags, mask, allowed)[0] < crf.loss(emissions, tags, mask)[0]


def test_probabilities_agree_with_each_other():
    crf = CRF(TAGS)
    emissions, _, mask = batch()
    best = crf.n_best(emissions, mask, 2)
    path = crf.decode(emissions, mask)
    torch.testing.assert_close(crf.path_probability(emissions, path, mask), best.probabilities[:, 0])
    single = crf.marginals(emissions, mask)[2, 0, TAGS.index["S-PER"]]
    torch.testing.assert_close(crf.span_probability(emissions, mask, torch.tensor([[2, 0, 1, 1]]))[0], single)
    assert (crf.entropy(emissions, mask) > 0).all()
    assert crf.sample(emissions, mask, 4).shape == (3, 4, 6)
    assert not best.scores.requires_grad


def test_repr_names_the_options():
    assert "constrain='both'" in repr(CRF(TAGS))
