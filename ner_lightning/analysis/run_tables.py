"""Errors, confusions and scores by type of a finished run, as plain tables for any output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ner_lightning.analysis.error_kinds import Confusion, confusion, error_table
from ner_lightning.run.predictions import StoredSentence, read_stored
from ner_lightning.statistics.counts import f1, judged_entities


class PlainTable(NamedTuple):
    """Headings, and rows with one cell for each."""

    columns: list[str]
    rows: list[list[Any]]


def make_run_tables(stored: Mapping[str, Path], scheme: str) -> dict[str, PlainTable]:
    """Make `test/errors`, `test/types`, `test/confusion`, and the same for each other split.

    Args:
        stored: files of stored predictions by split.
        scheme: of the model.
    """
    found = {}
    for split, path in stored.items():
        sentences = list(read_stored(path))
        errors = [list(row) for row in error_table(sentences, scheme=scheme)]
        found[f"{split}/errors"] = PlainTable(["kind", "type", "misses", "false alarms", "errors"], errors)
        found[f"{split}/types"] = PlainTable(
            ["type", "precision", "recall", "f1", "gold"], scores_by_type(sentences, scheme)
        )
        found[f"{split}/confusion"] = PlainTable(
            ["annotated", "found", "entities"], confusion_counts(confusion(sentences, scheme=scheme))
        )
    return found


def scores_by_type(sentences: Sequence[StoredSentence], scheme: str | None = None) -> list[list[Any]]:
    """Compute strict precision, recall and F1 of each type as the metric does; a ratio over nothing is 0."""
    counts: dict[str, list[int]] = {}
    for gold, predicted in judged_entities(sentences, scheme=scheme):
        for column, spans in enumerate((set(gold) & set(predicted), predicted, gold)):
            for span in spans:
                counts.setdefault(span.label, [0, 0, 0])[column] += 1
    return [
        [name, hits / max(found, 1), hits / max(gold, 1), float(f1([hits, found, gold])), gold]
        for name, (hits, found, gold) in sorted(counts.items())
    ]


def confusion_counts(found: Confusion) -> list[list[Any]]:
    """List each pair of annotated and found type that occurs, and how often."""
    return [
        [gold, other, int(n)]
        for gold, row in zip(found.types, found.counts, strict=True)
        for other, n in zip(found.types, row, strict=True)
        if n
    ]
