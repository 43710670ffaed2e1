from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ner_lightning.metrics.entity_f1 import EntityF1
from ner_lightning.run.predictions import StoredSentence
from ner_lightning.statistics.counts import (
    as_system,
    document_groups,
    f1,
    judged_entities,
    run_f1,
    scheme_of,
    sentence_counts,
    sum_groups,
)
from ner_lightning.tagging.schemes import spans_to_tags, tags_to_spans
from ner_lightning.tagging.spans import EntitySpan, ScoredSpan
from ner_lightning.tagging.tagset import TagSet
from tests.oracle import spans as drawn

TYPES = ("PER", "LOC", "creative-work")


@st.composite
def evaluated(draw: st.DrawFn, scheme: str) -> tuple[StoredSentence, list[str], list[str]]:
    """A sentence as a run stores it, its gold tags and those of a model that obeys no rules."""
    gold, n_words = draw(drawn.sentences())
    n_words = max(n_words, 1)
    tag_set = TagSet(TYPES, scheme).tags
    tags = draw(st.lists(st.sampled_from(tag_set), min_size=n_words, max_size=n_words))
    if draw(st.booleans()):  # often nearly right, or there would be no hits
        right = spans_to_tags(gold, n_words, scheme)
        tags = [tag if draw(st.integers(0, 3)) == 0 else good for tag, good in zip(tags, right, strict=True)]
    unknown = tuple(sorted(draw(st.sets(st.integers(0, n_words - 1), max_size=2))))
    decoded = tags_to_spans(tags, scheme)
    found = tuple(ScoredSpan(span, 0.5) for span in decoded.spans)
    stored = tuple(tags) if decoded.repaired else None
    words = ("w",) * n_words
    return (
        StoredSentence("1", "", words, tuple(gold), found, stored, unknown),
        spans_to_tags(gold, n_words, scheme),
        tags,
    )


@pytest.mark.parametrize("scheme", ["IOB2", "BIOES"])
@given(data=st.data())
def test_sums_are_the_counts_of_the_metric(scheme: str, data) -> None:
    """From the tags the metric saw, with words that nobody annotated read as outside, as in the evaluation step."""
    sentences = data.draw(st.lists(evaluated(scheme), min_size=1, max_size=4))
    tag_set = TagSet(TYPES, scheme)
    metric = EntityF1(tag_set)
    for sentence, gold, predicted in sentences:
        free = torch.zeros(1, len(gold), dtype=torch.bool)
        free[0, list(sentence.unknown)] = True
        ids = [torch.tensor([[tag_set.index[tag] for tag in tags]]) for tags in (predicted, gold)]
        metric.update(*ids, torch.ones(1, len(gold), dtype=torch.bool), free)
    stored = [sentence for sentence, _, _ in sentences]
    strict, lenient = (sentence_counts(stored, strict, scheme).sum(0).tolist() for strict in (True, False))
    assert [strict, lenient] == metric.counts.sum(1).tolist()
    scores = metric.compute()
    assert f1(strict) == pytest.approx(scores["f1"])
    assert f1(lenient) == pytest.approx(scores["lenient_f1"])


def test_what_is_stored_is_taken_where_it_is_legal() -> None:
    oslo, wrong = EntitySpan(0, 2, "LOC"), EntitySpan(3, 4, "LOC")
    sentence = StoredSentence("1", "", ("a", "b", "c", "d"), (oslo,), (ScoredSpan(oslo, 1.0), ScoredSpan(wrong, 0.3)))
    assert sentence_counts([sentence, sentence]).tolist() == [[1, 2, 1], [1, 2, 1]]
    assert judged_entities([sentence]) == [((oslo,), (oslo, wrong))]
    assert sentence_counts([]).shape == (0, 3)


def test_the_scheme_is_told_by_the_tags() -> None:
    """B-PER I-PER is an entity in IOB2 and an unfinished one in BIOES."""
    ann = EntitySpan(0, 2, "PER")
    first = StoredSentence("1", "", ("a", "b", "c", "d"), (ann,), (), ("B-PER", "I-PER", "O", "I-PER"))
    second = StoredSentence("2", "", ("a",), (), (), ("E-PER",))
    assert scheme_of([first]) == "IOB2"
    assert scheme_of([first, second]) == "BIOES"
    assert scheme_of([StoredSentence("3", "", ("a", "b"), (), (), ("S-PER", "I-PER"))]) == "BIOES"
    assert sentence_counts([first]).tolist() == [[1, 1, 1]]
    assert sentence_counts([first, second]).tolist() == [[0, 0, 1], [0, 0, 0]]
    assert sentence_counts([first], scheme="BIOES").tolist() == [[0, 0, 1]]


def test_f1_by_hand() -> None:
    assert run_f1([[[1, 2, 1], [0, 0, 2]], [[0, 0, 1], [0, 0, 2]]]).tolist() == [0.4, 0.0]
    assert run_f1([[2, 2, 2]]).tolist() == [1.0]


def test_documents_are_added_up_and_unnamed_ones_stay_apart() -> None:
    counts = np.arange(8 * 3).reshape(2, 4, 3) * 0 + [[1, 2, 3]]
    summed = sum_groups(counts, ["b", "", "b", ""])
    assert summed.tolist() == [[[2, 4, 6], [1, 2, 3], [1, 2, 3]]] * 2
    assert (sum_groups(counts, None) == counts).all()


def test_documents_are_used_when_there_are_enough() -> None:
    def sentences(names: list[str]) -> list[StoredSentence]:
        return [StoredSentence("1", name, ("a",), (), ()) for name in names]

    many = [str(i // 2) for i in range(40)]
    assert document_groups(sentences(many)) == many
    assert document_groups(sentences(many[:-2])) is None
    assert document_groups(sentences([*many, ""])) is None
    assert document_groups(sentences([str(i) for i in range(40)])) is None  # each sentence a document: nothing to group


@pytest.mark.parametrize(
    "counts", [np.zeros((2, 3, 4), int), np.zeros((0, 3, 3), int), np.zeros((2, 0, 3), int), np.zeros((1, 1, 3))]
)
def test_what_are_no_counts(counts) -> None:
    with pytest.raises(ValueError, match=r"integers of shape \[runs, sentences, 3\]"):
        as_system(counts)


def test_impossible_counts() -> None:
    for row in ([2, 1, 3], [2, 3, 1], [-1, 1, 1]):
        with pytest.raises(ValueError, match="no more correct entities"):
            as_system([[row]])
    with pytest.raises(ValueError, match="each of 1 sentences, received 2"):
        sum_groups([[[0, 0, 0]]], ["a", "b"])
