"""What holds for every CRF, whatever its scores."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ner_lightning.functional.crf.chain import closed_chain
from ner_lightning.functional.crf.loss import log_partition, nll
from ner_lightning.functional.crf.marginals import marginals
from ner_lightning.functional.crf.n_best import n_best
from ner_lightning.functional.crf.sampling import sample
from ner_lightning.functional.crf.span_probability import entity_tags, span_probability
from ner_lightning.functional.crf.viterbi import viterbi_decode
from ner_lightning.tagging.tagset import TagSet
from tests.oracle.crf_cases import Case, random_case

SETS = (2, 5, TagSet(("A",), "IOB2"), TagSet(("A", "B"), "BIOES"))
cases = st.builds(
    random_case,
    seed=st.integers(0, 2**32),
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=4),
    tags=st.sampled_from(SETS),
    scale=st.sampled_from([0.1, 1.0, 10.0, 300.0]),
)
few = settings(max_examples=25)
every_backend = pytest.mark.parametrize("backend", ["torch", "numba"])


@every_backend
@few
@given(case=cases)
def test_marginals_sum_to_one_and_are_the_gradient(backend, case: Case):
    found = marginals(case.chain())
    torch.testing.assert_close(found.sum(2), case.mask.double(), rtol=0, atol=1e-9)
    leaf = case.emissions.clone().requires_grad_()
    log_partition(leaf, case.mask, *case.scores, legal=case.legal, backend=backend).sum().backward()
    torch.testing.assert_close(leaf.grad, found, rtol=1e-7, atol=1e-9)


@every_backend
@few
@given(case=cases, garbage=st.sampled_from([torch.nan, torch.inf, -torch.inf, 1e300]))
def test_padding_changes_nothing(backend, case: Case, garbage: float):
    dirty = case._replace(emissions=case.emissions.masked_fill(~case.mask[..., None], garbage))
    for function in (log_partition, lambda *a, **k: viterbi_decode(*a, **k).tags):
        arguments = {"legal": case.legal, "backend": backend}
        clean = function(case.emissions, case.mask, *case.scores, **arguments)
        assert torch.equal(function(dirty.emissions, case.mask, *case.scores, **arguments), clean)
    assert torch.equal(marginals(dirty.chain()), marginals(case.chain()))


@every_backend
@few
@given(case=cases)
def test_a_batch_is_its_sentences_one_by_one(backend, case: Case):
    together = log_partition(case.emissions, case.mask, *case.scores, legal=case.legal, backend=backend)
    best = viterbi_decode(case.emissions, case.mask, *case.scores, legal=case.legal, backend=backend)
    for b, words in enumerate(case.lengths):
        one = case.emissions[b : b + 1, :words], case.mask[b : b + 1, :words], *case.scores
        torch.testing.assert_close(log_partition(*one, legal=case.legal, backend=backend)[0], together[b])
        alone = viterbi_decode(*one, legal=case.legal, backend=backend)
        assert torch.equal(alone.tags[0], best.tags[b, :words])


@every_backend
@few
@given(case=cases, constant=st.floats(-50, 50))
def test_a_constant_for_a_word_moves_nothing_but_the_score(backend, case: Case, constant: float):
    moved = case._replace(
        emissions=case.emissions.index_add(1, torch.tensor([0]), torch.full_like(case.emissions[:, :1], constant))
    )
    torch.testing.assert_close(marginals(moved.chain()), marginals(case.chain()), rtol=1e-6, atol=1e-9)
    before, after = (
        viterbi_decode(one.emissions, one.mask, *one.scores, legal=one.legal, backend=backend) for one in (case, moved)
    )
    torch.testing.assert_close(after.best_score, before.best_score + constant, rtol=1e-9, atol=1e-9)


@few
@given(case=cases, n=st.integers(1, 6))
def test_n_best_is_sorted_and_distinct(case: Case, n: int):
    found = n_best(case.chain(), n)
    assert (found.scores[:, :-1] >= found.scores[:, 1:]).all()
    assert (found.probabilities.sum(1) <= 1 + 1e-9).all()
    for tags, scores, words in zip(found.tags.tolist(), found.scores, case.lengths, strict=True):
        real = [tuple(path[:words]) for path, score in zip(tags, scores, strict=True) if score > -torch.inf]
        assert len(set(real)) == len(real)


@few
@given(case=cases.filter(lambda case: case.legal is not None), seed=st.integers(0, 100))
def test_no_path_is_ever_illegal(case: Case, seed: int):
    boundary = len(case.legal) - 1
    for paths in (
        *(
            viterbi_decode(case.emissions, case.mask, *case.scores, legal=case.legal, backend=b).tags[:, None]
            for b in ("torch", "numba")
        ),
        sample(case.chain(), 3, torch.Generator().manual_seed(seed)),
        n_best(case.chain(), 1).tags,
    ):
        for sentence, words in zip(paths.tolist(), case.lengths, strict=True):
            for path in sentence:
                closed = [boundary, *path[:words], boundary]
                assert all(case.legal[i, j] for i, j in itertools.pairwise(closed))


@few
@given(case=cases.filter(lambda case: case.legal is not None), word=st.integers(0, 11))
def test_disjoint_alternatives_never_exceed_one(case: Case, word: int):
    tags = next(one for one in SETS if isinstance(one, TagSet) and len(one) == case.transitions.shape[0])
    words = case.lengths[0]
    word %= words
    overlapping = [
        (0, start, end, kind)
        for start in range(word + 1)
        for end in range(word + 1, words + 1)
        for kind in range(len(tags.types))
    ]
    found = span_probability(case.chain(), torch.tensor(overlapping), entity_tags(tags)).sum()
    outside = marginals(case.chain())[0, word, 0]
    torch.testing.assert_close(
        (found + outside).item(), 1.0, rtol=0, atol=1e-7
    )  # the word is in one of them, or in none


@every_backend
@few
@given(case=cases, seed=st.integers(0, 2**32))
def test_nll_is_never_negative(backend, case: Case, seed: int):
    chain = closed_chain(case.emissions, case.mask, *case.scores, case.legal)
    tags = sample(chain, 1, torch.Generator().manual_seed(seed))[:, 0]
    value = nll(case.emissions, tags, case.mask, *case.scores, legal=case.legal, backend=backend)
    assert (value >= -1e-8 * case.emissions.abs().sum((1, 2))).all()
