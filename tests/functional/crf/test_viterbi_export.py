"""The graph an exporter gets: the same paths, for lengths it never saw."""

import pytest
import torch

from ner_lightning.functional.crf.chain import scored_moves
from ner_lightning.functional.crf.viterbi import viterbi_decode
from ner_lightning.functional.crf.viterbi_export import viterbi_graph
from ner_lightning.tagging.tagset import TagSet
from tests.oracle.crf_cases import CASES, random_case


class Decoder(torch.nn.Module):
    def __init__(self, case):
        super().__init__()
        self.register_buffer("moves", scored_moves(*case.scores, case.legal))

    def forward(self, emissions, mask):
        return viterbi_graph(emissions, mask, self.moves)


@pytest.mark.parametrize("name", ["IOB2", "one word"])  # run as it is, each scan is compiled first: seconds
def test_equals_viterbi_decode(name):
    case = CASES[name]
    expected = viterbi_decode(case.emissions, case.mask, *case.scores, legal=case.legal, backend="torch").tags
    assert torch.equal(Decoder(case)(case.emissions, case.mask), expected)


def test_exported_once_it_decodes_batches_and_lengths_it_never_saw():
    tags = TagSet(("A", "B"), "BIOES")
    case = random_case(81, (6, 4), tags, dtype=torch.float32)
    batch, words = torch.export.Dim("batch", min=1, max=64), torch.export.Dim("words", min=2, max=512)
    exported = torch.export.export(
        Decoder(case),
        (case.emissions, case.mask),
        dynamic_shapes={"emissions": {0: batch, 1: words}, "mask": {0: batch, 1: words}},
    ).module()
    ties = torch.zeros(2, 5, len(tags)), torch.ones(2, 5, dtype=torch.bool)
    expected = viterbi_decode(*ties, *case.scores, legal=case.legal, backend="torch").tags
    assert torch.equal(exported(*ties), expected)
    for lengths in ((6, 4), (3, 1, 2), (17, 9, 30, 2)):
        other = random_case(len(lengths), lengths, tags, dtype=torch.float32)
        expected = viterbi_decode(other.emissions, other.mask, *case.scores, legal=case.legal, backend="torch").tags
        assert torch.equal(exported(other.emissions, other.mask), expected)
