"""What is not the same in runs that should be alike."""

from __future__ import annotations

from typing import Any

import pytest

from ner_lightning.comparison.circumstances import circumstances
from ner_lightning.comparison.run import Run


def run(content: str, **data: Any) -> Run:
    return Run(content, {"data": {"dir": "corpus", **data}}, {}, data={"train": content, "test": "t"})


def test_a_corpus_that_has_changed_is_told() -> None:
    assert circumstances([run("a"), run("b", batch_size=8)]) == [
        "Not the same in all runs: content of train (2 versions)."
    ]
    assert circumstances([run("a"), run("a")]) == []


@pytest.mark.parametrize("key", ["dir", "fold", "fraction", "limit"])
def test_other_sentences_that_were_asked_for_are_not(key: str) -> None:
    assert circumstances([run("a", **{key: 1}), run("b", **{key: 2})]) == []
