"""A sentence holds together or is not made."""

from __future__ import annotations

import pytest

from ner_lightning.data.sentence import Sentence
from ner_lightning.tagging import EntitySpan


def test_sound_ones():
    spans = (EntitySpan(0, 1, "X"), EntitySpan(1, 2, "X"))
    assert Sentence(("a", "b"), spans, (1,), text="ab", offsets=((0, 1), (1, 2))).spans == spans
    assert Sentence(()).words == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"spans": (EntitySpan(0, 3, "X"),)},
        {"spans": (EntitySpan(-1, 1, "X"),)},
        {"spans": (EntitySpan(1, 1, "X"),)},
        {"spans": (EntitySpan(1, 2, "X"), EntitySpan(0, 1, "X"))},
        {"spans": (EntitySpan(0, 2, "X"), EntitySpan(1, 2, "X"))},
        {"unknown": (2,)},
        {"unknown": (-1,)},
        {"text": "ab"},
        {"offsets": ((0, 1), (1, 2))},
        {"text": "ab", "offsets": ((0, 1),)},
    ],
)
def test_unsound_ones(wrong):
    with pytest.raises(ValueError, match="expected"):
        Sentence(("a", "b"), **wrong)
