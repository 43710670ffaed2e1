"""Entity counts against seqeval: both schemes, both modes, legal and illegal sequences, each type and their sum."""

from __future__ import annotations

import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.metrics.sequence_labeling import precision_recall_fscore_support as lenient_scores
from seqeval.metrics.v1 import precision_recall_fscore_support as strict_scores
from seqeval.scheme import IOB2, IOBES, Entities
from torch import Tensor

from ner_lightning.functional.entities import count_chunks, entity_spans, find_chunks

TYPES = ("LOC", "ORG", "PER")
SCHEMES = {"IOB2": ("BI", IOB2), "BIOES": ("BIES", IOBES)}
CODES = "OBIES"


def inventory(scheme: str) -> list[str]:
    return ["O", *(f"{prefix}-{name}" for name in TYPES for prefix in SCHEMES[scheme][0])]


def tables(scheme: str, device: torch.device | str = "cpu") -> tuple[Tensor, Tensor]:
    tags = inventory(scheme)
    prefixes = torch.tensor([CODES.index(tag[0]) for tag in tags])
    types = torch.tensor([TYPES.index(tag[2:]) if tag != "O" else -1 for tag in tags])
    return prefixes.to(device), types.to(device)


def padded(sentences: list[list[int]], filler: int) -> Tensor:
    width = max(map(len, sentences))
    return torch.tensor([sentence + [filler] * (width - len(sentence)) for sentence in sentences])


def mask_of(sentences: list[list[int]]) -> Tensor:
    return padded([[1] * len(sentence) for sentence in sentences], 0).bool()


def entity_counts(predicted: Tensor, gold: Tensor, mask: Tensor, scheme: str, strict: bool = True) -> Tensor:
    found, wanted = (find_chunks(tags, mask, *tables(scheme, mask.device)) for tags in (predicted, gold))
    return count_chunks(found, wanted, len(TYPES), strict)


@st.composite
def tagged_batches(draw: st.DrawFn) -> tuple[str, list[list[int]], list[list[int]]]:
    """Gold and predictions, any tag after any other; predictions often repeat gold, so that much of it is correct."""
    scheme = draw(st.sampled_from(sorted(SCHEMES)))
    tag = st.integers(0, len(inventory(scheme)) - 1)
    gold = draw(st.lists(st.lists(tag, min_size=1, max_size=8), min_size=1, max_size=5))
    predicted = [[draw(st.one_of(st.just(word), tag)) for word in sentence] for sentence in gold]
    return scheme, predicted, gold


def seqeval_counts(predicted: list[list[str]], gold: list[list[str]], scheme: str, strict: bool) -> list[list[int]]:
    """Per type: correct, predicted, gold, from seqeval's own entities."""
    if strict:
        found = [Entities(tags, SCHEMES[scheme][1]) for tags in (predicted, gold)]
        sets = [{(e.tag, e.sent_id, e.start, e.end) for s in f.entities for e in s} for f in found]
    else:
        sets = [set(get_entities(tags)) for tags in (predicted, gold)]
    by_type = [[{e for e in s if e[0] == name} for s in sets] for name in TYPES]
    return [[len(ours & theirs), len(ours), len(theirs)] for ours, theirs in by_type]


@pytest.mark.parametrize("strict", [True, False])
@given(batch=tagged_batches())
@settings(max_examples=300)
def test_counts_equal_seqeval(batch: tuple[str, list[list[int]], list[list[int]]], strict: bool) -> None:
    scheme, predicted, gold = batch
    tags = inventory(scheme)
    predicted_tags, gold_tags = ([[tags[i] for i in s] for s in side] for side in (predicted, gold))

    # Padding holds rubbish on both sides: a tag in the predictions, the ignore index in gold.
    counts = entity_counts(padded(predicted, 1), padded(gold, -100), mask_of(gold), scheme, strict)

    assert counts.tolist() == seqeval_counts(predicted_tags, gold_tags, scheme, strict)
    correct, found, wanted = counts.sum(0).tolist()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if strict:
            scores = strict_scores(gold_tags, predicted_tags, average="micro", scheme=SCHEMES[scheme][1])
        else:
            scores = lenient_scores(gold_tags, predicted_tags, average="micro")
    assert scores[0] == pytest.approx(correct / found if found else 0.0)
    assert scores[1] == pytest.approx(correct / wanted if wanted else 0.0)


@given(batch=tagged_batches())
@settings(max_examples=200)
def test_spans_equal_seqeval(batch: tuple[str, list[list[int]], list[list[int]]]) -> None:
    scheme, sentences, _ = batch
    tags = inventory(scheme)
    spans = entity_spans(padded(sentences, 1), mask_of(sentences), *tables(scheme))
    expected = [
        [number, start, last + 1, TYPES.index(name)]
        for number, sentence in enumerate(sentences)
        for name, start, last in get_entities([tags[i] for i in sentence])
    ]
    assert spans.tolist() == expected


@pytest.mark.parametrize(
    ("scheme", "tags", "lenient", "strict"),
    [
        ("IOB2", ["I-PER", "I-PER"], 1, 0),
        ("IOB2", ["B-PER", "I-ORG"], 2, 1),
        ("IOB2", ["B-PER", "B-PER"], 2, 2),
        ("BIOES", ["B-PER", "I-PER"], 1, 0),
        ("BIOES", ["B-PER", "E-PER", "E-PER"], 2, 1),
        ("BIOES", ["S-PER", "I-PER", "E-PER"], 2, 1),
        ("BIOES", ["B-PER", "S-PER"], 2, 1),
    ],
)
def test_known_readings(scheme: str, tags: list[str], lenient: int, strict: int) -> None:
    ids = torch.tensor([[inventory(scheme).index(tag) for tag in tags]])
    for is_strict, expected in ((False, lenient), (True, strict)):
        counts = entity_counts(ids, ids, torch.ones_like(ids).bool(), scheme, is_strict)
        assert counts.sum(0).tolist() == [expected] * 3


def test_entities_do_not_cross_sentences() -> None:
    ids = torch.tensor([[0, 1], [2, 2]])  # ... B-LOC | I-LOC I-LOC
    spans = entity_spans(ids, torch.ones(2, 2).bool(), *tables("IOB2"))
    assert spans.tolist() == [[0, 1, 2, 0], [1, 0, 2, 0]]


def test_word_outside_the_mask_reads_as_outside() -> None:
    ids = torch.tensor([[1, 2, 2, 2]])
    mask = torch.tensor([[True, False, True, True]])
    assert entity_spans(ids, mask, *tables("IOB2")).tolist() == [[0, 0, 1, 0], [0, 2, 4, 0]]


def test_counting_works_without_values() -> None:
    """A meta tensor has no values, so any `.item()`, truth test or data-dependent shape would raise."""
    ids = torch.zeros(4, 7, dtype=torch.long, device="meta")
    mask = torch.ones(4, 7, dtype=torch.bool, device="meta")
    for strict in (True, False):
        assert entity_counts(ids, ids, mask, "BIOES", strict).shape == (3, 3)
