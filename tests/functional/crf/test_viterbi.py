"""Viterbi: against enumeration, against pytorch-crf, tie by tie, and how often a device would wait."""

import pytest
import torch
import torchcrf

from ner_lightning.functional.crf.loss import sequence_score
from ner_lightning.functional.crf.viterbi import viterbi_decode
from tests.oracle.crf_cases import CASES, Counter, random_case

every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
every_backend = pytest.mark.parametrize("backend", ["torch", "numba"])


@every_case
@pytest.mark.parametrize("backend", ["torch", "numba", "reference"])
def test_best_path_and_score_equal_enumeration(case, backend):
    found = viterbi_decode(case.emissions, case.mask, *case.scores, legal=case.legal, backend=backend)
    for b, expected in enumerate(case.enumerated()):
        path, score = expected.ranked()[0]
        assert tuple(found.tags[b].tolist()) == path + (0,) * (case.mask.shape[1] - len(path))
        torch.testing.assert_close(found.best_score[b].item(), score)


@every_backend
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_paths_are_those_of_pytorch_crf_ties_included(backend, dtype):
    generator = torch.Generator().manual_seed(0)
    for tags in (2, 5, 9):
        # Small whole numbers: most sentences have many best paths.
        emissions = torch.randint(-1, 2, (8, 12, tags), generator=generator).to(dtype)
        lengths = torch.randint(1, 13, (8,), generator=generator)
        mask = torch.arange(12) < lengths[:, None]
        reference = torchcrf.CRF(tags, batch_first=True).to(dtype)
        for parameter in reference.parameters():
            parameter.data = torch.randint(-1, 2, parameter.shape, generator=generator).to(dtype)
        found = viterbi_decode(emissions, mask, *reference.parameters(), backend=backend).tags
        expected = reference.decode(emissions, mask)
        assert [row[:n].tolist() for row, n in zip(found, lengths, strict=True)] == expected


@every_backend
def test_paths_are_those_of_pytorch_crf_where_rounding_makes_ties(backend):
    generator = torch.Generator().manual_seed(1)
    # At 2 ** 24 float32 has steps of 2: what was apart before the emission is added is equal after.
    emissions = torch.rand(16, 6, 4, generator=generator)
    emissions[:, 1] += 2.0**24
    mask = torch.ones(16, 6, dtype=torch.bool)
    reference = torchcrf.CRF(4, batch_first=True)
    found = viterbi_decode(emissions, mask, *reference.parameters(), backend=backend).tags
    assert found.tolist() == reference.decode(emissions, mask)


@every_backend
def test_known_bug_1_padding_takes_no_part_in_decoding(backend):
    case = random_case(21, (5, 2, 1), 4)
    dirty = case.emissions.masked_fill(~case.mask[..., None], torch.nan)
    clean = viterbi_decode(case.emissions, case.mask, *case.scores, backend=backend)
    found = viterbi_decode(dirty, case.mask, *case.scores, backend=backend)
    assert torch.equal(found.tags, clean.tags)
    assert torch.equal(found.best_score, clean.best_score)
    assert (found.tags[~case.mask] == 0).all()


def test_known_bug_14_no_host_synchronisation_for_a_batch():
    case = random_case(22, (16,) * 8, 5, dtype=torch.float32)
    with Counter() as counter:
        viterbi_decode(case.emissions, case.mask, *case.scores, backend="torch")
    assert counter.waits <= 1
    reference = torchcrf.CRF(5, batch_first=True)
    with Counter() as counter:
        reference.decode(case.emissions, case.mask)
    assert counter.waits > 100  # so the counter counts


def test_known_bug_14_a_device_never_makes_the_host_wait():
    # On the meta device there are no values: whatever needs one raises.
    case = random_case(23, (7, 3), 5, dtype=torch.float32)
    emissions, mask, *scores = (part.to("meta") for part in (case.emissions, case.mask, *case.scores))
    legal = torch.ones(6, 6, dtype=torch.bool, device="meta")
    assert viterbi_decode(emissions, mask, *scores, legal=legal).tags.shape == (2, 7)


@every_backend
def test_best_score_is_the_score_of_the_best_path(backend):
    case = random_case(24, (30, 11), 9)
    found = viterbi_decode(case.emissions, case.mask, *case.scores, backend=backend)
    expected = sequence_score(case.emissions, found.tags, case.mask, *case.scores)
    torch.testing.assert_close(found.best_score, expected)


@every_backend
@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_known_bug_8_decoding_half_precision_emissions_under_autocast(backend, kind):
    case = random_case(25, (64, 40), 9, dtype=torch.float32)
    emissions = case.emissions.to(kind)
    expected = viterbi_decode(emissions.float(), case.mask, *case.scores, backend=backend)
    with torch.autocast("cpu", kind):
        found = viterbi_decode(emissions, case.mask, *case.scores, backend=backend)
    assert torch.equal(found.tags, expected.tags)
    assert found.best_score.dtype == torch.float32
