"""Spans over words: each policy, with every script that makes it hard, and what the report says."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.text.alignment import (
    Annotation,
    Counting,
    Place,
    Policy,
    count_misfits,
    in_characters,
    lay,
    leave_out_overlaps,
)
from ner_lightning.data.text.words import split_words
from ner_lightning.errors import DataError
from ner_lightning.tagging import EntitySpan

PLACE = Place(Path("a.ann"), 7)


def laid(text, spans, misaligned="snap", overlap="first", rule="punctuation"):
    report = ReadReport()
    offsets = split_words(text, rule)
    annotations = [Annotation(*span) for span in spans]
    found = lay(annotations, text, offsets, Policy(misaligned, overlap), PLACE, report)
    return [(text[offsets[s.start][0] : offsets[s.end - 1][1]], s.label) for s in found], report


# text, what was annotated, the words it becomes
CUT = [
    ("Ann Smiths dog", "Smith", "Smiths"),
    ("a 👨\u200d👩\u200d👧 b", "👩", "👨\u200d👩\u200d👧"),
    ("nice 👍🏽 x", "👍", "👍🏽"),
    ("im cafe\u0301 hier", "cafe", "cafe\u0301"),
    ("im cafe\u0301 hier", "afe\u0301", "cafe\u0301"),
    ("他在ＩＢＭ上班", "ＢＭ", "ＩＢＭ"),
    ("אני בירושלים היום", "ירושלים", "בירושלים"),
    ("زار الرياض أمس", "رياض", "الرياض"),
    ("one\r\ntwo", "wo", "two"),
    ("🇳🇴🇸🇪", "🇴🇸", "🇳🇴🇸🇪"),
    ("Ann Smith lives", "nn Smith li", "Ann Smith lives"),
]


@pytest.mark.parametrize(("text", "annotated", "widened"), CUT)
def test_a_span_that_cuts_a_word(text, annotated, widened):
    start = text.index(annotated)
    span = (start, start + len(annotated), "X")
    found, report = laid(text, [span])
    assert found == [(widened, "X")]
    assert report.misaligned == 1
    (problem,) = report.problems
    assert str(problem).startswith(
        f"a.ann:7: X [{span[0]}, {span[1]}) {annotated!r} lies inside a word: widened to {widened!r}"
    )
    found, report = laid(text, [span], "drop")
    assert (found, report.misaligned) == ([], 1)
    assert str(report.problems[0]).endswith("lies inside a word: left out (drop)")
    with pytest.raises(DataError, match=r"^a\.ann:7: expected a span of whole words; .*misaligned=snap or drop"):
        laid(text, [span], "error")


@pytest.mark.parametrize(
    ("text", "annotated"),
    [
        ("in New York now", " New York "),
        ("x\r\nNew York\r\ny", "\r\nNew York"),
        ("a 👨\u200d👩\u200d👧 b", "👨\u200d👩\u200d👧"),
        ("\u200fירושלים\u200e היא", "ירושלים"),
        ("a\ufeffb c", "c"),
        ("soft Ha\u00adus\u00ad end", "Ha\u00adus"),
        ("株式会社\u3000東京", "東京"),
        ("「東京」", "東京"),
    ],
)
def test_a_span_of_whole_words(text, annotated):
    start = text.index(annotated)
    found, report = laid(text, [(start, start + len(annotated), "X")], "error")
    assert [word.strip("\u200f\u200e\u00ad") for word, _ in found] == [annotated.strip()]
    assert (report.misaligned, report.problems) == (0, [])


@pytest.mark.parametrize("policy", ["snap", "drop"])
def test_a_span_around_nothing(policy):
    found, report = laid("a  b", [(1, 3, "X")], policy)
    assert (found, report.misaligned) == ([], 1)
    assert "lies around no word: left out" in str(report.problems[0])
    with pytest.raises(DataError, match="around no word"):
        laid("a  b", [(1, 3, "X")], "error")


def test_nested_spans_keep_the_outermost():
    text = "University of New York City"
    spans = [(14, 22, "LOC"), (0, 27, "ORG"), (14, 27, "LOC"), (0, 10, "X"), (18, 22, "Y"), (0, 27, "ORG")]
    found, report = laid(text, spans)
    assert found == [(text, "ORG")]
    assert (report.nested, report.overlapping) == (4, 0)
    told = "a.ann:7: left out: LOC 'New York' nested in ORG 'University of New York City' (first)"
    assert told in map(str, report.problems)
    assert laid(text, spans, overlap="longest")[0] == [(text, "ORG")]
    with pytest.raises(DataError, match=r"a\.ann:7: expected spans that do not overlap.*overlap=first or longest"):
        laid(text, spans, overlap="error")


def test_overlapping_spans_are_no_nested_ones():
    found, report = laid("a b c d", [(0, 3, "X"), (2, 7, "Y")])
    assert found == [("a b", "X")]
    assert (report.nested, report.overlapping) == (0, 1)
    assert list(map(str, report.problems)) == ["a.ann:7: left out: Y 'b c d' overlaps X 'a b' (first)"]
    assert laid("a b c d", [(0, 3, "X"), (2, 7, "Y")], overlap="longest")[0] == [("b c d", "Y")]
    _, report = laid("a b", [(0, 1, "X"), (0, 1, "Y")])
    assert (report.nested, report.overlapping) == (0, 1)


def test_spans_that_meet_in_a_word_after_widening():
    found, report = laid("Smiths", [(0, 3, "X"), (3, 6, "Y")])
    assert found == [("Smiths", "X")]
    assert (report.misaligned, report.overlapping) == (2, 1)


def test_the_line_of_an_annotation_is_named():
    report = ReadReport()
    offsets = split_words("ab cd", "whitespace")
    annotations = [Annotation(0, 5, "X", line=3), Annotation(3, 5, "Y", line=4), Annotation(1, 2, "Z", line=5)]
    lay(annotations, "ab cd", offsets, Policy(), PLACE, report)
    assert [problem.line for problem in report.problems] == [5, 5, 4]


def test_long_texts_are_shortened_in_messages():
    found, report = laid("ab " * 500, [(1, 1500, "X")])
    assert len(str(report.problems[0])) < 250
    assert len(found) == 1


def test_spans_over_words_alone():
    report = ReadReport()
    found = leave_out_overlaps([EntitySpan(0, 2, "X"), EntitySpan(1, 2, "Y")], ["New", "York"], Policy(), PLACE, report)
    assert (found, report.nested) == ((EntitySpan(0, 2, "X"),), 1)
    assert "Y 'York' nested in X 'New York'" in str(report.problems[0])


@given(text=st.text(st.sampled_from("ab 👍🏽\u200d\u0301北.\u200f\r\n"), max_size=14), data=st.data())
def test_whatever_is_laid_is_flat_and_covers_what_it_came_from(text, data):
    edges = st.tuples(st.integers(0, len(text)), st.integers(0, len(text)), st.sampled_from("XY"))
    spans = [(min(a, b), max(a, b), label) for a, b, label in data.draw(st.lists(edges, max_size=5)) if a != b]
    report = ReadReport()
    offsets = split_words(text, "punctuation")
    found = lay([Annotation(*span) for span in spans], text, offsets, Policy(), PLACE, report)
    assert all(a.end <= b.start for a, b in pairwise(found))
    sources = [(span.label, offsets[span.start][0], offsets[span.end - 1][1]) for span in found]
    for label, first, last in sources:
        assert any(label == x and start < last and first < end for start, end, x in spans)
    assert len(found) <= len(set(spans))
    dropped = lay([Annotation(*span) for span in spans], text, offsets, Policy("drop"), PLACE, ReadReport())
    assert report.misaligned or dropped == found


TEXT = "👍 Oslo\r\nRome"


@pytest.mark.parametrize(
    ("spans", "counting"),
    [
        ([(2, 6, "Oslo"), (8, 12, "Rome")], Counting()),
        ([(3, 7, "Oslo"), (9, 13, "Rome")], Counting("utf16")),
        ([(2, 6, "Oslo"), (7, 11, "Rome")], Counting("characters", True)),
        ([(3, 7, "Oslo"), (8, 12, "Rome")], Counting("utf16", True)),
        ([(0, 6, "👍 Oslo")], Counting()),
        ([(0, 11, "👍 Oslo\\nRome")], Counting("characters", True)),
    ],
)
def test_surfaces_tell_how_positions_are_counted(spans, counting):
    annotations = [Annotation(start, end, "X", surface) for start, end, surface in spans]
    found, told = in_characters(annotations, TEXT, "auto", PLACE)
    assert told == counting
    assert [TEXT[f.start : f.end].split() for f in found] == [
        surface.replace("\\n", "\n").split() for _, _, surface in spans
    ]


@pytest.mark.parametrize(
    ("annotation", "positions", "message"),
    [
        (
            Annotation(2, 99, "X"),
            "auto",
            r"inside the 12 characters of the text, found \[2, 99\) X; "
            r"correct it, or say how the file counts: positions .read as characters",
        ),
        (Annotation(-1, 2, "X"), "characters", r"found \[-1, 2\)"),
        (Annotation(4, 4, "X"), "auto", r"found \[4, 4\)"),
        (Annotation(1, 4, "X"), "utf16", r"found \[1, 4\)"),
        (Annotation(2, 6, "X", "Rome"), "auto", "expected 'Rome' at .*, found 'Oslo'"),
        (Annotation(2, 6, "X", "Oslo", line=3), "utf16", r"^a\.ann:3: expected 'Oslo'"),
    ],
)
def test_what_is_not_in_the_text(annotation, positions, message):
    with pytest.raises(DataError, match=message):
        in_characters([annotation], TEXT, positions, PLACE)


def test_misfits_are_counted():
    offsets = split_words(TEXT, "punctuation")
    annotations = [Annotation(3, 7, "X"), Annotation(9, 13, "X", "Rome"), Annotation(50, 60, "X")]
    assert count_misfits(annotations, TEXT, offsets, Counting("utf16")) == 1
    assert count_misfits(annotations, TEXT, offsets, Counting()) == 3
