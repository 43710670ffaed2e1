"""The columns of a comparison: one table that the terminal, the page, Markdown, LaTeX, CSV, JSON and W&B read.

A column defines its names in files and for people, how its numbers are computed and how they are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ner_lightning.comparison.score_table import MeanScore, Row
    from ner_lightning.statistics.pairs import Pair

NOTHING = "–"
HIGHEST = "(highest)"


class Cell(NamedTuple):
    """The text that is shown, and the number to sort by."""

    text: str
    value: float | None = None


class CostColumn(NamedTuple):
    """A column of a cost of configurations.

    Attributes:
        keys: of its numbers in a row, in files and in W&B; the first is also the key in a run's result.
        title: over the column for people; None: only in files.
        make: computes its numbers from those of the runs that have any, at least one.
        show: formats its numbers in one line.
    """

    keys: tuple[str, ...]
    title: str | None
    make: Callable[[Sequence[float]], Sequence[float | None]]
    show: Callable[..., str]

    def make_from(self, costs: Sequence[Any]) -> dict[str, float | None]:
        """Compute the numbers of a row from the costs of its runs."""
        values = [cost[self.keys[0]] for cost in costs if self.keys[0] in cost]
        return dict(zip(self.keys, self.make(values) if values else [None] * len(self.keys), strict=True))

    def numbers(self, row: Row) -> list[float | None]:
        """Look up the numbers of a row."""
        return [row.costs[key] for key in self.keys]

    def is_known(self, row: Row) -> bool:
        """Tell whether a row has numbers."""
        return row.costs[self.keys[0]] is not None

    def cell(self, row: Row) -> Cell:
        """Format the numbers of a row."""
        value, *more = self.numbers(row)
        return Cell(NOTHING) if value is None else Cell(self.show(value, *more), value)


def seconds_text(n: float, sd: float | None = None) -> str:
    """Format seconds for people.

    >>> seconds_text(1234.5), seconds_text(9.874, 0.25)
    ('1,234', '9.87 ± 0.25')
    """
    text = f"{n:,.0f}" if n >= 100 else f"{n:.3g}"
    return text if sd is None else f"{text} ± {seconds_text(sd)}"


def bytes_text(n: float) -> str:
    """Format bytes for people.

    >>> bytes_text(1_500_000_000), bytes_text(300 * 2**20)
    ('1.4 GiB', '300 MiB')
    """
    return f"{n / 2**30:.1f} GiB" if n >= 2**30 else f"{n / 2**20:.0f} MiB"


def count_text(n: float) -> str:
    """Format a large count for people.

    >>> count_text(22_713_216), count_text(4_312), count_text(12)
    ('22.7 M', '4.3 k', '12')
    """
    return f"{n / 1e6:.1f} M" if n >= 1e6 else f"{n / 1e3:.1f} k" if n >= 1e3 else f"{n:.0f}"


def spread(values: Sequence[float]) -> float | None:
    """Compute the standard deviation; None for a single value."""
    return stdev(values) if len(values) > 1 else None


def _largest(values: Sequence[float]) -> list[float]:
    return [max(values)]


def _mean(values: Sequence[float]) -> list[float]:
    return [fmean(values)]


COSTS = (
    # Wall-clock time of training without validation, median over the epochs of a run.
    CostColumn(
        ("seconds_per_epoch", "seconds_sd"), "s / epoch", lambda values: (fmean(values), spread(values)), seconds_text
    ),
    CostColumn(("memory",), "memory", _largest, bytes_text),  # peak of the process
    CostColumn(("gpu_memory",), "GPU memory", _largest, bytes_text),  # peak of the device
    CostColumn(("trained",), "trained", _largest, count_text),  # parameters
    CostColumn(("parameters",), None, _largest, count_text),
    # Share of a training step spent in the CRF (or in the softmax's loss).
    CostColumn(("decoder_share",), "in decoder", _mean, lambda share: f"{100 * share:.1f} %"),
)


GROUPS = ("name", "setting", "n", "score", "beside f1", "cost")
"""Of columns, in the order of files, which have all scores first; people see what belongs to F1 beside it."""


@dataclass(frozen=True)
class TableColumn:
    """A column of the table of configurations.

    Attributes:
        group: what it belongs to, one of `GROUPS`.
        keys: of its numbers in CSV and in W&B.
        numbers: returns those of a row, one per key.
        title: over the column for people; None: only in files.
        cell: formats a row for people.
        is_known: whether a row has a value; a column without any is not shown.
        is_text: whether it is aligned left.
    """

    group: str
    keys: tuple[str, ...]
    numbers: Callable[[Row], Sequence[Any]]
    title: str | None = None
    cell: Callable[[Row], Cell] = lambda _: Cell("")
    is_known: Callable[[Row], bool] = lambda _: True
    is_text: bool = False


def _points(value: float | None) -> float | None:
    return None if value is None else round(100 * value, 2)


def _four_digits(p: float | None) -> float | None:
    return None if p is None else round(p, 4)


class PairColumn(NamedTuple):
    """A column of the table of tests.

    Attributes:
        key: in CSV and in W&B; None: only on the page.
        title: on the page; None: only in files.
        value: returns that of a test, unrounded.
        shown: formats the value for the page.
    """

    key: str | None
    title: str | None
    value: Callable[[Pair], Any]
    shown: Callable[[Any], Any] = lambda value: value


PAIRS = (
    PairColumn("a", "a", lambda pair: pair.a),
    PairColumn("b", "b", lambda pair: pair.b),
    PairColumn("difference", "difference", lambda pair: pair.difference.difference, _points),
    PairColumn("low", "from", lambda pair: pair.difference.low, _points),
    PairColumn("high", "to", lambda pair: pair.difference.high, _points),
    PairColumn(None, "shown", lambda pair: pair.shown, lambda shown: "yes" if shown else "no"),
    PairColumn("p", "p", lambda pair: pair.difference.p, _four_digits),
    PairColumn("standard_error", None, lambda pair: pair.difference.standard_error),
    PairColumn("p_alone", "p, pair alone", lambda pair: pair.p_alone, _four_digits),
    PairColumn("p_randomisation", "p, randomisation", lambda pair: pair.p_randomisation, _four_digits),
    PairColumn("detectable", "could have shown", lambda pair: pair.detectable, _points),
    PairColumn("runs_a", None, lambda pair: pair.difference.runs[0]),
    PairColumn("runs_b", None, lambda pair: pair.difference.runs[1]),
    PairColumn("sentence", None, lambda pair: pair.sentence),
)


def score_cell(score: MeanScore | None) -> Cell:
    """Format a score in points.

    >>> from ner_lightning.comparison.score_table import MeanScore
    >>> score_cell(MeanScore(0.66052, 0.0041)).text, score_cell(None).text
    ('66.05 ± 0.41', '–')
    """
    if score is None:
        return Cell(NOTHING)
    return Cell(f"{100 * score.mean:.2f}" + ("" if score.sd is None else f" ± {100 * score.sd:.2f}"), score.mean)


def entities_cell(score: MeanScore | None) -> Cell:
    """Format a number of entities.

    >>> from ner_lightning.comparison.score_table import MeanScore
    >>> entities_cell(MeanScore(1234.0, 0.0)).text, entities_cell(MeanScore(10.5, 0.71)).text
    ('1,234', '10.5 ± 0.7')
    """
    if score is None:
        return Cell(NOTHING)
    mean, sd = (f"{number:,.1f}".removesuffix(".0") for number in (score.mean, score.sd or 0.0))
    return Cell(f"{mean} ± {sd}" if score.sd else mean, score.mean)


def dev_cell(row: Row) -> Cell:
    """Format F1 on the development set, marking the highest."""
    cell = score_cell(row.dev)
    return cell._replace(text=f"{cell.text} {HIGHEST}") if row.dev_choice else cell


def fold_cell(row: Row) -> Cell:
    """Format the spread over folds in points."""
    return Cell(NOTHING) if row.fold_sd is None else Cell(f"{100 * row.fold_sd:.2f}", row.fold_sd)


def interval_cell(row: Row) -> Cell:
    """Format the interval of F1 in points."""
    if row.interval is None:
        return Cell(NOTHING)
    low, high = row.interval
    return Cell(f"{100 * low:.1f} to {100 * high:.1f}", low)


def runs_cell(row: Row) -> Cell:
    """Format the number of runs, as seeds times folds if there are folds."""
    seeds, rest = divmod(row.n, row.folds)
    return Cell(str(row.n) if row.folds == 1 or rest else f"{seeds} × {row.folds}", row.n)
