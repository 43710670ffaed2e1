"""The scheme table against hand-written sequences, seqeval, and round trips."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval import scheme as seqeval_schemes
from seqeval.metrics.sequence_labeling import get_entities

from ner_lightning.tagging import (
    SCHEMES,
    EntitySpan,
    detect_scheme,
    irregular_steps,
    is_transition_allowed,
    scheme_named,
    spans_to_tags,
    split_tag,
    tags_to_spans,
)
from tests.oracle.spans import sentences


def any_tags(letters: str) -> st.SearchStrategy[list[str]]:
    tag = st.one_of(st.just("O"), st.builds("{}-{}".format, st.sampled_from(letters), st.sampled_from(["X", "Y"])))
    return st.lists(tag, max_size=7)


@pytest.mark.parametrize("name", [name for name in SCHEMES if name != "IO"])
@given(sentence=sentences())
def test_spans_come_back_from_their_tags(name, sentence):
    spans, n_words = sentence
    tags = spans_to_tags(spans, n_words, name)
    assert len(tags) == n_words
    for repair in ("conlleval", "discard", "error"):
        assert tags_to_spans(tags, name, repair) == (tuple(spans), 0)


@pytest.mark.parametrize("source", [name for name in SCHEMES if name != "IO"])
@pytest.mark.parametrize("target", [name for name in SCHEMES if name != "IO"])
@settings(max_examples=20)  # of each of 25 pairs
@given(sentence=sentences())
def test_conversion_between_schemes_keeps_the_spans(source, target, sentence):
    tags = spans_to_tags(*sentence, source)
    there = spans_to_tags(tags_to_spans(tags, source).spans, len(tags), target)
    assert spans_to_tags(tags_to_spans(there, target).spans, len(tags), source) == tags


def test_io_refuses_neighbours_of_one_type():
    neighbours = [EntitySpan(0, 1, "PER"), EntitySpan(1, 2, "PER")]
    with pytest.raises(ValueError, match="IO cannot keep"):
        spans_to_tags(neighbours, 2, "IO")
    assert spans_to_tags([EntitySpan(0, 1, "PER"), EntitySpan(1, 2, "LOC")], 2, "IO") == ["I-PER", "I-LOC"]


@pytest.mark.parametrize(
    ("scheme", "tags"),
    [
        ("IOB1", "I-X I-X B-X I-Y O O"),
        ("IOB2", "B-X I-X B-X B-Y O O"),
        ("BIOES", "B-X E-X S-X S-Y O O"),
        ("BILOU", "B-X L-X U-X U-Y O O"),
        ("BMES", "B-X E-X S-X S-Y O O"),
    ],
)
def test_known_sequences(scheme, tags):
    spans = [EntitySpan(0, 2, "X"), EntitySpan(2, 3, "X"), EntitySpan(3, 4, "Y")]
    assert spans_to_tags(spans, 6, scheme) == tags.split()


def test_long_entities_have_inner_letters():
    span = [EntitySpan(0, 4, "X")]
    assert spans_to_tags(span, 4, "BMES") == ["B-X", "M-X", "M-X", "E-X"]
    assert spans_to_tags(span, 4, "BILOU") == ["B-X", "I-X", "I-X", "L-X"]


@pytest.mark.parametrize("scheme", ["IOB1", "IOB2", "IO"])
def test_types_are_never_merged(scheme):
    assert tags_to_spans(["I-X", "I-Y"], scheme).spans == (EntitySpan(0, 1, "X"), EntitySpan(1, 2, "Y"))


def test_repeated_mentions_are_all_kept():
    assert len(tags_to_spans(["B-X", "O", "B-X", "B-X"], "IOB2").spans) == 3


@pytest.mark.parametrize(("name", "letters"), [("IOB2", "BI"), ("BIOES", "BIES")])
@given(data=st.data())
def test_conlleval_repair_is_seqeval_default(name, letters, data):
    tags = data.draw(any_tags(letters))
    ours = [(span.label, span.start, span.end - 1) for span in tags_to_spans(tags, name).spans]
    assert ours == get_entities(tags)


@pytest.mark.parametrize(
    ("name", "letters", "reference"),
    [
        ("IOB2", "BI", seqeval_schemes.IOB2),
        ("BIOES", "BIES", seqeval_schemes.IOBES),
        ("BILOU", "BILU", seqeval_schemes.BILOU),
    ],
)
@given(data=st.data())
def test_discard_is_seqeval_strict(name, letters, reference, data):
    tags = data.draw(any_tags(letters))
    expected = seqeval_schemes.Entities([tags], scheme=reference).entities[0]
    ours = [(span.start, span.end, span.label) for span in tags_to_spans(tags, name, "discard").spans]
    assert ours == [(entity.start, entity.end, entity.tag) for entity in expected]


@pytest.mark.parametrize("name", list(SCHEMES))
@given(data=st.data())
def test_a_sequence_is_legal_exactly_if_its_spans_write_it(name, data):
    """The definition of a legal sequence that needs no transition rules."""
    tags = data.draw(any_tags("".join(scheme_named(name).letters)))
    decoded = tags_to_spans(tags, name)
    steps = zip([None, *tags], [*tags, None], strict=True)
    assert (decoded.repaired == 0) == all(is_transition_allowed(name, *step) for step in steps)
    assert (decoded.repaired == 0) == (spans_to_tags(decoded.spans, len(tags), name) == tags)
    assert decoded.repaired == len(irregular_steps(tags, name))
    if decoded.repaired:
        with pytest.raises(ValueError, match="forbids"):
            tags_to_spans(tags, name, "error")


@pytest.mark.parametrize(
    ("scheme", "before", "after", "allowed"),
    [
        ("IOB2", None, "I-X", False),
        ("IOB2", "B-X", "I-Y", False),
        ("IOB2", "B-X", None, True),
        ("BIOES", "B-X", "O", False),
        ("BIOES", "I-X", "E-X", True),
        ("BIOES", "S-X", "E-X", False),
        ("BMES", "M-X", "M-Y", False),
        ("BILOU", "U-X", "B-X", True),
        ("IOB1", "O", "B-X", False),
        ("IOB1", "B-X", "B-X", True),
        ("IOB1", "I-Y", "B-X", False),
        ("IO", "I-Y", "I-X", True),
    ],
)
def test_transition_rules(scheme, before, after, allowed):
    assert is_transition_allowed(scheme, before, after) is allowed


def test_an_interrupted_entity_becomes_two():
    tags = ["B-X", "M-X", "O", "M-X", "E-X"]
    decoded = tags_to_spans(tags, "BMES")
    assert decoded == ((EntitySpan(0, 2, "X"), EntitySpan(3, 5, "X")), 2)
    assert irregular_steps(tags, "BMES") == (2, 3)
    assert tags_to_spans(tags, "BMES", "discard") == ((), 2)


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("IOB1", "I-X I-X O I-X B-X"),
        ("IOB2", "B-X I-X O B-Y"),
        ("IOB2", "B-X O B-Y"),
        ("IOB2", "O O"),
        ("IOB2", ""),
        ("IO", "I-X I-X O I-Y"),
        ("BIOES", "B-X I-X E-X O S-X"),
        ("BIOES", "B-X E-X S-X"),
        ("BIOES", "S-X O"),
        ("BMES", "B-X M-X E-X"),
        ("BILOU", "B-X I-X L-X O U-X"),
        ("BILOU", "U-X O"),
    ],
)
def test_detection(expected, text):
    assert detect_scheme([text.split()]) == expected


@pytest.mark.parametrize("name", [name for name in SCHEMES if name != "IO"])  # IO with a B- is IOB1
def test_detection_withstands_a_few_slips(name):
    spans = [EntitySpan(0, 3, "X"), EntitySpan(4, 5, "X"), EntitySpan(5, 6, "Y"), EntitySpan(7, 9, "Y")]
    sound = [spans_to_tags([*spans, EntitySpan(9, 10, "Y")], 10, name)] * 500
    slips = [["O", f"{letter}-X", "O", f"{letter}-Y"] for letter in "BI"] * 2
    assert detect_scheme(slips + sound) == name


@pytest.mark.parametrize("tag", ["", "B", "B-", "PER", "b_PER", "-PER", "BX-PER"])
def test_what_is_no_tag_is_refused(tag):
    with pytest.raises(ValueError, match="expected the tag O"):
        split_tag(tag)


def test_errors_name_what_was_found():
    with pytest.raises(ValueError, match=r"scheme IOB2 \(O, B-, I-\), found 'E-X'"):
        tags_to_spans(["E-X"], "IOB2")
    with pytest.raises(ValueError, match="found 'CONLL'"):
        scheme_named("CONLL")
    with pytest.raises(ValueError, match="repair"):
        tags_to_spans([], "IOB2", "fix")
    for wrong in ([EntitySpan(0, 3, "X")], [EntitySpan(1, 1, "X")], [EntitySpan(0, 2, "X"), EntitySpan(1, 2, "Y")]):
        with pytest.raises(ValueError, match="do not overlap"):
            spans_to_tags(wrong, 2, "IOB2")


def test_other_names():
    for name, canonical in {"bio": "IOB2", "IOBES": "BIOES", "BMESO": "BMES", "IOB": "IOB1"}.items():
        assert scheme_named(name).name == canonical
