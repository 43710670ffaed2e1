"""The tables that people read."""

from __future__ import annotations

import io
import logging

import pytest
import torch
from rich.console import Console

from ner_lightning.metrics.score_tables import report_table, seqeval_report, show_scores, source_table
from ner_lightning.metrics.scores import entity_scores


def test_table_has_a_row_a_type_and_the_averages() -> None:
    scores = entity_scores([[3, 4, 6], [1, 1, 2]], [[4, 4, 6], [1, 1, 2]], ["LOC", "a/{}"])
    out = io.StringIO()
    Console(file=out, width=100).print(report_table(scores, title="test"))
    rows = [line.replace("│", " ").split() for line in out.getvalue().splitlines() if "│" in line]
    assert rows == [
        ["LOC", "75.00", "50.00", "60.00", "6"],
        ["a/{}", "100.00", "50.00", "66.67", "2"],
        ["micro", "80.00", "50.00", "61.54", "8"],
        ["macro", "87.50", "50.00", "63.33", "8"],
        ["micro,", "lenient", "100.00", "62.50", "76.92", "8"],
    ]


def test_types_may_be_called_like_scores_and_sources_are_told_from_them() -> None:
    types = ["support", "f1", "precision", "O", "None", "a/f1", "[b]", "人名"]
    scores = entity_scores([[1, 2, 3]] * len(types), [[1, 2, 3]] * len(types), types)
    sources = {f"news/{name}": scores[name] for name in ("f1", "precision", "recall", "support")}
    drawn = {}
    for table in (report_table(scores | sources), source_table(scores | sources)):
        out = io.StringIO()
        Console(file=out, width=100).print(table)
        drawn[str(table.columns[0].header)] = [
            line.replace("│", " ").split()[0] for line in out.getvalue().splitlines() if "│" in line
        ]
    assert drawn == {"type": [*types, "micro", "macro", "micro,"], "source": ["news"]}


def test_seqeval_report_is_strict() -> None:
    report = seqeval_report([["I-PER", "O", "S-LOC"]], [["S-PER", "O", "S-LOC"]], "BIOES")
    assert "micro avg     1.0000    0.5000    0.6667         2" in report


@pytest.mark.parametrize("tags", [["O", "O"], ["O", "I-PER"]])
def test_seqeval_report_of_no_entity_is_a_sentence(tags: list[str]) -> None:
    assert seqeval_report([tags], [tags], "IOB2") == "No entity in gold or predictions."


def test_further_metrics_stand_below_the_table(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = {f"test/{key}": value for key, value in entity_scores([[1, 2, 1]], [[1, 2, 1]], ["PER"]).items()}
    with caplog.at_level(logging.INFO):
        show_scores(scores | {"test/loss": 1.0}, None, "test", "IOB2")
        assert "test: " not in "".join(caplog.messages)
        show_scores(scores | {"test/exact": 0.53125, "test/mine/x": torch.tensor(2.0)}, None, "test", "IOB2")
    assert caplog.messages[-1] == "test: exact 0.5312, mine/x 2"
    assert "sources" not in capsys.readouterr().out
