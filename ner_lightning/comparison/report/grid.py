"""The table of a section as cells, the same on the terminal, on the page and in a paper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ner_lightning.comparison.comparison import Comparison
from ner_lightning.comparison.overall import Overall
from ner_lightning.comparison.section import Section
from ner_lightning.comparison.table import F1, Mark, MeanScore, Row
from ner_lightning.run.metric_keys import read_key

NOTHING = "–"
DEV, HIGHEST = "dev F1", "(highest)"
OVER_FOLDS = "± over folds"
NAMES = {"f1": "F1", "lenient_f1": "F1, lenient", "macro_f1": "F1, macro"}
COSTS = {
    "s / epoch": "seconds_per_epoch",
    "memory": "memory",
    "GPU memory": "gpu_memory",
    "trained": "trained",
    "in decoder": "decoder_share",
}


class Heading(NamedTuple):
    """Of a column; `is_text` stands left."""

    name: str
    is_text: bool = False


class Cell(NamedTuple):
    """What is shown, and the number it stands for, by which it is sorted."""

    text: str
    value: float | None = None


class Grid(NamedTuple):
    """A table of configurations.

    Attributes:
        headings: of its columns.
        rows: the mark of each configuration, and its cells.
    """

    headings: list[Heading]
    rows: list[tuple[Mark, list[Cell]]]


def section_grid(comparison: Comparison, section: Section) -> Grid:
    """The table of a section; what no row of it knows has no column."""
    scores = [name for name in comparison.columns if any(name in row.scores for row in section.rows)]
    costs = {name: cost for name, cost in COSTS.items() if any(getattr(row, cost) is not None for row in section.rows)}
    level = f"{100 * comparison.settings.level:g} %"
    headings = [Heading("configuration", is_text=True), Heading("", is_text=True), Heading("n")]
    for name in scores:
        headings += [Heading(score_title(name)), Heading(level)] if name == F1 else [Heading(score_title(name))]
        headings += [Heading(heading) for heading in _beside_f1(section.rows)] if name == F1 else []
    headings += [Heading(name) for name in costs]
    beside = _beside_f1(section.rows)
    return Grid(headings, [(row.mark, _cells(row, scores, beside, [*costs.values()])) for row in section.rows])


def _beside_f1(rows: Sequence[Row]) -> list[str]:
    """Columns that belong to F1: its spread over folds, and F1 on the development set."""
    found = [OVER_FOLDS] if any(row.fold_sd is not None for row in rows) else []
    return found + ([DEV] if any(row.dev is not None for row in rows) else [])


def _cells(row: Row, scores: Sequence[str], beside: Sequence[str], costs: Sequence[str]) -> list[Cell]:
    found = [Cell(row.name), Cell(row.mark), Cell(_runs(row), row.n)]
    dev = score_cell(row.dev)
    more = {
        OVER_FOLDS: Cell(NOTHING) if row.fold_sd is None else Cell(f"{100 * row.fold_sd:.2f}", row.fold_sd),
        DEV: dev._replace(text=f"{dev.text} {HIGHEST}") if row.dev_choice else dev,
    }
    for name in scores:
        cell = (entities_cell if read_key(name).name == "support" else score_cell)(row.scores.get(name))
        found += [cell, _interval(row), *(more[heading] for heading in beside)] if name == F1 else [cell]
    return [*found, *(_cost(row, attribute) for attribute in costs)]


def _runs(row: Row) -> str:
    """How many runs; seeds times folds where there are folds."""
    seeds, rest = divmod(row.n, row.folds)
    return str(row.n) if row.folds == 1 or rest else f"{seeds} × {row.folds}"


def overall_grid(overall: Overall) -> Grid:
    """The table over all test sets: mean F1, and that on each."""
    rows = []
    for row in overall.rows:
        scores = [score_cell(MeanScore(f1, None)) for f1 in (row.mean, *row.f1)]
        rows.append((row.mark, [Cell(row.name), Cell(row.mark), *scores]))
    names = [Heading("configuration", is_text=True), Heading("", is_text=True), Heading("mean F1")]
    return Grid([*names, *map(Heading, overall.sets)], rows)


def score_title(score: str) -> str:
    """A score's name for people.

    >>> score_title("lenient_f1"), score_title("f1/a/b"), score_title("recall"), score_title("news/f1")
    ('F1, lenient', 'F1 a/b', 'recall', 'news F1')
    """
    name, entity_type, source = read_key(score)
    return " ".join(part for part in (source, NAMES.get(name, name), entity_type) if part)


def _cost(row: Row, attribute: str) -> Cell:
    value = getattr(row, attribute)
    if value is None:
        return Cell(NOTHING)
    if attribute == "seconds_per_epoch":
        spread = "" if row.seconds_sd is None else f" ± {seconds_text(row.seconds_sd)}"
        return Cell(f"{seconds_text(value)}{spread}", value)
    if attribute == "decoder_share":
        return Cell(f"{100 * value:.1f} %", value)
    return Cell(count_text(value) if attribute == "trained" else bytes_text(value), value)


def seconds_text(n: float) -> str:
    """Seconds for people.

    >>> seconds_text(1234.5), seconds_text(9.874), seconds_text(0.25)
    ('1,234', '9.87', '0.25')
    """
    return f"{n:,.0f}" if n >= 100 else f"{n:.3g}"


def bytes_text(n: float) -> str:
    """Bytes for people.

    >>> bytes_text(1_500_000_000), bytes_text(300 * 2**20)
    ('1.4 GiB', '300 MiB')
    """
    return f"{n / 2**30:.1f} GiB" if n >= 2**30 else f"{n / 2**20:.0f} MiB"


def count_text(n: float) -> str:
    """A large count for people.

    >>> count_text(22_713_216), count_text(4_312), count_text(12)
    ('22.7 M', '4.3 k', '12')
    """
    return f"{n / 1e6:.1f} M" if n >= 1e6 else f"{n / 1e3:.1f} k" if n >= 1e3 else f"{n:.0f}"


def score_cell(score: MeanScore | None) -> Cell:
    """A score in points.

    >>> score_cell(Score(0.66052, 0.0041)).text, score_cell(None).text
    ('66.05 ± 0.41', '–')
    """
    if score is None:
        return Cell(NOTHING)
    return Cell(f"{100 * score.mean:.2f}" + ("" if score.sd is None else f" ± {100 * score.sd:.2f}"), score.mean)


def entities_cell(score: MeanScore | None) -> Cell:
    """A number of entities.

    >>> entities_cell(Score(1234.0, 0.0)).text, entities_cell(Score(10.5, 0.71)).text
    ('1,234', '10.5 ± 0.7')
    """
    if score is None:
        return Cell(NOTHING)
    mean, sd = (f"{number:,.1f}".removesuffix(".0") for number in (score.mean, score.sd or 0.0))
    return Cell(f"{mean} ± {sd}" if score.sd else mean, score.mean)


def _interval(row: Row) -> Cell:
    if row.interval is None:
        return Cell(NOTHING)
    low, high = row.interval
    return Cell(f"{100 * low:.1f} to {100 * high:.1f}", low)
