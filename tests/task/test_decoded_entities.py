from __future__ import annotations

import pytest
import torch

from ner_lightning.errors import UserError
from ner_lightning.model.decoder.crf import CRF
from ner_lightning.model.decoder.softmax import Softmax
from ner_lightning.tagging.tagset import TagSet
from ner_lightning.task.decoded_entities import read_batch
from tests.oracle.crf_cases import Counter
from tests.oracle.host_copies import HostCopies

TAGS = TagSet(("LOC", "PER"), "IOB2")
LENGTHS = (4, 1, 6)


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    mask = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]
    emissions = 3 * torch.randn(*mask.shape, len(TAGS), generator=torch.Generator().manual_seed(0))
    return emissions, mask


@pytest.mark.parametrize("decoder", [CRF(TAGS), Softmax(TAGS)])
def test_entities_and_tags_of_each_sentence(decoder: CRF | Softmax) -> None:
    emissions, mask = batch()
    predicted = decoder.decode(emissions, mask)
    read = read_batch(decoder, emissions, predicted, mask, TAGS)
    assert [len(one.tag_ids) for one in read] == list(LENGTHS)
    assert any(one.entities for one in read)
    for number, one in enumerate(read):
        assert list(one.tag_ids) == predicted[number][mask[number]].tolist()
        assert tuple(found.span for found in one.entities) == TAGS.decode(one.tag_ids).spans
        assert all(0 < found.probability <= 1 for found in one.entities)


def test_a_batch_without_entities() -> None:
    emissions, mask = batch()
    read = read_batch(CRF(TAGS), emissions, torch.zeros_like(mask, dtype=torch.long), mask, TAGS)
    assert [one.entities for one in read] == [()] * 3
    assert [set(one.tag_ids) for one in read] == [{0}] * 3


def test_one_copy_to_the_host_and_one_wait_for_the_number_of_entities() -> None:
    emissions, mask = batch()
    decoder = CRF(TAGS)
    predicted = decoder.decode(emissions, mask)
    with HostCopies() as copied, Counter() as counter:
        read_batch(decoder, emissions, predicted, mask, TAGS)
    assert copied.copies == 1
    assert counter.waits == 1


@pytest.mark.parametrize("decoder", [CRF(TAGS), Softmax(TAGS)])
def test_scores_that_are_no_numbers_are_said(decoder: CRF | Softmax) -> None:
    # On a device decoding does not look: the copy that goes to the host anyway says it.
    emissions, mask = batch()
    predicted = decoder.decode(emissions, mask)
    emissions[1, 0, 0] = emissions[0, 5] = torch.nan  # a word, and padding
    with pytest.raises(UserError, match="NaN in 1 of 3 sentences"):
        read_batch(decoder, emissions, predicted, mask, TAGS)
