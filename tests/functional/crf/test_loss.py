"""Loss and log-partition: against enumeration, against pytorch-crf, and where public code is known to go wrong."""

import pytest
import torch
import torchcrf

from ner_lightning.functional.crf import backend as backends
from ner_lightning.functional.crf.loss import log_partition, nll, partial_nll, sequence_score
from tests.oracle.crf_cases import CASES, legal_tags, random_case

OWN = ("torch", "numba")
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
every_backend = pytest.mark.parametrize("backend", OWN)


@every_case
@every_backend
def test_log_partition_equals_enumeration(case, backend):
    expected = torch.tensor([found.log_z for found in case.enumerated()], dtype=torch.float64)
    arguments = (case.emissions, case.mask, *case.scores)
    torch.testing.assert_close(log_partition(*arguments, legal=case.legal, backend=backend), expected)
    with torch.no_grad():  # the shorter way, without marginals
        torch.testing.assert_close(log_partition(*arguments, legal=case.legal, backend=backend), expected)


@every_case
@every_backend
def test_nll_and_its_gradient_equal_enumeration(case, backend):
    tags, weights = legal_tags(case), torch.arange(1.0, len(case.mask) + 1, dtype=torch.float64)
    leaves = [part.clone().requires_grad_() for part in (case.emissions, *case.scores)]
    value = nll(leaves[0], tags, case.mask, *leaves[1:], legal=case.legal, backend=backend)
    (value * weights).sum().backward()
    n = case.transitions.shape[0]
    marginals, start, end, pairs = torch.zeros_like(case.emissions), torch.zeros(n), torch.zeros(n), torch.zeros(n, n)
    for b, found in enumerate(case.enumerated()):
        path = tags[b, : found.words]
        torch.testing.assert_close(value[b].item(), found.log_z - found.score(path.tolist()))
        difference = found.marginals() - torch.nn.functional.one_hot(path, n)
        marginals[b, : found.words] = weights[b] * difference
        start, end = start + weights[b] * difference[0], end + weights[b] * difference[-1]
        observed = torch.zeros(n, n).index_put((path[:-1], path[1:]), torch.tensor(1.0), accumulate=True)
        pairs = pairs + weights[b] * (found.pairs() - observed)
    for leaf, expected in zip(leaves, (marginals, start, end, pairs), strict=True):
        torch.testing.assert_close(leaf.grad, expected.double())


@every_backend
@pytest.mark.parametrize("same", [True, False], ids=["mean", "weighted"])
def test_loss_and_gradient_equal_pytorch_crf(backend, same):
    case = random_case(11, (9, 4, 1, 7), 5)
    reference = torchcrf.CRF(5, batch_first=True).double()
    tags = torch.randint(5, case.mask.shape, generator=torch.Generator().manual_seed(1))
    weights = torch.full((4,), 0.25) if same else torch.tensor([0.5, 2.0, -1.0, 0.0])
    grads = []
    for loss in (
        lambda e: -reference(e, tags, case.mask, reduction="none"),
        lambda e: nll(e, tags, case.mask, *reference.parameters(), backend=backend),
    ):
        reference.zero_grad()
        emissions = case.emissions.clone().requires_grad_()
        value = loss(emissions)
        (value * weights).sum().backward()
        grads.append([value.detach(), emissions.grad, *(p.grad.clone() for p in reference.parameters())])
    for expected, found in zip(*grads, strict=True):
        torch.testing.assert_close(found, expected)


def test_reference_backend_is_pytorch_crf():
    case = random_case(12, (6, 2), 4)
    tags = torch.zeros_like(case.mask, dtype=torch.long)
    expected = nll(case.emissions, tags, case.mask, *case.scores, backend="torch")
    torch.testing.assert_close(nll(case.emissions, tags, case.mask, *case.scores, backend="reference"), expected)


def test_reference_backend_refuses_constraints():
    case = CASES["IOB2"]
    with pytest.raises(ValueError, match="constrain='decode' or 'none'"):
        log_partition(case.emissions, case.mask, *case.scores, legal=case.legal, backend="reference")


@every_backend
@pytest.mark.parametrize("name", ["three tags", "IOB2"])
def test_gradcheck(backend, name):
    case = CASES[name]
    tags = legal_tags(case)
    leaves = [part.clone().requires_grad_() for part in (case.emissions, *case.scores)]
    assert torch.autograd.gradcheck(
        lambda e, *s: nll(e, tags, case.mask, *s, legal=case.legal, backend=backend), leaves
    )


def test_double_backward_is_refused_and_says_what_to_do():
    case = CASES["two tags"]
    emissions = case.emissions.clone().requires_grad_()
    value = log_partition(emissions, case.mask, *case.scores).sum()
    with pytest.raises(NotImplementedError, match="backend='reference'"):
        torch.autograd.grad(value, emissions, create_graph=True)


@every_case
@every_backend
def test_partial_labels_equal_enumeration(case, backend):
    allowed = torch.rand(case.emissions.shape, generator=torch.Generator().manual_seed(3)) < 0.5
    allowed |= torch.nn.functional.one_hot(legal_tags(case).clamp(min=0), case.emissions.shape[2]).bool()
    within = [found.log_z for found in case.enumerated(allowed)]
    full = [found.log_z for found in case.enumerated()]
    expected = torch.tensor(full, dtype=torch.float64) - torch.tensor(within, dtype=torch.float64)
    found = partial_nll(case.emissions, allowed, case.mask, *case.scores, legal=case.legal, backend=backend)
    torch.testing.assert_close(found, expected)


@every_backend
def test_partial_labels_gradcheck(backend):
    case = CASES["IOB2"]
    allowed = torch.ones(case.emissions.shape, dtype=torch.bool)
    allowed[:, 0, 1:] = False
    leaves = [part.clone().requires_grad_() for part in (case.emissions, *case.scores)]
    assert torch.autograd.gradcheck(
        lambda e, *s: partial_nll(e, allowed, case.mask, *s, legal=case.legal, backend=backend), leaves
    )


def test_partial_labels_that_fit_one_path_are_full_labels():
    case = CASES["BIOES"]
    tags = legal_tags(case)
    allowed = torch.nn.functional.one_hot(tags.clamp(min=0), case.emissions.shape[2]).bool()
    torch.testing.assert_close(
        partial_nll(case.emissions, allowed, case.mask, *case.scores, legal=case.legal),
        nll(case.emissions, tags, case.mask, *case.scores, legal=case.legal),
    )


def test_partial_labels_without_a_legal_path_are_refused():
    case = CASES["IOB2"]
    inside = torch.zeros(case.emissions.shape, dtype=torch.bool)
    inside[..., 2] = True  # I-A from the first word on
    with pytest.raises(ValueError, match="none fits row 0"):
        partial_nll(case.emissions, inside, case.mask, *case.scores, legal=case.legal)


def test_gold_that_the_constraints_forbid_is_refused_with_its_place():
    case = CASES["IOB2"]
    tags = torch.zeros_like(case.mask, dtype=torch.long)
    tags[2, 1] = 2  # I-A after O
    with pytest.raises(ValueError, match="row 2 has tag 2 after tag 0 at word 1"):
        nll(case.emissions, tags, case.mask, *case.scores, legal=case.legal)
    tags[2, 1], tags[1, 0] = 0, 2
    with pytest.raises(ValueError, match="row 1 begins with tag 2"):
        nll(case.emissions, tags, case.mask, *case.scores, legal=case.legal)


@every_backend
def test_constrained_gradient_is_zero_and_not_nan_where_forbidden(backend):
    case = CASES["BIOES"]
    transitions = case.transitions.clone().requires_grad_()
    nll(
        case.emissions,
        legal_tags(case),
        case.mask,
        case.start,
        case.end,
        transitions,
        legal=case.legal,
        backend=backend,
    ).sum().backward()
    assert (transitions.grad[~case.legal[:-1, :-1]] == 0).all()
    assert transitions.grad.isfinite().all()
    assert transitions.grad.abs().sum() > 0


@every_backend
@pytest.mark.parametrize("garbage", [torch.nan, torch.inf, 1e30])
def test_known_bug_1_padding_takes_no_part_in_the_loss(backend, garbage):
    case = CASES["three tags"]
    tags = legal_tags(case)
    dirty = case.emissions.masked_fill(~case.mask[..., None], garbage)
    results = []
    for emissions in (case.emissions, dirty):
        leaf = emissions.clone().requires_grad_()
        value = nll(leaf, tags, case.mask, *case.scores, backend=backend)
        value.sum().backward()
        results.append((value.detach(), leaf.grad))
    torch.testing.assert_close(results[0], results[1], rtol=0, atol=0)
    assert (results[1][1][~case.mask] == 0).all()


def test_known_bug_3_a_mask_with_holes_is_refused():
    case = CASES["two tags"]
    mask = case.mask.clone()
    mask[0, 2] = False
    with pytest.raises(ValueError, match="row 0 has a hole at position 2"):
        log_partition(case.emissions, mask, *case.scores)


@pytest.mark.parametrize("wrong", [-100, -1, 3])
def test_known_bug_4_ignored_labels_under_the_mask_are_refused(wrong):
    case = CASES["three tags"]
    tags = torch.zeros_like(case.mask, dtype=torch.long)
    tags[1, 1] = wrong
    with pytest.raises(ValueError, match=f"got {wrong} in row 1 at word 1"):
        nll(case.emissions, tags, case.mask, *case.scores)
    tags[1, 1], tags[1, 3] = 0, -100  # at padding anything goes
    assert nll(case.emissions, tags, case.mask, *case.scores).isfinite().all()


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
@every_backend
def test_known_bug_8_half_precision_computes_in_full(kind, backend):
    case = random_case(13, (64, 40), 9, scale=1.0, dtype=torch.float32)
    emissions = case.emissions.to(kind)
    tags = legal_tags_of_length(case)
    expected = nll(emissions.double(), tags, case.mask, *(part.double() for part in case.scores))
    with torch.autocast("cpu", kind):
        leaf = emissions.clone().requires_grad_()
        found = nll(leaf, tags, case.mask, *case.scores, backend=backend)
        found.sum().backward()
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)
    exact = emissions.double().requires_grad_()
    nll(exact, tags, case.mask, *(part.double() for part in case.scores)).sum().backward()
    torch.testing.assert_close(leaf.grad.double(), exact.grad, rtol=torch.finfo(kind).eps, atol=1e-6)


def legal_tags_of_length(case):
    return torch.randint(case.emissions.shape[2], case.mask.shape, generator=torch.Generator().manual_seed(5))


@every_backend
def test_known_bug_9_forbidden_moves_take_no_probability_and_do_not_drift(backend):
    case = CASES["IOB2"]
    scores = [part.clone().requires_grad_() for part in case.scores]
    optimizer = torch.optim.Adam(scores, lr=0.1)
    before = scores[2].detach().clone()
    for _ in range(3):
        optimizer.zero_grad()
        nll(case.emissions, legal_tags(case), case.mask, *scores, legal=case.legal, backend=backend).sum().backward()
        optimizer.step()
    forbidden = ~case.legal[:-1, :-1]
    assert torch.equal(scores[2].detach()[forbidden], before[forbidden])
    assert not torch.equal(scores[2].detach()[~forbidden], before[~forbidden])


@every_backend
def test_known_bug_20_tag_0_is_a_class_like_any_other(backend):
    case = random_case(14, (3, 3), 3)
    leaf = case.emissions.clone().requires_grad_()
    nll(leaf, torch.zeros(2, 3, dtype=torch.long), case.mask, *case.scores, backend=backend).sum().backward()
    assert (leaf.grad[..., 0] < 0).all()  # each word is drawn towards its gold tag


@every_backend
@pytest.mark.parametrize("words", [32, 512])
def test_gradient_within_a_millionth_of_float64(backend, words):
    case = random_case(15, (words, words // 2), 9, scale=1.0, dtype=torch.float32)
    tags = legal_tags_of_length(case)
    grads = []
    for kind in (torch.float32, torch.float64):
        leaves = [part.to(kind, copy=True).requires_grad_() for part in (case.emissions, *case.scores)]
        nll(leaves[0], tags, case.mask, *leaves[1:], backend=backend).sum().backward()
        grads.append([leaf.grad.double() for leaf in leaves])
    for found, expected in zip(*grads, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)


@every_backend
def test_emissions_of_ten_thousand_at_512_words_and_73_tags(backend):
    case = random_case(16, (512,), 73, scale=1.0, dtype=torch.float32)
    emissions = 1e4 * (2 * torch.rand(case.emissions.shape, generator=torch.Generator().manual_seed(2)) - 1)
    best = emissions.argmax(2)
    leaf = emissions.clone().requires_grad_()
    found = nll(leaf, best, case.mask, *case.scores, backend=backend)
    found.sum().backward()
    assert leaf.grad.isfinite().all()
    # The two best tags of a word are hundreds of nats apart, give or take: nearly everything is on one path.
    expected = log_space_nll(emissions.double(), best, *(part.double() for part in case.scores))
    torch.testing.assert_close(found[0].item(), expected, rtol=1e-9, atol=1e-6)


def log_space_nll(emissions, tags, start, end, transitions):
    alpha = start + emissions[0, 0]
    for emission in emissions[0, 1:]:
        alpha = emission + torch.logsumexp(alpha[:, None] + transitions, 0)
    score = start[tags[0, 0]] + end[tags[0, -1]] + emissions[0].gather(1, tags[0, :, None]).sum()
    score = score + transitions[tags[0, :-1], tags[0, 1:]].sum()
    return (torch.logsumexp(alpha + end, 0) - score).item()


@every_case
def test_sequence_score_equals_enumeration(case):
    tags = legal_tags(case)
    found = sequence_score(case.emissions, tags, case.mask, *case.scores, legal=case.legal)
    expected = [e.score(tags[b, : e.words].tolist()) for b, e in enumerate(case.enumerated())]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))


def test_unknown_shapes_are_refused():
    case = CASES["three tags"]
    with pytest.raises(ValueError, match=r"expected emissions \[batch, words, 3 tags\]"):
        log_partition(case.emissions[..., :2], case.mask, *case.scores)
    with pytest.raises(ValueError, match="expected a mask of shape"):
        log_partition(case.emissions, case.mask[:, :2], *case.scores)
    start, end, transitions = case.scores
    for name, scores in {
        "start": (start[:2], end, transitions),
        "end": (start, end[:2], transitions),
        "transitions": (start, end, transitions[:, :2]),
    }.items():
        for backend in ("torch", "numba"):
            with pytest.raises(ValueError, match=rf"expected {name} of shape \(3"):
                log_partition(case.emissions, case.mask, *scores, backend=backend)
    with pytest.raises(ValueError, match=r"expected emissions .* some tags"):
        log_partition(case.emissions[..., :0], case.mask, start[:0], end[:0], transitions[:0, :0])


def test_falls_back_to_torch_where_numba_is_absent(monkeypatch):
    monkeypatch.setattr(backends, "numba_works", lambda: False)
    case = CASES["three tags"]
    assert backends.choose_backend("auto", case.emissions) == "torch"
    assert log_partition(case.emissions, case.mask, *case.scores).isfinite().all()
    with pytest.raises(ImportError, match="pip install"):
        log_partition(case.emissions, case.mask, *case.scores, backend="numba")
