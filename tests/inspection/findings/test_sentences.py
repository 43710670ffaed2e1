"""Sentences that stand more than once."""

from __future__ import annotations

from collections import Counter, defaultdict

from hypothesis import given
from hypothesis import strategies as st

from ner_lightning.inspection.inspection import inspect_corpus
from ner_lightning.inspection.settings import InspectionSettings
from tests.inspection.made import inspected, made, parts, rows, sentence

TRAIN = ["Ann/B-PER left", "Oslo/B-LOC", "Oslo/B-LOC", "nothing", "Oslo/B-LOC"]


def test_sentences_that_repeat_one_of_their_split() -> None:
    found = inspected(train=TRAIN, test=["nothing", "new"])
    assert parts(found, "duplicates") == {"train": (2, 5), "test": (0, 2)}
    assert rows(found, "duplicates") == [("Oslo", 3, 1, "train.x:2")]


def test_sentences_of_later_splits_that_stand_in_train_the_longest_first() -> None:
    found = inspected(train=TRAIN, dev=["Oslo/B-LOC"], test=["Oslo/B-ORG", "Ann/B-PER left", "Oslo left", "Oslo"])
    assert parts(found, "leakage") == {"dev in train": (1, 1), "test in train": (3, 4)}
    assert rows(found, "leakage") == [
        ("Ann left", 2, "yes", "test.x:2", "train.x:1"),
        ("Oslo", 1, "yes", "dev.x:1", "train.x:2"),
        ("Oslo", 1, "no", "test.x:1", "train.x:2"),
        ("Oslo", 1, "no", "test.x:4", "train.x:2"),
    ]


def test_the_same_characters_in_other_words_are_another_sentence() -> None:
    found = inspected(train=["ab c", "x"], test=["a bc", "x y"])
    assert parts(found, "leakage") == {"test in train": (0, 2)}


def test_leakage_needs_two_splits() -> None:
    for splits in ({"train": TRAIN}, {"dev": TRAIN, "test": TRAIN}):
        finding = inspected(**splits).finding("leakage")
        assert not finding.parts
        assert finding.why_not == "needs train and one of dev and test"


def test_texts_annotated_in_two_ways() -> None:
    found = inspected(
        train=["Ann/B-PER left", "Rome/B-LOC", "x", "Rome/B-LOC", "x"],
        test=["Rome/B-ORG", "Ann left", "once/B-LOC"],
    )
    assert parts(found, "conflicts") == {"all splits": (2, 3)}
    assert rows(found, "conflicts") == [
        ("Rome", 3, "[Rome LOC] 2× (train.x:2) · [Rome ORG] 1× (test.x:1)"),
        ("Ann left", 2, "[Ann PER] 1× (train.x:1) · no entity 1× (test.x:2)"),
    ]


def test_what_nobody_annotated_contradicts_nothing() -> None:
    found = inspected(train=["Ann/B-PER left", "Ann/? left", "Ann left/?"])
    assert parts(found, "conflicts") == {"all splits": (0, 0)}


def test_documents_in_two_splits() -> None:
    train = [sentence("a", "train.x:1", "d1"), sentence("b", "train.x:2", "d2"), sentence("c", "train.x:3")]
    test = [sentence("d", "test.x:1", "d3"), sentence("e", "test.x:2", "d2"), sentence("f", "test.x:3", "d2")]
    found = inspected(train=train, test=test)
    assert parts(found, "documents") == {"test in train": (1, 2)}
    assert rows(found, "documents") == [("d2", "test.x:2", "train.x:2")]
    assert inspected(train=["a"], test=["a"]).finding("documents").why_not.endswith("tell documents apart")


def test_lists_are_bounded_and_say_so() -> None:
    settings = InspectionSettings(listed=2)
    found = inspected(settings, train=[f"w{i}" for i in range(5)] * 2, test=[f"w{i}/B-LOC" for i in range(5)])
    for name, total in (("leakage", 5), ("duplicates", 5), ("conflicts", 5)):
        listing = found.finding(name).listing
        assert (len(listing.rows), listing.unlisted) == (2, total - 2)


TEXTS = st.lists(st.sampled_from(["a", "b", "a b", "a/B-X", "b/B-X", "a/B-X b", "a b/B-Y", "a/? b"]), min_size=1)


@given(train=TEXTS, test=TEXTS)
def test_counts_are_those_of_a_plain_loop(train: list[str], test: list[str]) -> None:
    corpus = made(train=train, test=test)
    found = inspect_corpus(corpus)
    known = {s.words for s in corpus.splits["train"]}
    assert parts(found, "leakage") == {
        "test in train": (sum(s.words in known for s in corpus.splits["test"]), len(test))
    }
    repeats = {
        split: sum(n - 1 for n in Counter(s.words for s in sentences).values())
        for split, sentences in corpus.splits.items()
    }
    assert {split: count for split, (count, _) in parts(found, "duplicates").items()} == repeats
    readings = defaultdict(list)
    for s in (s for sentences in corpus.splits.values() for s in sentences if not s.unknown):
        readings[s.words].append(s.spans)
    several = [texts for texts in readings.values() if len(texts) > 1]
    conflicts = sum(len(set(texts)) > 1 for texts in several)
    assert parts(found, "conflicts") == {"all splits": (conflicts, len(several))}
