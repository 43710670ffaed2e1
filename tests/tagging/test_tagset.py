"""The inventory: order of tags, rules as tables, round trips."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given

from ner_lightning.tagging import EntitySpan, TagSet, is_transition_allowed
from tests.oracle.spans import sentences


def test_order_of_tags():
    tags = TagSet(("PER", "LOC"))
    assert tags.tags == ("O", "B-PER", "I-PER", "E-PER", "S-PER", "B-LOC", "I-LOC", "E-LOC", "S-LOC")
    assert len(tags) == 9
    assert tags.prefix_codes == (0, 1, 2, 3, 4, 1, 2, 3, 4)
    assert tags.type_codes == (-1, 0, 0, 0, 0, 1, 1, 1, 1)
    assert tags.index["S-LOC"] == 8


@pytest.mark.parametrize("scheme", ["IOB2", "BIOES"])
def test_tables_are_the_rules(scheme):
    tags = TagSet(("PER", "creative-work"), scheme)
    for i, before in enumerate(tags.tags):
        assert tags.allowed_start[i] is is_transition_allowed(scheme, None, before)
        assert tags.allowed_end[i] is is_transition_allowed(scheme, before, None)
        for j, after in enumerate(tags.tags):
            assert tags.allowed_transitions[i][j] is is_transition_allowed(scheme, before, after)


def test_tables_of_bioes_by_hand():
    tags = TagSet(("X",))  # O B I E S
    assert tags.allowed_start == (True, True, False, False, True)
    assert tags.allowed_end == (True, False, False, True, True)
    open_, inner = (True, True, False, False, True), (False, False, True, True, False)
    assert tags.allowed_transitions == (open_, inner, inner, open_, open_)


@pytest.mark.parametrize("scheme", ["IOB2", "BIOES"])
@given(sentence=sentences())
def test_round_trip(scheme, sentence):
    spans, n_words = sentence
    tags = TagSet(("LOC", "PER", "creative-work"), scheme)
    ids = tags.encode(spans, n_words)
    assert len(ids) == n_words
    assert tags.decode(ids) == (tuple(spans), 0)


def test_decode_repairs_and_counts():
    tags = TagSet(("X",), "IOB2")
    assert tags.decode([0, 2, 2]) == ((EntitySpan(1, 3, "X"),), 1)


def test_plain_containers_and_pickle():
    tags = TagSet(("LOC", "PER"), "IOB2")
    assert tags.to_dict() == {"types": ["LOC", "PER"], "scheme": "IOB2"}
    assert TagSet.from_dict(tags.to_dict()) == pickle.loads(pickle.dumps(tags)) == tags


def test_errors():
    with pytest.raises(ValueError, match=r"tag set \(X\), found 'Y'"):
        TagSet(("X",)).encode([EntitySpan(0, 1, "Y")], 1)
    with pytest.raises(ValueError, match="IOB2, BIOES; found 'BMES'"):
        TagSet(("X",), "BMESO")
    for types in [("X", "X"), ("",)]:
        with pytest.raises(ValueError, match="not repeated"):
            TagSet(types)
    assert TagSet(["X"], "IOBES") == TagSet(("X",), "BIOES")
