"""The plain tables say what the counts say."""

from __future__ import annotations

from pathlib import Path

import pytest

from ner_lightning.analysis.run_tables import make_run_tables, scores_by_type
from ner_lightning.statistics.counts import sentence_counts
from tests.comparison.folders import gold_sentences, predicted


def test_tables_sum_to_the_counts(tmp_path: Path) -> None:
    sentences = predicted(gold_sentences(), 0.6, 1)
    path = tmp_path / "test.jsonl"
    path.write_text("".join(s.to_json() + "\n" for s in sentences))
    correct, found, gold = sentence_counts(sentences).sum(axis=0)
    tables = make_run_tables({"test": path}, "BIOES")
    assert list(tables) == ["test/errors", "test/types", "test/confusion"]
    everything = [row for row in tables["test/errors"].rows if row[1] == "all"]
    assert sum(row[2] for row in everything) == gold - correct
    assert sum(row[3] for row in everything) == found - correct
    types = tables["test/types"].rows
    assert [row[0] for row in types] == ["LOC", "ORG", "PER"]
    assert sum(row[4] for row in types) == gold
    assert sum(row[2] * row[4] for row in types) == pytest.approx(correct)
    pairs = tables["test/confusion"].rows
    assert sum(n for one, _, n in pairs if one != "none") == gold
    assert sum(n for _, other, n in pairs if other != "none") == found
    assert all(len(row) == len(table.columns) for table in tables.values() for row in table.rows)


def test_a_type_found_nowhere() -> None:
    sentences = predicted(gold_sentences(3), 0.0, 1)
    assert all(row[1:4] == [0.0, 0.0, 0.0] for row in scores_by_type(sentences))
