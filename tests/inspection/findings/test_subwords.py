"""How words look to an encoder: lengths, what is unknown, what has no subword, what is too long."""

from __future__ import annotations

from pathlib import Path

import pytest

from ner_lightning.data.corpus.encoding import WordEncoder
from ner_lightning.inspection.encoder import load_words
from ner_lightning.inspection.inspection import Inspection, inspect_corpus
from ner_lightning.inspection.settings import InspectionSettings
from tests.inspection.made import made, parts, rows


@pytest.fixture(scope="module")
def words(tiny_encoder: Path) -> WordEncoder:
    return load_words({"name": str(tiny_encoder), "revision": None}, "words")


def inspected(words: WordEncoder, **splits: list[str]) -> Inspection:
    return inspect_corpus(made(**splits), InspectionSettings(), words, "tiny")


def test_the_room_is_that_of_the_encoder(words: WordEncoder, tiny_encoder: Path) -> None:
    from ner_lightning.model.encoder import Encoder

    assert words.room == Encoder(str(tiny_encoder)).max_subwords - 2 == 62


def test_lengths_and_fertility(words: WordEncoder) -> None:
    """A letter is a subword there."""
    found = inspected(words, train=["Ann/B-PER in Oslo/B-LOC", "a"], test=["x"])
    assert found.encoder == {"name": "tiny", "window": 62}
    assert found.splits["train"]["lengths"]["subwords"]["max"] == 9
    assert found.splits["train"]["encoder"] == {
        "subwords": 10,
        "fertility": 2.5,
        "fertility_in_entities": 3.5,
        "share_split": 0.75,
    }
    assert found.splits["test"]["encoder"]["fertility_in_entities"] is None
    assert found.histograms["subwords"]["shares"].keys() == {"train", "test"}


def test_what_is_unknown_and_to_blame(words: WordEncoder) -> None:
    found = inspected(words, train=["ab cé é", "ok"], test=["北é éé", "é/B-LOC"])
    assert parts(found, "unknown") == {"train": (2, 4), "test": (3, 3)}
    assert rows(found, "unknown") == [
        ("é", "U+00E9 latin small letter e with acute", 5, "train.x:1"),
        ("北", "U+5317 cjk unified ideograph-5317", 1, "test.x:1"),
    ]


def test_a_word_whose_characters_are_all_known_is_to_blame_itself(words: WordEncoder) -> None:
    word = "a" * 120  # beyond what the tokenizer takes for a word
    found = inspected(words, train=[f"{word} a"])
    assert parts(found, "unknown") == {"train": (1, 2)}
    assert str(rows(found, "unknown")[0][0]).startswith("aaa")


def test_words_without_a_subword(words: WordEncoder) -> None:
    found = inspected(words, train=["a \u200b b", "\u200b"], test=["a"])
    assert parts(found, "pieceless") == {"train": (2, 4), "test": (0, 1)}
    assert rows(found, "pieceless") == [("<U+200B>", "U+200B zero width space", 2, "train.x:1")]
    assert parts(found, "unknown") == {"train": (0, 4), "test": (0, 1)}


def test_sentences_longer_than_the_window(words: WordEncoder) -> None:
    texts = [" ".join("a" * n) for n in (62, 63, 80)]
    found = inspected(words, train=texts)
    assert parts(found, "long") == {"train": (2, 3)}
    assert [row[1:] for row in rows(found, "long")] == [(80, 80, "train.x:3"), (63, 63, "train.x:2")]


def test_without_an_encoder_nothing_is_said() -> None:
    found = inspect_corpus(made(train=["a"]))
    assert found.encoder is None
    assert "subwords" not in found.histograms
    for name in ("unknown", "pieceless", "long"):
        assert found.finding(name).why_not == "needs an encoder, such as model/encoder=minilm"
