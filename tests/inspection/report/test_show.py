"""Sentences, entities and places as people read them."""

from __future__ import annotations

from ner_lightning.data.sentence import Sentence
from ner_lightning.inspection.report.show import (
    LONGEST,
    reveal_invisible,
    sentence_place,
    show_annotation,
    show_sentence,
)
from tests.inspection.made import sentence


def test_characters_stand_side_by_side() -> None:
    assert show_sentence(Sentence(tuple("北京 大学")), "") == "北京 大学"
    assert show_annotation(sentence("北/B-LOC 京/I-LOC 好"), "") == "[北京 LOC]"


def test_a_long_sentence_is_cut() -> None:
    shown = show_sentence(Sentence(("word",) * 100))
    assert len(shown) == LONGEST
    assert shown.endswith("…")


def test_an_invisible_character_shows() -> None:
    assert reveal_invisible("a\u202eb\x1b[0m\u00a0") == "a<U+202E>b<U+001B>[0m<U+00A0>"


def test_a_file_and_line_need_no_split() -> None:
    assert sentence_place("dev", Sentence(("x",), id="a:b.conll:12")) == "a:b.conll:12"
    assert sentence_place("dev", Sentence(("x",), id="weblog:x")) == "dev weblog:x"
