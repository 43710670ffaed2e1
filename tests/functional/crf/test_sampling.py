"""Samples: their frequencies are the enumerated probabilities, and a generator repeats them."""

import pytest
import torch

from ner_lightning.functional.crf.sampling import sample
from tests.oracle.crf_cases import CASES, random_case


@pytest.mark.parametrize("name", ["three tags", "IOB2", "BIOES", "one word"])
def test_frequencies_are_the_probabilities(name):
    case, n = CASES[name], 4000
    drawn = sample(case.chain(), n, torch.Generator().manual_seed(0))
    for b, expected in enumerate(case.enumerated()):
        counts = dict.fromkeys(expected.paths, 0)
        for path in drawn[b, :, : expected.words].tolist():
            counts[tuple(path)] += 1  # an illegal path is a KeyError
        frequencies = torch.tensor(list(counts.values())) / n
        probabilities = torch.tensor(expected.probabilities)
        # Five standard deviations of a frequency, for each path.
        assert (
            (frequencies - probabilities).abs() <= 5 * (probabilities * (1 - probabilities) / n).sqrt() + 1e-3
        ).all()
        assert (drawn[b, :, expected.words :] == 0).all()


def test_a_generator_repeats_the_samples():
    case = random_case(71, (7, 3), 4, scale=0.1)
    first, second, other = (sample(case.chain(), 5, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_no_samples_are_refused():
    with pytest.raises(ValueError, match="got n=0"):
        sample(CASES["two tags"].chain(), 0)
