from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from ner_lightning.analysis.changes import (
    Totals,
    find_changes,
    find_hardest,
    find_shifts,
    illegal_sequences,
    total_changes,
)
from ner_lightning.run.predictions import StoredSentence
from ner_lightning.statistics.counts import sentence_counts
from ner_lightning.tagging.spans import EntitySpan, ScoredSpan
from tests.analysis.test_slices import systems

ANN, BOB, OSLO = EntitySpan(0, 1, "PER"), EntitySpan(1, 2, "PER"), EntitySpan(3, 4, "LOC")


def stored(name: str, gold: list[EntitySpan], predicted: list[EntitySpan], probability: float = 0.5) -> StoredSentence:
    found = tuple(ScoredSpan(span, probability) for span in predicted)
    return StoredSentence(name, "", ("a", "b", "c", "d"), tuple(gold), found)


@given(systems())
def test_changes_sum_to_the_difference_of_the_counts(runs: list[list[StoredSentence]]) -> None:
    before, after = runs
    changed = find_changes(before, after)
    (hits, found, _), (hits_after, found_after, _) = (sentence_counts(run).sum(0) for run in runs)
    total = total_changes(changed)
    assert total.found - total.lost == hits_after - hits
    assert total.cleared - total.raised == (found - hits) - (found_after - hits_after)
    assert sum(change.gain for change in changed) == (total.found - total.lost + total.cleared - total.raised)
    assert [change.gain for change in changed] == sorted((change.gain for change in changed), reverse=True)
    back = total_changes(find_changes(after, before))
    assert back == Totals(total.lost, total.found, total.raised, total.cleared)
    assert find_changes(before, before) == []


def test_a_change_names_its_entities() -> None:
    wrong = EntitySpan(1, 2, "LOC")
    before = [stored("1", [ANN, OSLO], [ANN, wrong]), stored("2", [BOB], [BOB]), stored("3", [BOB], [])]
    after = [stored("1", [ANN, OSLO], [ANN, OSLO]), stored("2", [BOB], [wrong]), stored("3", [BOB], [])]
    better, worse = find_changes(before, after)
    assert (better.before, better.after) == (before[0], after[0])
    assert better[2:] == ((OSLO,), (), (wrong,), ())
    assert worse[2:] == ((), (BOB,), (), (wrong,))
    assert (better.gain, worse.gain) == (2, -2)
    assert total_changes([]) == Totals(0, 0, 0, 0)
    with pytest.raises(ValueError, match="same sentences"):
        find_changes(before, after[1:])


def test_shifts_between_systems() -> None:
    def runs(*found: list[EntitySpan]) -> list[list[StoredSentence]]:
        return [[stored("1", [ANN, BOB, OSLO], predicted)] for predicted in found]

    # Ann: 1 of 2 to 0 of 3; Bob: 1 of 2 to 3 of 3; Oslo: all to all; a false alarm is none of them.
    before = runs([ANN, OSLO], [BOB, OSLO])
    after = runs([BOB, OSLO], [BOB, OSLO, EntitySpan(0, 1, "LOC")], [BOB, OSLO])
    assert [(shift.entity, shift.before, shift.after) for shift in find_shifts(before, after)] == [
        (ANN, 1, 0),
        (BOB, 1, 3),
    ]
    assert [shift.entity for shift in find_shifts(before[:1], after)] == [ANN, BOB]
    assert [shift.instead for shift in find_shifts(before, after)] == [(), ()]
    half = runs([ANN, BOB, OSLO], [OSLO], [ANN, BOB, OSLO], [OSLO])
    assert find_shifts(before, half) == []  # one of two is two of four
    with pytest.raises(ValueError, match="at least one run of each"):
        find_shifts(before, [])


def test_what_stands_in_the_place_of_a_miss() -> None:
    long, other, beside = EntitySpan(0, 3, "PER"), EntitySpan(0, 1, "LOC"), EntitySpan(3, 4, "LOC")
    gold = EntitySpan(0, 2, "PER")

    def runs(*found: list[EntitySpan]) -> list[list[StoredSentence]]:
        return [[stored("1", [gold], predicted)] for predicted in found]

    right = runs([gold], [gold])
    wrong = runs([long], [other, beside], [gold], [other])  # what only touches it is not in its place
    (lost,) = find_shifts(right, wrong)
    (found,) = find_shifts(wrong, right)
    assert (lost.instead, found.instead) == ((other,), (other,))
    (both,) = find_shifts(runs([other, EntitySpan(1, 3, "ORG")], [beside]), right)
    assert both.instead == (other, EntitySpan(1, 3, "ORG"))


def test_hardest() -> None:
    def run(easy: float, *found: list[EntitySpan]) -> list[StoredSentence]:
        gold = [[ANN], [ANN, BOB], [BOB], [OSLO], []]
        return [stored(str(i), g, p, easy + i / 10) for i, (g, p) in enumerate(zip(gold, found, strict=True))]

    runs = [
        run(0.1, [ANN], [], [], [OSLO], []),
        run(0.3, [ANN], [BOB], [BOB], [OSLO], [BOB]),
        run(0.1, [ANN], [], [OSLO], [OSLO], []),
    ]
    found = find_hardest(runs)
    assert [(row.sentence.id, row.wrong) for row in found] == [("1", 3), ("2", 2), ("4", 1)]
    assert (found[0].misses, found[0].false_alarms, found[0].probability) == (pytest.approx(5 / 3), 0, 0.4)
    assert (found[1].misses, found[1].false_alarms) == (pytest.approx(2 / 3), pytest.approx(1 / 3))
    assert found[2].probability == pytest.approx(0.7)
    assert [row.sentence.id for row in find_hardest(runs, by="probability", top=2)] == ["0", "1"]
    assert [row.sentence.id for row in find_hardest(runs, top=1)] == ["1"]


def test_wrong_in_more_runs_is_harder_than_wrong_by_more() -> None:
    often = [stored("often", [ANN], []), stored("often", [ANN], []), stored("often", [ANN], [ANN])]
    badly = [stored("badly", [ANN, BOB, OSLO], found) for found in ([], [ANN, BOB, OSLO], [ANN, BOB, OSLO])]
    runs = [list(run) for run in zip(badly, often, strict=True)]
    assert [row.sentence.id for row in find_hardest(runs)] == ["often", "badly"]


def test_illegal_sequences_and_their_price() -> None:
    def broken(gold: list[EntitySpan], tags: str, found: list[EntitySpan]) -> StoredSentence:
        return replace(stored("1", gold, found), predicted_tags=tuple(tags.split()))

    wrong = EntitySpan(2, 3, "LOC")
    sentences = [
        broken([ANN], "I-PER O I-LOC O", [ANN, wrong]),  # both dropped: one was right
        broken([ANN], "B-PER I-LOC O O", [ANN, EntitySpan(1, 2, "LOC")]),  # the second one dropped
        stored("3", [OSLO], [OSLO]),
    ]
    found = illegal_sequences(sentences)
    assert (found.sentences, found.of, found.steps) == (2, 3, 3)
    assert found.moves == ((("B-PER", "I-LOC"), 1), (("O", "I-LOC"), 1), ((None, "I-PER"), 1))
    assert (found.dropped, found.right) == (3, 1)
    assert found.strict_f1 == pytest.approx(2 * 2 / (2 + 3))
    assert found.lenient_f1 == pytest.approx(2 * 3 / (5 + 3))
    clean = illegal_sequences(sentences[2:])
    assert (clean.sentences, clean.steps, clean.moves, clean.dropped) == (0, 0, (), 0)
    assert clean.strict_f1 == clean.lenient_f1 == 1
    unfinished = illegal_sequences([broken([], "B-PER O O E-LOC", [])], "BIOES")
    assert unfinished.moves == ((("B-PER", "O"), 1), (("O", "E-LOC"), 1))
    last = illegal_sequences([broken([], "O O O B-PER", [])], "BIOES")
    assert last.moves == ((("B-PER", None), 1),)
