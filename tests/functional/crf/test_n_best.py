"""The n best paths against enumeration."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from ner_lightning.functional.crf.n_best import n_best
from ner_lightning.functional.crf.viterbi import viterbi_decode
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


@pytest.mark.parametrize("n", [1, 2, 7, 30])
def test_ties_stay_in_the_order_of_their_tags(n):
    case = random_case(62, (4, 3), 4)
    case = case._replace(**{name: getattr(case, name).sign() for name in ("emissions", "start", "end", "transitions")})
    found = n_best(case.chain(), n)
    for b, expected in enumerate(case.enumerated()):
        # Equals by the tag of the last word, then of the one before: whole numbers have no rounding.
        ranked = sorted(
            zip(expected.paths, expected.scores, strict=True), key=lambda item: (-item[1], tuple(reversed(item[0])))
        )
        words = expected.words
        assert [tuple(path[:words]) for path in found.tags[b].tolist()] == [path for path, _ in ranked[:n]]


def test_many_words_and_tags_come_to_an_end():
    # Two hundred tags: to sort all ways into each tag would be 40,000 times n a word.
    case = random_case(63, (60,), 200, dtype=torch.float32)
    with Elements() as elements:
        n_best(case.chain(), 20)
    assert elements.largest <= 201 * 20 * 20  # with the boundary
    best = viterbi_decode(case.emissions.double(), case.mask, *(part.double() for part in case.scores), backend="torch")
    assert torch.equal(n_best(case.chain(), 20).tags[:, 0], best.tags)


class Elements(TorchDispatchMode):
    """The largest tensor that was sorted."""

    largest = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if "sort" in str(function):
            self.largest = max(self.largest, args[0].numel())
        return function(*args, **(kwargs or {}))


def test_no_path_is_refused():
    with pytest.raises(ValueError, match="got n=0"):
        n_best(CASES["two tags"].chain(), 0)
