"""Splitting, finding and covering words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_lightning.data.text.words import (
    SPLIT_RULES,
    covered_words,
    has_spaces,
    locate_words,
    split_rule,
    split_words,
    without_overlaps,
)
from ner_lightning.tagging import EntitySpan

TEXTS = st.text(st.sampled_from("aé北\u0301\u3000\xa0\ufe0f❤ \t\n.,'\u200dक\u093f"), max_size=15)


def split(text, rule):
    return [text[start:end] for start, end in split_words(text, rule)]


@pytest.mark.parametrize("rule", SPLIT_RULES)
@given(text=TEXTS)
def test_nothing_but_whitespace_is_lost(rule, text):
    offsets = split_words(text, rule)
    assert all(start < end for start, end in offsets)
    assert list(offsets) == sorted(offsets)
    covered = {i for start, end in offsets for i in range(start, end)}
    assert len(covered) == sum(end - start for start, end in offsets)
    left = {text[i] for i in range(len(text)) if i not in covered}
    assert left <= (set(" \t\n\u3000\xa0") if rule == "punctuation" else set(" \t\n"))


def test_whitespace_keeps_invisible_words():
    assert split("a \u3000 b\xa0c \ufe0f", "whitespace") == ["a", "\u3000", "b\xa0c", "\ufe0f"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ann's 3.5%", ["Ann", "'", "s", "3", ".", "5", "%"]),
        ("cafe\u0301 ❤\ufe0f", ["cafe\u0301", "❤\ufe0f"]),
        ("हिन्दी", ["हिन्दी"]),
        ("在IBM工作", ["在", "IBM", "工", "作"]),
        ("a\u3000b", ["a", "b"]),
    ],
)
def test_punctuation(text, words):
    assert split(text, "punctuation") == words


def test_characters():
    assert split("北 京\u3000x", "characters") == ["北", "京", "\u3000", "x"]


@pytest.mark.parametrize("rule", SPLIT_RULES)
@given(text=TEXTS)
def test_words_are_found_again(rule, text):
    offsets = split_words(text, rule)
    assert locate_words([text[start:end] for start, end in offsets], text) == offsets


@pytest.mark.parametrize("text", ["Ann x saw", "Ann", "Ann saw Bob", "saw Ann"])
def test_another_text(text):
    assert locate_words(["Ann", "saw"], text) is None


@given(text=TEXTS, edges=st.tuples(st.integers(0, 15), st.integers(1, 15)))
def test_cover_against_the_obvious(text, edges):
    start, end = min(edges[0], len(text)), min(sum(edges), len(text))
    offsets = split_words(text, "whitespace")
    touched = [i for i, (a, b) in enumerate(offsets) if start < end and a < end and start < b]
    found = covered_words(start, end, offsets) if start < end else None
    if not touched:
        assert found is None
    else:
        whole = all(start <= offsets[i][0] and offsets[i][1] <= end for i in touched)
        assert found == (touched[0], touched[-1] + 1, whole)


def test_languages():
    assert has_spaces(["Anna bor i Köln.", ""]) is True
    assert has_spaces(["浙商银行企业信贷部叶老桂博士"]) is False
    assert has_spaces(["한국어 문장"]) is True
    assert has_spaces(["123 456"]) is True


def test_overlaps():
    long, inner, tail = EntitySpan(0, 5, "A"), EntitySpan(1, 2, "B"), EntitySpan(4, 9, "C")
    assert without_overlaps([inner, tail, long], "first") == ((long,), [inner, tail])
    assert without_overlaps([inner, tail], "first") == ((inner, tail), [])
    assert without_overlaps([EntitySpan(0, 1, "B"), long], "first") == ((long,), [EntitySpan(0, 1, "B")])
    longer = EntitySpan(3, 9, "C")
    assert without_overlaps([long, inner, longer], "longest") == ((inner, longer), [long])
    with pytest.raises(ValueError, match="do not overlap"):
        without_overlaps([long, inner], "error")
    with pytest.raises(ValueError, match="found 'last'"):
        without_overlaps([], "last")


@pytest.mark.parametrize(
    "word",
    [
        "👨\u200d👩\u200d👧",
        "👍🏽",
        "🇳🇴",
        "❤\ufe0f\u200d🔥",
        "1\ufe0f\u20e3",
        "क्\u200dष",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "Å",
    ],
)
def test_what_is_seen_as_one_is_one_word(word):
    assert split(word, "punctuation") == [word]
    assert split(f"a {word} b", "punctuation") == ["a", word, "b"]


def test_emoji_side_by_side_are_words():
    assert split("👨👩🇳🇴🇸🇪🇩", "punctuation") == ["👨", "👩", "🇳🇴", "🇸🇪", "🇩"]
    assert split("ＡＢＣ，株", "punctuation") == ["ＡＢＣ", "，", "株"]
    assert split("שלום, עולם!", "punctuation") == ["שלום", ",", "עולם", "!"]


def test_the_rule_of_a_script():
    assert (split_rule(["안녕 세계"]), split_rule([]), split_rule(["東京"])) == (
        "punctuation",
        "punctuation",
        "characters",
    )
