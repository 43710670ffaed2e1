"""The torch kernel: its range, its number of launches, and how often a device makes the host wait."""

import math

import pytest
import torch
import torchcrf

from ner_lightning.functional.crf import in_torch
from ner_lightning.functional.crf.chain import Chain, closed_chain, closed_moves
from ner_lightning.functional.crf.in_log_space import log_forward_backward, log_marginals, log_pairs
from ner_lightning.functional.crf.in_torch import lattice, posterior
from ner_lightning.functional.crf.loss import log_partition, nll
from ner_lightning.functional.crf.marginals import entropy, marginals
from ner_lightning.functional.crf.n_best import n_best
from ner_lightning.functional.crf.sampling import sample
from ner_lightning.functional.crf.span_probability import entity_tags, span_probability
from ner_lightning.tagging.spans import EntitySpan
from ner_lightning.tagging.tagset import TagSet
from tests.oracle.crf_cases import CASES, Counter, random_case

every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def islands(ahead: float, behind: float):
    """Two tags without a move between them: the first is `ahead` nats ahead in the front half, then `behind` behind."""
    emissions = torch.zeros(1, 20, 2, dtype=torch.float64)
    emissions[0, :10, 0], emissions[0, 10:, 1] = ahead / 10, behind / 10
    legal = closed_moves(*torch.ones(2, 2, dtype=torch.bool), torch.eye(2, dtype=torch.bool))
    mask = torch.ones(1, 20, dtype=torch.bool)
    return emissions, mask, *torch.zeros(2, 2, dtype=torch.float64), torch.zeros(2, 2, dtype=torch.float64), legal


@pytest.mark.parametrize("backend", ["torch", "numba"])
@pytest.mark.parametrize(("ahead", "behind"), [(100.0, 180.0), (1000.0, 1800.0), (1800.0, 1000.0), (1e4, 1e4)])
def test_two_islands(backend, ahead, behind):
    emissions, mask, start, end, transitions, legal = islands(ahead, behind)
    transitions.requires_grad_()
    emissions.requires_grad_()
    tags = torch.full((1, 20), int(behind > ahead))
    value = nll(emissions, tags, mask, start, end, transitions, legal=legal, backend=backend)
    value.sum().backward()
    expected = 0.6931471805599453 if ahead == behind else 0.0
    torch.testing.assert_close(value.item(), expected, rtol=0, atol=1e-9)
    assert emissions.grad.isfinite().all()
    share = -0.5 if ahead == behind else 0.0
    torch.testing.assert_close(transitions.grad[tags[0, 0], tags[0, 0]].item(), 19 * share, rtol=0, atol=1e-9)
    # Without the gradient the recursion runs in one direction alone.
    with torch.no_grad():
        again = log_partition(emissions, mask, start, end, transitions, legal=legal, backend=backend)
    torch.testing.assert_close(again.item(), max(ahead, behind) + expected)


def test_islands_that_both_directions_lose():
    # 930 behind, then 1,860 ahead, then 930 behind, little by little: neither alpha nor beta keeps the second island,
    # and both agree with each other all along.
    _, _, start, end, transitions, legal = islands(0.0, 0.0)
    emissions = torch.zeros(1, 248, 2, dtype=torch.float64)
    emissions[0, :62, 0] = emissions[0, 62:186, 1] = emissions[0, 186:, 0] = 15.0
    mask = torch.ones(1, 248, dtype=torch.bool)
    found = posterior(closed_chain(emissions, mask, start, end, transitions, legal))
    torch.testing.assert_close(found.marginals, torch.full_like(found.marginals, 0.5))
    torch.testing.assert_close(found.log_z.item(), 1860.6931471805599)


def test_both_directions_in_range_and_their_product_not():
    # 65 nats a move: between two rescalings alpha and beta keep all their tags, and alpha times beta is zero.
    mask = torch.ones(1, 17, dtype=torch.bool)
    transitions = torch.full((2, 2), -65.0, dtype=torch.float64)
    found = posterior(closed_chain(torch.zeros(1, 17, 2), mask, *torch.zeros(2, 2), transitions))
    torch.testing.assert_close(found.marginals, torch.full_like(found.marginals, 0.5))
    torch.testing.assert_close(found.log_z.item(), 17 * 0.6931471805599453 - 16 * 65.0)


def test_only_the_affected_sentences_are_done_again():
    first, second = islands(1000.0, 1800.0), islands(1.0, 2.0)
    emissions, mask = torch.cat([first[0], second[0]]), torch.ones(2, 20, dtype=torch.bool)
    found = posterior(closed_chain(emissions, mask, *first[2:]))
    assert found.redo.tolist() == [0]
    expected = log_forward_backward(
        closed_chain(emissions, mask, *first[2:]).emissions, closed_chain(emissions, mask, *first[2:]).moves
    )
    torch.testing.assert_close(found.log_z, expected.log_z)


def test_transitions_far_apart_without_constraints():
    case = random_case(31, (12, 5), 4)
    transitions = case.transitions.clone()
    transitions[0, 1:] = -1e4  # leaving tag 0 is nearly impossible
    leaf = transitions.clone().requires_grad_()
    found = log_partition(case.emissions, case.mask, case.start, case.end, leaf, backend="torch")
    found.sum().backward()
    reference = torchcrf.CRF(4, batch_first=True).double()
    for parameter, value in zip(reference.parameters(), (case.start, case.end, transitions), strict=True):
        parameter.data = value.clone()
    expected = reference._compute_normalizer(case.emissions.transpose(0, 1), case.mask.T)
    expected.sum().backward()
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(leaf.grad, reference.transitions.grad)


@every_case
def test_lattice_equals_log_space(case):
    chain = case.chain()
    found, expected = lattice(chain), log_forward_backward(chain.emissions, chain.moves)
    torch.testing.assert_close(found.log_z, expected.log_z)
    torch.testing.assert_close(found.log_alpha, expected.log_alpha)
    # Beta of what cannot be reached is no use to anybody.
    reached = expected.log_alpha > -torch.inf
    torch.testing.assert_close(found.log_beta[reached], expected.log_beta[reached])


@every_case
def test_log_space_equals_exponential_space(case):
    chain, weights = case.chain(), torch.rand(len(case.mask), 1, dtype=torch.float64)
    found, exact = posterior(chain), log_forward_backward(chain.emissions, chain.moves)
    torch.testing.assert_close(log_marginals(exact)[:, 1:-1, :-1], found.marginals)
    pairs = (weights[..., None] * log_pairs(exact, chain.emissions, chain.moves)).sum(0)
    torch.testing.assert_close(found.expected_moves(weights), pairs)


def test_a_sentence_without_a_legal_path():
    case = CASES["IOB2"]
    allowed = torch.ones(case.emissions.shape, dtype=torch.bool)
    allowed[0, :, :2] = False
    for backend in ("torch", "numba"):
        leaf = case.emissions.clone().requires_grad_()
        value = log_partition(leaf, case.mask, *case.scores, legal=case.legal, allowed=allowed, backend=backend)
        assert value[0] == -torch.inf
        assert value[1:].isfinite().all()
        value[1:].sum().backward()
        assert leaf.grad.isfinite().all()


@pytest.mark.parametrize("constrained", [False, True])
@pytest.mark.parametrize(("words", "most"), [(32, 6.0), (128, 3.0)])
def test_operations_a_word_step(words, most, constrained):
    case = random_case(32, (words, words // 2, words // 3), 5, dtype=torch.float32)
    leaves = [part.clone().requires_grad_() for part in (case.emissions, *case.scores)]
    tags = torch.zeros_like(case.mask, dtype=torch.long).masked_fill_(~case.mask, -100)
    legal = torch.ones(6, 6, dtype=torch.bool) if constrained else None
    with Counter() as counter:
        nll(leaves[0], tags, case.mask, *leaves[1:], legal=legal, backend="torch").mean().backward()
    assert counter.operations / words <= most
    reference = torchcrf.CRF(5, batch_first=True)
    with Counter() as counter:
        reference(case.emissions, tags.clamp(min=0), case.mask).backward()
    assert counter.operations / words > 30  # so the counter counts


@pytest.mark.parametrize("constrained", [False, True])
def test_a_device_makes_the_host_wait_once_in_the_loss(constrained):
    # On the meta device there are no values: whatever needs one raises. That one look comes behind all launches.
    case = random_case(33, (24, 9), 5, dtype=torch.float32)
    parts = [part.to("meta") for part in (case.emissions, *case.scores)]
    leaves = [part.requires_grad_() for part in parts]
    tags = torch.zeros(case.mask.shape, dtype=torch.long, device="meta")
    legal = torch.ones(6, 6, dtype=torch.bool, device="meta") if constrained else None
    with Counter() as counter, pytest.raises((NotImplementedError, RuntimeError), match="nonzero"):
        nll(leaves[0], tags, case.mask.to("meta"), *leaves[1:], legal=legal)
    assert counter.waits == 1
    assert counter.operations > 2 * 24


def far_apart(distance: float, kind: str):
    """Scores of moves up to `distance` nats from each other."""
    case = random_case(35, (6, 4, 1), 3)
    start, end, transitions = (part.clone() for part in case.scores)
    if kind == "one move":
        transitions[1, 2] += distance
    elif kind == "hardly any":
        transitions[0, 1:] -= distance
    elif kind == "a circle":
        transitions[1, 2] += distance
        transitions[2, 1] += distance
        start[0] -= distance
        end += distance
    else:
        generator = torch.Generator().manual_seed(1)
        start, end, transitions = (
            distance * torch.randn(part.shape, generator=generator, dtype=torch.float64) for part in case.scores
        )
    return case._replace(start=start, end=end, transitions=transitions)


every_distance = pytest.mark.parametrize("distance", [27.0, 37.0, 55.0, 57.0, 100.0, 1000.0, 1e4, 1e6])
every_kind = pytest.mark.parametrize("kind", ["one move", "hardly any", "a circle", "all"])


@every_distance
@every_kind
@pytest.mark.parametrize("backend", ["torch", "numba", "as on a device"])
def test_the_loss_and_its_gradients_equal_enumeration_however_far_apart_moves_are(distance, kind, backend, monkeypatch):
    case = far_apart(distance, kind)
    if backend == "as on a device":
        monkeypatch.setattr(in_torch, "_middle", lambda moves: (in_torch._middle_unseen(moves), False))
        backend = "torch"
    weights = torch.tensor([1.0, 2.0, -0.5], dtype=torch.float64)
    leaves = [part.clone().requires_grad_() for part in (case.emissions, *case.scores)]
    found = log_partition(leaves[0], case.mask, *leaves[1:], backend=backend)
    (found * weights).sum().backward()
    enumerated = case.enumerated()
    expected = torch.tensor([one.log_z for one in enumerated], dtype=torch.float64)
    torch.testing.assert_close(found.detach(), expected, rtol=1e-12, atol=1e-9)
    shares = torch.zeros_like(case.emissions)
    for row, (one, weight) in enumerate(zip(enumerated, weights, strict=True)):
        shares[row, : one.words] = weight * one.marginals()
    pairs = sum(weight * one.pairs() for one, weight in zip(enumerated, weights, strict=True))
    torch.testing.assert_close(leaves[0].grad, shares, rtol=0, atol=1e-8)
    torch.testing.assert_close(leaves[1].grad, shares[:, 0].sum(0), rtol=0, atol=1e-8)
    last = torch.stack([row[one.words - 1] for row, one in zip(shares, enumerated, strict=True)])
    torch.testing.assert_close(leaves[2].grad, last.sum(0), rtol=0, atol=1e-8)
    torch.testing.assert_close(leaves[3].grad, pairs, rtol=0, atol=1e-8)


@every_distance
@every_kind
def test_all_that_is_asked_of_the_lattice_equals_enumeration_however_far_apart_moves_are(distance, kind):
    case = far_apart(distance, kind)
    tags = TagSet(("A",), "IOB2")
    entities = torch.tensor([[0, 0, 2, 0], [0, 3, 4, 0], [0, 1, 6, 0]])
    spans = span_probability(case.chain(), entities, entity_tags(tags))
    drawn = sample(case.chain(), 200, torch.Generator().manual_seed(1))
    best = n_best(case.chain(), 4)
    for row, one in enumerate(case.enumerated()):
        found = marginals(case.chain())[row, : one.words]
        torch.testing.assert_close(found, one.marginals(), rtol=0, atol=1e-8)
        expected = torch.tensor(one.entropy(), dtype=torch.float64)
        torch.testing.assert_close(entropy(case.chain())[row], expected, rtol=1e-6, atol=1e-9 * max(1, distance))
        likely = sorted(one.probabilities, reverse=True)[:4]
        many = len(likely)
        torch.testing.assert_close(best.probabilities[row, :many].tolist(), likely, rtol=1e-6, atol=1e-8)
        possible = {path for path, share in zip(one.paths, one.probabilities, strict=True) if share > 0}
        assert {tuple(path[: one.words]) for path in drawn[row].tolist()} <= possible
    first = case.enumerated()[0]
    for (_, start, end, _), probability in zip(entities.tolist(), spans.tolist(), strict=True):
        wanted = EntitySpan(start, end, "A")
        holds = [wanted in tags.decode(path).spans for path in first.paths]
        mass = sum(share for share, held in zip(first.probabilities, holds, strict=True) if held)
        assert probability == pytest.approx(mass, abs=1e-8)


def test_many_tags_within_reach_do_not_overflow():
    # Four hundred tags, all moves alike and far from 0: sums over tags grow beside the moves.
    closed = torch.full((400, 400), 28.0, dtype=torch.float64)
    mask = torch.ones(1, 30, dtype=torch.bool)
    found = posterior(closed_chain(torch.zeros(1, 30, 400), mask, closed[0], closed[0], closed))
    torch.testing.assert_close(found.log_z.item(), 31 * 28.0 + 30 * math.log(400))
    torch.testing.assert_close(found.marginals, torch.full_like(found.marginals, 1 / 400))


def test_constraints_cost_one_look():
    case = random_case(34, (24, 9), 5)
    emissions, moves, _ = closed_chain(case.emissions, case.mask, *case.scores, torch.ones(6, 6, dtype=torch.bool))
    with Counter() as counter:
        posterior(Chain(emissions, moves, True))
    assert counter.waits <= 1
