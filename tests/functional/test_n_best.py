"""The n best paths against enumeration."""

import pytest
import torch

from ner_lightning.functional.n_best import n_best
from ner_lightning.functional.viterbi import viterbi_decode
from tests.oracle.crf_cases import CASES, random_case


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("n", [1, 3, 20])
def test_equals_enumeration(case, n):
    found = n_best(case.chain(), n)
    for b, expected in enumerate(case.enumerated()):
        ranked = expected.ranked()[:n]
        words, many = expected.words, len(ranked)
        assert [tuple(path[:words]) for path in found.tags[b, :many].tolist()] == [path for path, _ in ranked]
        torch.testing.assert_close(found.scores[b, :many].tolist(), [score for _, score in ranked])
        probabilities = sorted(expected.probabilities, reverse=True)[:n]
        torch.testing.assert_close(found.probabilities[b, :many].tolist(), probabilities)
        # Fewer sequences than asked for: the rest is marked.
        assert (found.scores[b, many:] == -torch.inf).all()
        assert (found.probabilities[b, many:] == 0).all()
        assert (found.tags[b, :, words:] == 0).all()


def test_the_first_is_viterbis_ties_included():
    case = random_case(61, (6, 4, 2), 3)
    case = case._replace(**{name: getattr(case, name).sign() for name in ("emissions", "start", "end", "transitions")})
    expected = viterbi_decode(case.emissions, case.mask, *case.scores, backend="torch")
    assert torch.equal(n_best(case.chain(), 5).tags[:, 0], expected.tags)


def test_no_path_is_refused():
    with pytest.raises(ValueError, match="got n=0"):
        n_best(CASES["two tags"].chain(), 0)
