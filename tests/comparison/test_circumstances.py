"""What is not the same in runs that should be alike."""

from __future__ import annotations

from typing import Any

import pytest

from ner_lightning.comparison.circumstances import circumstances, find_uneven_times
from ner_lightning.comparison.configurations import Configuration
from ner_lightning.comparison.runs.run import FinishedRun


def run(content: str, **data: Any) -> FinishedRun:
    return FinishedRun(content, {"data": {"dir": "corpus", **data}}, {}, data={"train": content, "test": "t"})


def test_a_corpus_that_has_changed_is_told() -> None:
    assert circumstances([run("a"), run("b", batch_size=8)]) == [
        "not the same in all runs: content of train (2 versions)."
    ]
    assert circumstances([run("a"), run("a")]) == []


@pytest.mark.parametrize("key", ["dir", "fold", "fraction", "limit"])
def test_other_sentences_that_were_asked_for_are_not(key: str) -> None:
    assert circumstances([run("a", **{key: 1}), run("b", **{key: 2})]) == []


def took(name: str, *seconds: float | None) -> Configuration:
    costs = [{} if s is None else {"seconds_per_epoch": s} for s in seconds]
    return Configuration(name, {}, tuple(FinishedRun(str(n), {}, {}, cost=cost) for n, cost in enumerate(costs)))


def test_times_of_a_busy_machine_are_told_and_those_of_other_settings_are_not_compared() -> None:
    assert find_uneven_times([took("a", 10.0, 14.0), took("b", 100.0), took("c", None, 3.0), took("d")]) == []
    (said,) = find_uneven_times([took("a", 10.0, 16.0), took("b", 20.0, 5.0, None)])
    assert "up to 4.0 between runs of b" in said
