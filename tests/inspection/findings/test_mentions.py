"""Mentions of several types, not annotated elsewhere, unseen in training."""

from __future__ import annotations

from unittest.mock import patch

from ner_lightning.inspection.findings import mentions
from tests.inspection.made import inspected, parts, rows


def test_mentions_of_several_types() -> None:
    found = inspected(
        train=["Rome/B-LOC x Rome/B-LOC", "Ann/B-PER", "New/B-LOC York/I-LOC", "Oslo/B-LOC"],
        test=["x Rome/B-ORG", "New/B-ORG York/I-ORG", "Oslo/B-ORG", "Oslo/B-PER", "Ann/B-PER"],
    )
    assert parts(found, "ambiguous") == {"all splits": (3, 4)}
    assert rows(found, "ambiguous") == [
        ("Oslo", 3, 2, "LOC 1× (train.x:4) · ORG 1× (test.x:3) · PER 1× (test.x:4)"),
        ("Rome", 3, 1, "LOC 2× (train.x:1) · ORG 1× (test.x:1)"),
        ("New York", 2, 1, "LOC 1× (train.x:3) · ORG 1× (test.x:2)"),
    ]


def test_mentions_that_stand_unannotated() -> None:
    found = inspected(
        train=["New/B-LOC York/I-LOC", "the New/B-LOC York/I-LOC .", "Ann/B-PER", "Ann/B-PER", "Bob/B-PER"],
        test=["New York and Ann", "York New York York", "New York/B-LOC", "Ann/? Bob"],
    )
    # `New` before an entity is no mention, `Ann/?` may be one, Bob was annotated only once.
    assert parts(found, "unmarked") == {"all splits": (2, 2)}
    assert rows(found, "unmarked") == [("New York", 2, 2, "test.x:1"), ("Ann", 2, 1, "test.x:1")]


def test_the_longest_mention_counts() -> None:
    lines = ["New/B-LOC York/I-LOC", "New/B-LOC", "York/B-LOC"] * 2
    assert rows(inspected(train=lines, test=["New York"]), "unmarked") == [("New York", 2, 1, "test.x:1")]


def test_the_most_frequent_are_looked_for_where_there_are_too_many() -> None:
    lines = ["Ann/B-PER"] * 2 + ["Bob/B-PER"] * 3
    with patch.object(mentions, "LOOKED_FOR", 1):
        found = inspected(train=lines, test=["Ann Bob"])
    assert parts(found, "unmarked") == {"all splits": (1, 1)}
    assert rows(found, "unmarked")[0][0] == "Bob"


def test_mentions_unseen_in_training() -> None:
    found = inspected(
        train=["Ann/B-PER left Oslo/B-LOC", "Bob"],
        dev=["nothing"],
        test=["Ann/B-LOC", "Bob/B-PER", "Ann/B-PER Oslo/I-PER", "Oslo/B-LOC"],
    )
    # Whatever their type: Ann is known.
    assert parts(found, "unseen") == {"test": (2, 4)}
    assert rows(found, "unseen") == [("PER", "test", 2, 2, 1.0), ("LOC", "test", 2, 0, 0.0)]
    assert not found.finding("unseen").is_over
    for splits in ({"test": ["Ann/B-PER"]}, {"train": ["Ann/B-PER"], "test": ["x"]}):
        assert inspected(**splits).finding("unseen").why_not.startswith("needs entities in train")


def test_a_corpus_without_an_entity() -> None:
    found = inspected(train=["a b", "a b"], test=["c"])
    assert parts(found, "ambiguous") == parts(found, "unmarked") == {"all splits": (0, 0)}
    assert not found.types
