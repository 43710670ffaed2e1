from __future__ import annotations

from itertools import groupby

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ner_lightning.analysis.slices import Slice, same_sentences, slice_counts, slice_keys, slice_table
from ner_lightning.run.predictions import StoredSentence
from ner_lightning.statistics.counts import run_f1, sentence_counts
from ner_lightning.tagging.spans import EntitySpan, ScoredSpan
from tests.oracle import spans as drawn
from tests.oracle.one_set import mean_f1_interval


def stored(words: str, gold: list[EntitySpan], predicted: list[EntitySpan]) -> StoredSentence:
    return StoredSentence("1", "", tuple(words.split()), tuple(gold), tuple(ScoredSpan(s, 0.5) for s in predicted))


@st.composite
def systems(draw: st.DrawFn) -> list[list[StoredSentence]]:
    """Two runs on the same sentences."""
    sentences = draw(
        st.lists(st.tuples(drawn.sentences(), drawn.sentences(), drawn.sentences()), min_size=2, max_size=4)
    )
    runs: list[list[StoredSentence]] = [[], []]
    for (gold, n), *found in sentences:
        n = max([n, *(m for _, m in found), 1])
        words = " ".join(draw(st.lists(st.sampled_from("ab"), min_size=n, max_size=n)))
        for run, (predicted, _) in zip(runs, found, strict=True):
            run.append(stored(words, gold, [*predicted, *(gold[:1] if not predicted else [])]))
    return runs


MENTIONS = {("a", "PER"): 1, ("b", "LOC"): 3, ("a a", "PER"): 30, ("a b", "LOC"): 200}


@settings(max_examples=30)
@given(systems())
def test_bins_sum_to_the_metric(runs: list[list[StoredSentence]]) -> None:
    whole = np.stack([sentence_counts(run) for run in runs])
    for key in slice_keys(MENTIONS).values():
        bins, counts = slice_counts(runs, key)
        assert len(set(bins)) == len(bins)
        assert (sum(counts, np.zeros_like(whole)) == whole).all()
    rows = slice_table(runs, MENTIONS, samples=30)
    for _, slices in groupby(rows, key=lambda row: row.slice):
        sums = np.sum([row[2:5] for row in slices], axis=0)
        assert sums == pytest.approx(whole.sum((0, 1)) / 2)


ANN, LEE, OSLO = EntitySpan(0, 1, "PER"), EntitySpan(0, 2, "PER"), EntitySpan(3, 4, "LOC")


def test_by_hand() -> None:
    first = stored("Ann Lee in Oslo today or tomorrow", [LEE, OSLO], [ANN, OSLO])
    second = stored("Ann sang", [ANN], [ANN, EntitySpan(1, 2, "LOC")])
    mentions = {("Ann", "PER"): 2, ("Oslo", "ORG"): 1, ("Ann Lee", "PER"): 25}
    rows = {row[:2]: (*row[2:5], row.f1, row.recall) for row in slice_table([[first, second]], mentions, samples=50)}
    assert rows == {
        ("type", "LOC"): (1, 2, 1, 2 / 3, 1),
        ("type", "PER"): (1, 2, 2, 0.5, 0.5),
        ("entity length", "1"): (2, 4, 2, 4 / 6, 1),
        ("entity length", "2"): (0, 0, 1, 0, 0),
        ("sentence length", "1-5"): (1, 2, 1, 2 / 3, 1),
        ("sentence length", "6-10"): (1, 2, 2, 0.5, 0.5),
        ("frequency", "0"): (1, 2, 1, 2 / 3, 1),
        ("frequency", "2-5"): (1, 2, 1, 2 / 3, 1),
        ("frequency", "21-100"): (0, 0, 1, 0, 0),
        ("seen", "seen"): (1, 2, 2, 0.5, 0.5),
        ("seen", "seen as another type"): (1, 1, 1, 1, 1),
        ("seen", "unseen"): (0, 1, 0, 0, None),
    }
    assert [row.slice for row in slice_table([[first, second]], samples=5)].count("seen") == 0


def test_numbers_are_in_their_order() -> None:
    long = stored(" ".join("abcdefghijkl"), [EntitySpan(0, 10, "X"), EntitySpan(11, 12, "X")], [])
    short = stored("a b c d e", [EntitySpan(0, 4, "X")], [])
    middle = stored("a b c d e f g", [EntitySpan(0, 1, "X")], [])
    rows = slice_table([[long, middle, short]], samples=50)
    assert [row.bin for row in rows if row.slice == "entity length"] == ["1", "4-5", "6+"]
    assert [row.bin for row in rows if row.slice == "sentence length"] == ["1-5", "6-10", "11-20"]


def test_intervals_are_those_of_the_mean() -> None:
    rng = np.random.default_rng(0)
    runs = [[stored("a b", [ANN], [ANN] if rng.random() < 0.7 else [LEE]) for _ in range(60)] for _ in range(3)]
    counts = np.stack([sentence_counts(run) for run in runs])
    row: Slice = slice_table(runs, samples=4_000)[0]
    assert row.f1 == pytest.approx(run_f1(counts).mean())
    assert row.f1_interval == pytest.approx(mean_f1_interval(counts, samples=4_000), abs=0.03)
    assert row.f1_interval[0] < row.f1 < row.f1_interval[1]
    assert row.recall is not None
    assert row.recall_interval is not None
    assert row.recall_interval[0] < row.recall < row.recall_interval[1]


def test_documents_are_drawn_whole() -> None:
    """Ten copies of each sentence tell no more than one, if they are known to be of one document."""
    rng = np.random.default_rng(0)
    run = [stored("a b", [ANN], [ANN] if rng.random() < 0.7 else [LEE]) for _ in range(60)]
    copies = [sentence for sentence in run for _ in range(10)]
    once, grouped, copied = (
        slice_table([sentences], samples=4_000, groups=groups)[0].f1_interval
        for sentences, groups in ((run, None), (copies, [i // 10 for i in range(600)]), (copies, None))
    )
    assert grouped == pytest.approx(once, abs=0.01)
    assert copied[1] - copied[0] < 0.5 * (once[1] - once[0])


def test_draws_without_an_entity_do_not_count_as_failures() -> None:
    """A bin that lives in one sentence is absent from a third of all draws; where it is there, it is found."""
    rare = [stored("a b", [LEE], [LEE]), *[stored("a b", [ANN], [ANN])] * 30]
    row = next(row for row in slice_table([rare, rare], samples=200) if row[:2] == ("entity length", "2"))
    assert row.f1_interval == (1, 1)
    # Where only one run predicts something there, the other's F1 is 0, as in the metric.
    extra = [stored("a b", [], [LEE]), *rare[1:]]
    none = [stored("a b", [], []), *rare[1:]]
    row = next(row for row in slice_table([extra, none], samples=200) if row[:2] == ("entity length", "2"))
    assert (row.f1, row.f1_interval, row.recall) == (0, (0, 0), None)


def test_runs_must_be_on_the_same_sentences() -> None:
    one, other = stored("a b", [ANN], []), stored("a c", [ANN], [])
    same_sentences([[one], [one]])
    with pytest.raises(ValueError, match=r"other words or entities in '1' and '1' \(run 2\)"):
        same_sentences([[one], [other]])
    with pytest.raises(ValueError, match="other words or entities"):
        same_sentences([[one], [stored("a b", [], [])]])
    with pytest.raises(ValueError, match=r"received 1 and 2 \(run 3\)"):
        same_sentences([[one], [one], [one, one]])
    with pytest.raises(ValueError, match="at least one run"):
        same_sentences([])
    with pytest.raises(ValueError, match="at least two sentences"):
        slice_table([[one]])
