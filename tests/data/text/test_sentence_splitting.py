"""Documents cut into sentences: where, where not, and nothing lost."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_lightning.data.text.sentence_splitting import SENTENCE_RULES, split_sentences

TEXTS = st.text(st.sampled_from('aBc1 .!?…"”)\n\r\t。！？」，\u3000'), max_size=30)


def sentences(text, rule="punctuation", together=()):
    return [text[start:end] for start, end in split_sentences(text, rule, together)]


@pytest.mark.parametrize(
    "expected",
    [
        ["He left. ", "She stayed."],
        ["“Really?” ", "Yes! ", "(He was.) ", "Good."],
        ["Mr. Lee met J. R. Doe, e.g. at No. 5 in Ca. 1999. ", "Then he left."],
        ["It fell by 3.5 points to 1.2. ", "Up 4."],
        ["He works at Acme Inc. now."],
        ["He said no. ", "They agreed."],
        ["It goes on... and on. ", "End"],
        ["The U.S. Army"],
        ["First line\n", "second line\r\n\t", "third"],
        ["安在北京。", "他说：“走吧！”", "然后离开了……", "是吗？"],
        ["価格は3.5円です。", "「はい。」", "次。"],
        ["他走了。 ", "她在！！", "好"],
        ["هل أنت هنا؟ ", "نعم. ", "حسنا"],
        ["वह गया। ", "वह आया।"],
    ],
)
def test_punctuation(expected):
    assert sentences("".join(expected)) == expected


def test_marks_that_end_nothing():
    for text in ("Yahoo! is a firm.", "what? she said", "他问：“是吗？”，然后走了", "a.b.c", "version 1. 2"):
        assert len(sentences(text)) == 1 + (text == "version 1. 2"), text


def test_lines_and_nothing():
    assert sentences("A. B.\n\nC.\n", "lines") == ["A. B.\n\n", "C.\n"]
    assert sentences("A. B.\n\nC.\n", "none") == ["A. B.\n\nC.\n"]
    assert sentences("\n \nAb. B", "punctuation") == ["\n \nAb. ", "B"]
    assert sentences("", "none") == sentences("") == []


@pytest.mark.parametrize("rule", SENTENCE_RULES)
@given(text=TEXTS, data=st.data())
def test_nothing_is_lost_and_no_entity_is_cut(rule, text, data):
    edges = data.draw(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=4))
    together = [(min(pair), max(pair)) for pair in edges]
    pieces = split_sentences(text, rule, together)
    assert "".join(text[start:end] for start, end in pieces) == text
    assert all(a[1] == b[0] for a, b in pairwise(pieces))
    assert all(not text[start:end].isspace() for start, end in pieces) or not text.strip()
    cuts = {start for start, _ in pieces[1:]}
    assert not any(start < cut < end for cut in cuts for start, end in together)
    free = {start for start, _ in split_sentences(text, rule)[1:]}
    assert cuts <= free
    assert all(any(start < cut < end for start, end in together) for cut in free - cuts)


def test_an_entity_over_a_line_end_keeps_its_lines_together():
    text = "He saw New\nYork. It rained."
    assert sentences(text, together=[(7, 15)]) == ["He saw New\nYork. ", "It rained."]
