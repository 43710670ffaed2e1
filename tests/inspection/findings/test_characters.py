"""Words with characters that cannot be seen or were lost."""

from __future__ import annotations

import pytest

from ner_lightning.inspection.report.show import is_invisible
from tests.inspection.made import inspected, parts, rows, sentence


def test_words_by_character() -> None:
    train = ["plain/B-LOC wörd 北京 e\u0301", "zero\u200bwidth \ufe0f \u2764\ufe0f", "\u200b\u200b"]
    test = [sentence("a", "t1"), sentence("lo\ufffdst \ufeff", "t2")]
    found = inspected(train=train, test=test)
    assert parts(found, "invisible") == {"train": (4, 8), "test": (2, 3)}
    assert rows(found, "invisible") == [
        ("U+200B", "zero width space", 2, "train.x:2"),
        ("U+FE0F", "variation selector-16", 2, "train.x:2"),
        ("U+FFFD", "replacement character", 1, "test t2"),
        ("U+FEFF", "zero width no-break space", 1, "test t2"),
    ]


@pytest.mark.parametrize(
    "character", ["\t", "\x00", "\x7f", "\x85", "\xa0", "\xad", "\u3000", "\u2028", "\ue000", "\u0378"]
)
def test_what_cannot_be_seen(character: str) -> None:
    assert is_invisible(character)


@pytest.mark.parametrize("character", [" ", "a", "~", "é", "\u0301", "北", "😀", "א", "\u0e33", "。"])
def test_what_can_be_seen(character: str) -> None:
    assert not is_invisible(character)
