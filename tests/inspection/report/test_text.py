"""The report as tables in a terminal."""

from __future__ import annotations

import io

from rich.console import Console

from ner_lightning.inspection.inspection import Inspection
from ner_lightning.inspection.report.text import show_inspection
from tests.inspection.made import inspected


def shown(inspection: Inspection, width: int = 80) -> list[str]:
    stream = io.StringIO()
    show_inspection(inspection, Console(file=stream, width=width))
    return [" ".join(line.split()) for line in stream.getvalue().splitlines()]


def test_everything_is_there_within_80_columns() -> None:
    splits = {"train": ["[bold]Ann/B-PER left", "Oslo/B-[i]LOC"] * 4, "test": ["[bold]Ann left"] * 5}
    found = inspected(**splits)
    lines = shown(found)
    assert max(map(len, lines)) <= 80
    assert "train 8 12 8 2 – IOB2" in lines
    assert "words per sentence train 1 1.5 1 2 2 2 2" in lines
    assert "[i]LOC 4 0" in lines
    assert "leakage test in train 5 5 100 % 0 % over" in lines
    assert "duplicates train 6 8 75 % 5 % over" in lines
    assert "(sentences) test 4 5 80 % 5 % over" in lines
    assert "[bold]Ann left 2 no test.x:1 train.x:1" in lines
    assert "and 2 more: html=FILE or output=FILE lists them" in lines
    assert "There is no dev split." in lines
    assert any(line.startswith("none: ambiguous, illegal, ") for line in lines)
    assert "not told: unknown, pieceless, long (needs an encoder, such as" in lines


def test_a_corpus_without_an_entity() -> None:
    lines = shown(inspected(train=["a"]))
    assert not any(line.startswith("words per entity") or line == "mentions by type" for line in lines)


def test_characters_are_called_so() -> None:
    from ner_lightning.inspection.inspection import inspect_corpus
    from tests.inspection.made import made

    lines = shown(inspect_corpus(made("characters", train=["北/B-LOC 京/I-LOC"])))
    assert "characters per sentence train 2 2 2 2 2 2 2" in lines
    assert "characters per entity train 2 2 2 2 2 2 2" in lines
