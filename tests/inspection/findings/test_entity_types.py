"""Types that training lacks, that are rare there, that are spelt alike."""

from __future__ import annotations

from ner_lightning.inspection.settings import InspectionSettings
from tests.inspection.made import inspected, parts, rows

TRAIN = ["Ann/B-PER", "Bob/B-PER Oslo/B-LOC", "Cup/B-EVENT"]
TEST = ["x", "Cup/B-EVENT Rome/B-PLACE", "Kyiv/B-PLACE Ann/B-per"]


def test_counts_by_type_and_split_the_most_frequent_first() -> None:
    assert list(inspected(train=TRAIN, test=TEST).types.items()) == [
        ("EVENT", {"train": 1, "test": 1}),
        ("PER", {"train": 2, "test": 0}),
        ("PLACE", {"train": 0, "test": 2}),
        ("LOC", {"train": 1, "test": 0}),
        ("per", {"train": 0, "test": 1}),
    ]


def test_types_that_training_lacks() -> None:
    found = inspected(train=TRAIN, test=TEST)
    assert parts(found, "foreign") == {"test": (3, 4)}
    assert rows(found, "foreign") == [("PLACE", "test", 2, "test.x:2"), ("per", "test", 1, "test.x:3")]
    assert inspected(test=TEST).finding("foreign").why_not


def test_rare_types() -> None:
    found = inspected(InspectionSettings(rare=2), train=TRAIN, test=TEST)
    assert parts(found, "rare") == {"train": (2, 3)}
    assert rows(found, "rare") == [("EVENT", 1, 1), ("LOC", 1, 0)]
    assert parts(inspected(InspectionSettings(rare=1), train=TRAIN), "rare") == {"train": (0, 3)}
    assert inspected(test=TEST).finding("rare").why_not == "needs entities in train"


def test_types_spelt_alike() -> None:
    found = inspected(
        train=["a/B-creative-work", "b/B-Creative_Work", "c/B-PER", "d/B-地名", "e/B-!", "f/B-?!"], test=TEST
    )
    assert parts(found, "alike") == {"all splits": (4, 9)}
    assert rows(found, "alike") == [("Creative_Work (1) · creative-work (1)",), ("PER (1) · per (1)",)]
