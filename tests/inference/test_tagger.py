"""From a checkpoint to entities with their places in the text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import ner_lightning
from ner_lightning.data.sentence import Sentence
from ner_lightning.errors import UserError
from ner_lightning.inference.tagger import READ_AHEAD, Entity, Tagger, Units, pick_device, units_of_training
from ner_lightning.tagging.spans import EntitySpan
from tests.oracle.host_copies import HostCopies

TEXTS = ["Ann Lee likes Oslo .", "Rome .", "Bob Orr left Kyiv . " * 3, "Eve Day sees Rome ."]


def found(entities: list[Entity]) -> list[tuple[str, str]]:
    return [(entity.text, entity.label) for entity in entities]


def test_it_tags_what_it_learned(easy: Tagger) -> None:
    ann, oslo = easy("Ann Lee likes Oslo .")
    assert (ann.text, ann.label, ann.char_start, ann.char_end) == ("Ann Lee", "PER", 0, 7)
    assert (oslo.text, oslo.label, oslo.char_start, oslo.char_end) == ("Oslo", "LOC", 14, 18)
    assert 0.5 < ann.probability <= 1


def test_the_package_offers_it() -> None:
    assert ner_lightning.Tagger is Tagger
    with pytest.raises(AttributeError, match="Trainer"):
        ner_lightning.Trainer  # noqa: B018


@pytest.mark.parametrize("text", ["", " ", "\n\t "])
def test_a_text_without_words_has_no_entities(easy: Tagger, text: str) -> None:
    assert easy(text) == []
    assert found(easy.tag_texts([text, "Oslo", text])[1]) == [("Oslo", "LOC")]


def test_texts_that_are_none(easy: Tagger) -> None:
    with pytest.raises(TypeError, match="expected a list of texts, found one text"):
        easy.tag_texts("Oslo")
    with pytest.raises(UserError, match=r"text 1: expected characters, found half of one \(U\+D800 at 2\)"):
        easy.tag_texts(["Oslo", "a \ud800 b"])


@pytest.mark.parametrize("units", ["words", "punctuation", "characters"])
@pytest.mark.parametrize(
    "text",
    [
        "🙂 Ann Lee 👩‍👩‍👧 likes\u3000Oslo ☀️ .",
        "Zoe\u0308 Ann Lee, likes e\u0301  Oslo.\n",
        "\ufeffOslo\u00a0\u200b Rome",
        "Ann Lee",
    ],
)
def test_places_are_those_of_the_text(easy_run: Path, text: str, units: Units) -> None:
    entities = Tagger.load(easy_run, units=units)(text)
    assert all(entity.text == text[entity.char_start : entity.char_end] for entity in entities)
    places = [place for entity in entities for place in (entity.char_start, entity.char_end)]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("units", "words"),
    [
        ("auto", "In Oslo , Ann Lee , and Rome ."),
        ("words", "In Oslo, Ann Lee, and Rome."),
        ("punctuation", "In Oslo , Ann Lee , and Rome ."),
        ("characters", "I n O s l o , A n n L e e , a n d R o m e ."),
    ],
)
def test_units_say_what_a_word_is(easy_run: Path, units: Units, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tagger = Tagger.load(easy_run, units=units)
    seen: list[Sentence] = []
    monkeypatch.setattr(tagger, "tag", lambda sentences: seen.extend(sentences) or [])
    tagger("In Oslo, Ann Lee, and Rome.")
    assert [list(sentence.words) for sentence in seen] == [words.split()]


def test_text_as_people_write_it(easy_run: Path) -> None:
    entities = Tagger.load(easy_run, units="punctuation")("In Oslo, Ann Lee, and Rome.")
    assert found(entities) == [("Oslo", "LOC"), ("Ann Lee", "PER"), ("Rome", "LOC")]


def test_units_there_are_not(easy_run: Path) -> None:
    with pytest.raises(UserError, match="units=syllables: expected auto, words, punctuation or characters"):
        Tagger.load(easy_run, units="syllables")  # type: ignore[arg-type]


def same(ours: list[Entity], theirs: list[Entity]) -> bool:
    return [(e.text, e.label, e.char_start) for e in ours] == [(e.text, e.label, e.char_start) for e in theirs] and all(
        abs(a.probability - b.probability) < 1e-5 for a, b in zip(ours, theirs, strict=True)
    )


def test_neither_order_nor_company_changes_an_answer(easy: Tagger) -> None:
    alone = [easy(text) for text in TEXTS]
    assert all(same(a, b) for a, b in zip(alone, easy.tag_texts(TEXTS), strict=True))
    assert all(same(a, b) for a, b in zip(alone[::-1], easy.tag_texts(TEXTS[::-1]), strict=True))
    sentences = [Sentence(tuple(text.split())) for text in TEXTS]
    one, many = ([spans for _, spans in easy.tag(sentences, batch_size=size)] for size in (1, 3))
    assert [[s.span for s in spans] for spans in one] == [[s.span for s in spans] for spans in many]


def test_a_stream_is_answered_in_order_and_read_no_further_than_needed(easy: Tagger) -> None:
    drawn = 0

    def endless() -> Iterator[Sentence]:
        nonlocal drawn
        while True:
            drawn += 1
            yield Sentence(("Oslo",) * (1 + drawn % 3), id=str(drawn))

    answers = easy.tag(endless(), batch_size=2)
    assert drawn == 0
    for number in range(1, 2 * READ_AHEAD + 2):
        sentence, _ = next(answers)
        assert sentence.id == str(number)
        assert drawn == 2 * READ_AHEAD * (1 + (number > 2 * READ_AHEAD))


def test_spans_that_come_with_a_sentence_are_not_looked_at(easy: Tagger) -> None:
    sentence = Sentence(("Oslo", "."), (EntitySpan(1, 2, "NEVER"),), unknown=(0,))
    ((same_sentence, spans),) = easy.tag([sentence])
    assert same_sentence is sentence
    assert [scored.span for scored in spans] == [EntitySpan(0, 1, "LOC")]


def test_a_sentence_of_ten_thousand_words_is_read_to_its_end(easy: Tagger) -> None:
    words = ("Ann", "Lee", "likes", "Oslo", ".") * 2000  # about 900 rows of this encoder
    ((_, spans),) = easy.tag([Sentence(words)])
    expected = [s for i in range(0, 10_000, 5) for s in (EntitySpan(i, i + 2, "PER"), EntitySpan(i + 3, i + 4, "LOC"))]
    hits = {scored.span for scored in spans} & set(expected)
    assert len(hits) > 0.95 * len(expected)
    assert {span for span in hits if span.start > 9_900}


def test_a_short_sentence_is_the_same_beside_a_long_one(easy: Tagger) -> None:
    short, long = Sentence(("Ann", "Lee", "left", "Rome")), Sentence(("Oslo", "and") * 250)
    ((_, alone),) = easy.tag([short])
    (_, beside), (_, _) = easy.tag([short, long])
    assert [scored.span for scored in alone] == [scored.span for scored in beside]
    for a, b in zip(alone, beside, strict=True):
        assert a.probability == pytest.approx(b.probability, abs=1e-5)


def test_the_model_is_in_evaluation_mode(easy: Tagger) -> None:
    assert not any(module.training for module in easy.model.modules())
    assert easy(TEXTS[0]) == easy(TEXTS[0])


def test_a_file_that_is_no_checkpoint_is_refused_in_a_sentence(tmp_path: Path) -> None:
    for name, content in (("text", b"not a checkpoint"), ("empty", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=f"{name}: not a checkpoint written by ner_lightning"):
            Tagger.load(tmp_path / name)
    torch.save({"state_dict": {}}, tmp_path / "other")
    with pytest.raises(UserError, match=r"other: not a checkpoint written by ner_lightning \(KeyError\)"):
        Tagger.load(tmp_path / "other")
    with pytest.raises(UserError, match=r"nothing: no such checkpoint; give ckpt=RUN_FOLDER or ckpt=FILE\.ckpt"):
        Tagger.load(tmp_path / "nothing")


@pytest.mark.parametrize("device", ["cuda:7", "nonsense"])
def test_a_device_that_is_not_there_is_refused_in_a_sentence(device: str) -> None:
    with pytest.raises(UserError, match=f"device={device}: not available here .*; use device=auto") as error:
        pick_device(device)
    assert "\n" not in str(error.value)


def test_devices() -> None:
    assert pick_device("cpu").type == "cpu"
    assert pick_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"units": "words", "reader": {}}, "words"),
        ({"units": "words", "reader": {"words": "auto"}}, "punctuation"),
        ({"units": "words", "reader": {"words": "whitespace"}}, "words"),
        ({"units": "characters", "reader": {"words": "auto"}}, "characters"),
        ({"units": "words", "reader": None, "sources": {"a": {"reader": {}}, "b": {"reader": {}}}}, "words"),
        (
            {"units": "words", "reader": None, "sources": {"a": {"reader": {}}, "b": {"reader": {"words": "auto"}}}},
            "punctuation",
        ),
        ({"units": "words", "reader": {"words": "auto"}, "sources": {"a": None, "b": {}}}, "punctuation"),
        ({"units": "words", "reader": {"words": "auto"}, "sources": ["a", "b"]}, "punctuation"),
        ({"units": "words", "reader": {"words": "auto"}, "sources": {"a": {"reader": {}}}}, "words"),
        ({"units": "characters", "reader": None, "sources": {"a": {"reader": {"words": "auto"}}}}, "characters"),
    ],
)
def test_text_is_split_as_in_training(data: dict[str, Any], expected: str) -> None:
    assert units_of_training({"data": data}) == expected


def test_tagging_copies_once_a_batch(easy: Tagger) -> None:
    texts = ["Ann Lee likes Oslo", "Rome", "x Kyiv x", "nothing here .", "Bob Orr left Rome ."]
    sentences = [Sentence(tuple(text.split())) for text in texts]
    with HostCopies() as copied:
        found = list(easy.tag(sentences, batch_size=2))
    assert [sentence.words[0] for sentence, _ in found] == ["Ann", "Rome", "x", "nothing", "Bob"]
    assert copied.copies == 3  # of 5 sentences, two a batch
