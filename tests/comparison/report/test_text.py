"""The comparison on a terminal: names are never cut for the sake of numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from ner_lightning.comparison.comparison import compare_runs
from ner_lightning.comparison.report.text import show_comparison
from ner_lightning.comparison.runs.collect import collect
from ner_lightning.comparison.settings import Settings
from tests.comparison.folders import write_sets, write_sweep


@pytest.mark.parametrize(
    ("width", "shown"), [(50, ["F1"]), (200, ["F1", "95 %", "dev F1", "precision", "recall", "F1 LOC", "F1 PER"])]
)
def test_what_does_not_fit_is_left_to_the_files(
    width: int, shown: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(samples=100, columns=("precision", "recall", "types"))
    show_comparison(compare_runs(collect([str(write_sweep(tmp_path / "s"))]), settings), Console(width=width))
    lines = capsys.readouterr().out.splitlines()
    heading = next(line for line in lines if "configuration" in line)
    names = [line.split("│")[1].strip() for line in lines if line.startswith("│")]
    assert names == ["crf", "softmax"]
    assert all(len(line) <= width for line in lines if line[:1] in "┏┃┡│└")
    columns = [word.strip() for word in heading.split("┃")[1:-1]]
    assert columns[3:] == shown
    hidden = [line for line in lines if line.startswith("No room for ")]
    assert hidden == (
        ["No room for 95 %; dev F1; precision; recall; F1 LOC; F1 PER: see the files."] if width == 50 else []
    )


def test_the_last_table_is_that_of_all_test_sets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = compare_runs(collect([str(write_sets(tmp_path))]), Settings(samples=100))
    show_comparison(found, Console(width=120))
    *tables, last = capsys.readouterr().out.split("┏")
    assert len(tables) == len(found.sections) + 1
    assert found.overall is not None
    for text in (found.overall.pairs[0].sentence, "mean F1", "news", "tweets", "Each test set has the same weight"):
        assert text in last
