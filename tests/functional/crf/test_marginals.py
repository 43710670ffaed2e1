"""Marginals, path probability and entropy against enumeration."""

import pytest
import torch

from ner_lightning.functional.crf.marginals import entropy, marginals, path_probability
from tests.oracle.crf_cases import CASES, legal_tags, random_case

every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@every_case
def test_marginals_equal_enumeration(case):
    found = marginals(case.chain())
    for b, expected in enumerate(case.enumerated()):
        torch.testing.assert_close(found[b, : expected.words], expected.marginals())
        assert (found[b, expected.words :] == 0).all()


@every_case
def test_path_probability_equals_enumeration(case):
    tags = legal_tags(case)
    found = path_probability(case.emissions, tags, case.mask, *case.scores, legal=case.legal)
    for b, expected in enumerate(case.enumerated()):
        index = expected.paths.index(tuple(tags[b, : expected.words].tolist()))
        torch.testing.assert_close(found[b].item(), expected.probabilities[index])


@every_case
def test_entropy_equals_enumeration(case):
    expected = torch.tensor([found.entropy() for found in case.enumerated()], dtype=torch.float64)
    torch.testing.assert_close(entropy(case.chain()), expected, rtol=1e-7, atol=1e-9)


def test_entropy_of_a_certain_sentence_is_zero():
    case = random_case(41, (6, 3), 4, scale=1e4)
    torch.testing.assert_close(entropy(case.chain()), torch.zeros(2, dtype=torch.float64), rtol=0, atol=1e-6)
