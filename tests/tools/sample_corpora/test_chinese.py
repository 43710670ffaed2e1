"""Slips of the input method keep lengths, so spans stay right."""

import random

from tools.sample_corpora.chinese import SOUND_ALIKE, sentences, slip
from tools.sample_corpora.grammar import Written


def test_slips_touch_entities_alone_and_keep_lengths() -> None:
    careless = random.Random(0)
    careless.random = lambda: 0.0  # type: ignore[method-assign]
    written = Written("平安的建平ABC好", ((3, 8, "PER"),))
    assert slip(written, careless) == Written("平安的" + SOUND_ALIKE["建"] + "平abc好", ((3, 8, "PER"),))


def test_later_splits_never_repeat_what_was_seen() -> None:
    seen: set[str] = set()
    first = [written.text for written in sentences("train", 30, seen)]
    assert seen == set(first)
    assert len(seen) == 30
    again = [written.text for written in sentences("train", 30, seen)]
    assert not set(first) & set(again)
