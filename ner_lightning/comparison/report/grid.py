"""The table of a section as cells, the same on the terminal, on the page and in a paper."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from ner_lightning.comparison.columns import (
    COSTS,
    GROUPS,
    PAIRS,
    Cell,
    TableColumn,
    dev_cell,
    entities_cell,
    fold_cell,
    interval_cell,
    runs_cell,
    score_cell,
)
from ner_lightning.comparison.comparison import Comparison
from ner_lightning.comparison.overall import Overall
from ner_lightning.comparison.report.prose import every_pair
from ner_lightning.comparison.score_table import Mark, MeanScore, Row
from ner_lightning.comparison.section import Section
from ner_lightning.run.metric_keys import read_key

NAME = "configuration"
NAMES = {"f1": "F1", "lenient_f1": "F1, lenient", "macro_f1": "F1, macro"}

Table = tuple[list[str], list[list[Any]]]
"""Headings, and rows of numbers."""


class Heading(NamedTuple):
    """The heading of a column; text columns are aligned left."""

    name: str
    is_text: bool = False


class Grid(NamedTuple):
    """A table of configurations.

    Attributes:
        headings: of its columns.
        rows: for each configuration, its mark and its cells.
    """

    headings: list[Heading]
    rows: list[tuple[Mark, list[Cell]]]


_beside_f1 = partial(TableColumn, "beside f1")


def comparison_columns(comparison: Comparison) -> list[TableColumn]:
    """List the columns of a comparison in the order for people, whichever of them its sections have values for."""
    keys = dict.fromkeys(key for section in comparison.sections for key in section.varied.keys)
    level = f"{100 * comparison.settings.level:g} %"
    f1, *scores = map(_score_column, comparison.columns)
    return [
        TableColumn("name", (NAME,), lambda row: [row.name], NAME, lambda row: Cell(row.name), is_text=True),
        TableColumn("name", ("mark",), lambda row: [row.mark], "", lambda row: Cell(row.mark), is_text=True),
        *map(_setting_column, keys),
        TableColumn("n", ("n",), lambda row: [row.n], "n", runs_cell),
        f1,
        _beside_f1(("f1 low", "f1 high"), lambda row: row.interval or (None, None), level, interval_cell, f1.is_known),
        _beside_f1(("f1 sd over folds",), lambda row: [row.fold_sd], "± over folds", fold_cell, _has_folds),
        _beside_f1(("dev f1", "dev f1 sd"), lambda row: row.dev or (None, None), "dev F1", dev_cell, _has_dev),
        _beside_f1(("dev's choice",), lambda row: [row.dev_choice]),
        *scores,
        *(TableColumn("cost", cost.keys, cost.numbers, cost.title, cost.cell, cost.is_known) for cost in COSTS),
    ]


def _has_folds(row: Row) -> bool:
    return row.fold_sd is not None


def _has_dev(row: Row) -> bool:
    return row.dev is not None


def _setting_column(key: str) -> TableColumn:
    return TableColumn("setting", (key,), lambda row: [row.settings.get(key)])


def _score_column(name: str) -> TableColumn:
    show = entities_cell if read_key(name).name == "support" else score_cell
    return TableColumn(
        "score",
        (name, f"{name} sd"),
        lambda row: row.scores.get(name) or (None, None),
        score_title(name),
        lambda row: show(row.scores.get(name)),
        lambda row: name in row.scores,
    )


def score_title(score: str) -> str:
    """Name a score for people.

    >>> score_title("lenient_f1"), score_title("f1/a/b"), score_title("recall"), score_title("news/f1")
    ('F1, lenient', 'F1 a/b', 'recall', 'news F1')
    """
    name, entity_type, source = read_key(score)
    return " ".join(part for part in (source, NAMES.get(name, name), entity_type) if part)


def section_grid(comparison: Comparison, section: Section) -> Grid:
    """Lay out the table of a section; values that no row has get no column."""
    every = [column for column in comparison_columns(comparison) if column.title is not None]
    columns = [column for column in every if any(map(column.is_known, section.rows))]
    headings = [Heading(column.title or "", column.is_text) for column in columns]
    return Grid(headings, [(row.mark, [column.cell(row) for column in columns]) for row in section.rows])


def overall_grid(overall: Overall) -> Grid:
    """Lay out the table over all test sets: mean F1, and F1 on each."""
    rows = []
    for row in overall.rows:
        scores = [score_cell(MeanScore(f1, None)) for f1 in (row.mean, *row.f1)]
        rows.append((row.mark, [Cell(row.name), Cell(row.mark), *scores]))
    names = [Heading("configuration", is_text=True), Heading("", is_text=True), Heading("mean F1")]
    return Grid([*names, *map(Heading, overall.sets)], rows)


def configuration_table(comparison: Comparison, groups: Sequence[str] = GROUPS) -> Table:
    """List all numbers of all sections unrounded, as fractions, seconds, and bytes.

    Args:
        comparison: of `compare_runs`.
        groups: the columns that are wanted.
    """
    chosen = [column for column in comparison_columns(comparison) if column.group in groups]
    columns = sorted(chosen, key=lambda column: GROUPS.index(column.group))
    rows = [
        [section.name, *(number for column in columns for number in column.numbers(row))]
        for section in comparison.sections
        for row in section.rows
    ]
    return ["section", *(key for column in columns for key in column.keys)], rows


def pair_table(comparison: Comparison) -> Table:
    """List every test, unrounded."""
    columns = [column for column in PAIRS if column.key is not None]
    rows = [[where, *(column.value(pair) for column in columns)] for where, pair in every_pair(comparison)]
    return ["section", *(column.key or "" for column in columns)], rows
