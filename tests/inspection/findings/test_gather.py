"""Numbers and hashes of sentences and entities."""

from __future__ import annotations

import numpy as np

from ner_lightning.inspection.findings.gather import Gatherer
from tests.inspection.made import made, numbers


def test_what_is_gathered() -> None:
    corpus = made(
        train=["Ann/B-PER Lee/I-PER in Oslo/B-LOC", "x/?", "Oslo/B-LOC"], test=["Ann/B-PER Lee/I-PER in Oslo/B-LOC"]
    )
    found = numbers(corpus)
    train, test = found["train"], found["test"]
    assert train.words.tolist() == [4, 1, 1]
    assert train.entities.tolist() == [2, 0, 1]
    assert train.width.tolist() == [2, 1, 1]
    assert train.complete.tolist() == [1, 0, 1]
    assert train.types == ["PER", "LOC"]
    assert [train.types[label] for label in train.label] == ["PER", "LOC", "LOC"]
    assert train.mention[1] == train.mention[2] != train.mention[0]
    assert (train.text[0], train.annotation[0]) == (test.text[0], test.annotation[0])
    assert len(set(train.text.tolist())) == 3
    assert train.type_counts() == {"PER": 1, "LOC": 2}
    assert not train.document.any()


def test_the_way_back_from_an_entity_to_its_sentence() -> None:
    found = numbers(made(train=["x", "Ann/B-PER Bob/B-PER", "x", "x", "Eve/B-PER"]))["train"]
    assert [found.place_of_entity(i) for i in range(3)] == [(1, 0), (1, 1), (4, 0)]


def test_chunks_give_what_the_whole_gives() -> None:
    sentences = made(train=["Ann/B-PER x", "Oslo/B-LOC", "y"]).splits["train"]
    whole, chunked = Gatherer({}), Gatherer({})
    whole.add(sentences)
    for sentence in sentences:
        chunked.add([sentence])
    for name in whole.columns:
        assert np.array_equal(getattr(whole.done(), name), getattr(chunked.done(), name))
