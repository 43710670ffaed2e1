from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_lightning.analysis.error_kinds import KINDS, Error, classify, confusion, error_table, shared_words
from ner_lightning.run.predictions import StoredSentence
from ner_lightning.statistics.counts import sentence_counts
from ner_lightning.tagging.spans import EntitySpan, ScoredSpan
from tests.oracle import spans as drawn


def span(text: str) -> EntitySpan:
    """`0-2 PER`."""
    words, label = text.split()
    start, end = words.split("-")
    return EntitySpan(int(start), int(end), label)


def kinds(gold: list[str], predicted: list[str]) -> list[str]:
    return [error.kind for error in classify(map(span, gold), map(span, predicted))]


@pytest.mark.parametrize(
    ("gold", "predicted", "expected"),
    [
        (["0-2 PER"], ["0-2 PER"], []),
        (["0-2 PER"], ["0-1 PER"], ["boundary"]),
        (["0-2 PER"], ["0-2 LOC"], ["type"]),
        (["0-2 PER"], ["1-4 LOC"], ["boundary_and_type"]),
        (["0-2 PER"], ["2-4 PER"], ["missed", "spurious"]),  # neighbours share nothing
        (["0-3 PER"], ["0-1 PER", "2-3 PER"], ["split"]),
        (["0-3 PER"], ["0-1 LOC", "1-2 ORG", "2-5 PER"], ["split"]),
        (["0-1 PER", "1-3 LOC"], ["0-3 LOC"], ["merged"]),
        (["0-1 PER", "2-3 LOC"], ["0-4 ORG"], ["merged"]),
        # A chain: each finds its own partner.
        (["0-3 PER", "4-7 PER"], ["2-5 PER", "6-8 PER"], ["boundary", "boundary"]),
        # A hit takes no part: what lies beside it has nothing to be split from.
        (["0-2 PER"], ["0-2 PER", "3-4 PER"], ["spurious"]),
        # Both ends of the long prediction are in gold, and the gold in the middle has a fragment: never both kinds.
        (["0-9 PER", "9-11 LOC"], ["0-1 PER", "1-11 PER"], ["split", "missed"]),
    ],
)
def test_kinds(gold: list[str], predicted: list[str], expected: list[str]) -> None:
    assert kinds(gold, predicted) == expected


def test_most_common_words_decide_and_stand_first() -> None:
    [error] = classify([span("0-5 PER")], [span("0-1 PER"), span("2-5 LOC")])
    assert error == Error("split", (span("0-5 PER"),), (span("2-5 LOC"), span("0-1 PER")))
    [first, second] = classify([span("0-3 PER"), span("3-6 PER")], [span("1-5 PER"), span("5-7 PER")])
    assert first == Error("boundary", (span("0-3 PER"),), (span("1-5 PER"),))
    assert second.predicted == (span("5-7 PER"),)
    # As many words in common: the same type wins.
    [merged] = classify([span("0-1 LOC"), span("1-2 PER")], [span("0-2 PER")])
    assert merged.gold == (span("1-2 PER"), span("0-1 LOC"))


@given(drawn.sentences(), drawn.sentences(), st.randoms())
def test_every_wrong_entity_is_in_one_error(gold, predicted, random) -> None:
    gold, predicted = set(gold[0]), set(predicted[0])
    errors = classify(gold, predicted)
    missed = [span for error in errors for span in error.gold]
    wrong = [span for error in errors for span in error.predicted]
    assert sorted(missed) == sorted(gold - predicted)  # sorted lists, not sets: none stands twice
    assert sorted(wrong) == sorted(predicted - gold)
    for kind, golds, found in errors:
        sizes = len(golds), len(found)
        assert {"missed": sizes == (1, 0), "spurious": sizes == (0, 1)}.get(kind, min(sizes) == 1)
        assert (kind == "split") == (sizes[1] > 1)
        assert (kind == "merged") == (sizes[0] > 1)
        assert all(shared_words(g, p) for g in golds for p in found)
        if sizes == (1, 1):
            same_words, same_type = golds[0][:2] == found[0][:2], golds[0].label == found[0].label
            assert kind == {(False, True): "boundary", (True, False): "type"}.get(
                (same_words, same_type), "boundary_and_type"
            )
    shuffled = [random.sample(sorted(side), len(side)) for side in (gold, predicted)]
    assert classify(*shuffled) == errors


def stored(gold, predicted) -> StoredSentence:
    n_words = max([span.end for span in [*gold, *predicted]], default=1)
    found = tuple(ScoredSpan(span, 0.5) for span in predicted)
    return StoredSentence("1", "", ("w",) * n_words, tuple(gold), found)


corpora = st.lists(st.tuples(drawn.sentences(), drawn.sentences()), max_size=4).map(
    lambda pairs: [stored(gold, predicted) for (gold, _), (predicted, _) in pairs]
)


@given(corpora)
def test_the_table_sums_to_misses_and_false_alarms_of_the_metric(sentences: list[StoredSentence]) -> None:
    table = error_table(sentences)
    correct, predicted, gold = sentence_counts(sentences).sum(0)
    totals = [row for row in table if row.type == "all"]
    assert [row.kind for row in totals] == list(KINDS)
    assert sum(row.misses for row in totals) == gold - correct
    assert sum(row.false_alarms for row in totals) == predicted - correct
    for label in {row.type for row in table} - {"all"}:
        rows = [row for row in table if row.type == label]
        hits = sum(g.label == label for s in sentences for g in set(s.gold) & {p.span for p in s.predicted})
        assert sum(row.misses for row in rows) + hits == sum(g.label == label for s in sentences for g in s.gold)
        found = sum(p.span.label == label for s in sentences for p in s.predicted)
        assert sum(row.false_alarms for row in rows) + hits == found


@given(corpora)
def test_confusion_has_each_entity_once(sentences: list[StoredSentence]) -> None:
    types, counts, hits = confusion(sentences)
    for i, label in enumerate(types[:-1]):
        assert counts[i].sum() == sum(g.label == label for s in sentences for g in s.gold)
        assert counts[:, i].sum() == sum(p.span.label == label for s in sentences for p in s.predicted)
    assert counts[-1, -1] == 0
    assert hits.sum() == sentence_counts(sentences).sum(0)[0]
    assert (hits <= np.diagonal(counts)).all()


def test_an_error_of_two_types_counts_for_both_and_in_all_once() -> None:
    table = error_table([stored([span("0-2 PER")], [span("0-2 LOC")])])
    rows = {row.type: row[2:] for row in table if row.kind == "type"}
    assert rows == {"all": (1, 1, 1), "LOC": (0, 1, 1), "PER": (1, 0, 1)}
    types, counts, hits = confusion([stored([span("0-2 PER")], [span("0-2 LOC")])])
    assert types == ("LOC", "PER", "none")
    assert counts.tolist() == [[0, 0, 0], [1, 0, 0], [0, 0, 0]]
    assert not hits.any()


def test_the_strict_reading_is_that_of_the_metric() -> None:
    """I-PER alone is an entity to conlleval and none to the strict metric: a false alarm there, a miss here."""
    broken = StoredSentence(
        "1", "", ("a", "b"), (span("0-1 PER"),), (ScoredSpan(span("0-1 PER"), 0.5),), ("I-PER", "O")
    )
    strict = {row.kind: row.misses for row in error_table([broken]) if row.type == "all"}
    assert strict["missed"] == 1
    assert not any(row.misses for row in error_table([broken], strict=False))
