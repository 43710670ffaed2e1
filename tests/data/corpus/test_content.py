"""The same words and annotation have one fingerprint; anything else has another."""

from __future__ import annotations

import pytest

from ner_lightning.data.corpus.content import content_of, contents_of
from ner_lightning.data.corpus.sentence_store import in_memory
from ner_lightning.data.sentence import Sentence
from ner_lightning.tagging.spans import EntitySpan

BASE = [Sentence(("Ann", "Lee"), (EntitySpan(0, 2, "PER"),)), Sentence(("Oslo", "x"), (EntitySpan(0, 1, "LOC"),))]


@pytest.mark.parametrize(
    "other",
    [
        BASE[::-1],
        [Sentence(("AnnL", "ee"), BASE[0].spans), BASE[1]],
        [Sentence(("Ann", "Lee"), (EntitySpan(0, 2, "ORG"),)), BASE[1]],
        [Sentence(("Ann", "Lee"), (EntitySpan(0, 1, "PER"),)), BASE[1]],
        [BASE[0], Sentence(("Oslo", "x"), BASE[1].spans, unknown=(1,))],
        [Sentence(("Ann", "Lee", "Oslo", "x"), BASE[0].spans)],
        BASE[:1],
    ],
    ids=["order", "words", "type", "boundary", "unknown", "sentences", "fewer"],
)
def test_what_a_model_sees_counts(other: list[Sentence]) -> None:
    assert content_of(in_memory(other)) != content_of(in_memory(BASE))


def test_names_and_the_order_of_types_do_not_count() -> None:
    named = [Sentence(s.words, s.spans, id=f"x:{i}", document="d") for i, s in enumerate(BASE)]
    assert content_of(in_memory(named)) == content_of(in_memory(BASE))
    turned = in_memory(BASE)
    turned.types = turned.types[::-1]
    turned.arrays["spans"][:, 2] = 1 - turned.arrays["spans"][:, 2]
    assert content_of(turned) == content_of(in_memory(BASE))


def test_a_split_that_is_no_store_has_none() -> None:
    assert list(contents_of({"dev": in_memory(BASE), "train": iter(())})) == ["dev"]
