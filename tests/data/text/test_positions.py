"""Positions as tools count them, against encoding the text and looking."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_lightning.data.text.positions import POSITIONS, Ruler, may_differ, position_counter

TEXTS = st.text(st.sampled_from("aé北👍\u0301\u200d\r\n🏽🇳🇴ש"), max_size=12)
ENCODINGS = {"utf16": ("utf-16-le", 2), "bytes": ("utf-8", 1)}


@pytest.mark.parametrize("positions", ["characters", "utf16", "bytes"])
@given(text=TEXTS)
def test_against_the_encoded_text(positions, text):
    ruler, counter = Ruler(text, positions), position_counter(text, positions)
    encoding, unit = ENCODINGS.get(positions, ("utf-32-le", 4))
    sizes = [len(text[:i].encode(encoding)) // unit for i in range(len(text) + 1)]
    assert [counter(i) for i in range(len(text) + 1)] == sizes
    assert [ruler.character(p) for p in range(-1, sizes[-1] + 2)] == [
        sizes.index(p) if p in sizes else None for p in range(-1, sizes[-1] + 2)
    ]


@given(text=TEXTS)
def test_line_ends_counted_as_one(text):
    ruler, short = Ruler(text, "characters", one_line_end=True), text.replace("\r\n", "\n")
    for start in range(len(short) + 1):
        for end in range(start, len(short) + 1):
            a, b = ruler.character(start), ruler.character(end)
            assert text[a:b].replace("\r\n", "\n") == short[start:end]


def test_what_people_see():
    text = "👨\u200d👩\u200d👧 cafe\u0301 🇳🇴"
    ruler = Ruler(text, "graphemes")
    assert [text[ruler.character(i) : ruler.character(i + 1)] for i in range(8)] == [
        "👨\u200d👩\u200d👧", " ", "c", "a", "f", "e\u0301", " ", "🇳🇴",
    ]  # fmt: skip
    assert ruler.character(8) == len(text)
    assert position_counter(text, "graphemes")(len(text)) == 8


def test_where_it_matters():
    assert [may_differ(text) for text in ("Köln 北京", "a\nb", "a\r\nb", "👍")] == [False, False, True, True]
    assert set(POSITIONS) == {"characters", "utf16", "graphemes", "bytes"}
