"""Pictures of differences with their intervals: for each pair, on each test set and on average."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ner_lightning.analysis.plots import new_figure
from ner_lightning.comparison.overall import Overall
from ner_lightning.comparison.pictures.drawing import COLOURS, ROWS, name_rows, rows_height, tidy_axes
from ner_lightning.comparison.section import Section
from ner_lightning.comparison.settings import Settings
from ner_lightning.page.labels import cut_label

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_forest(section: Section, settings: Settings) -> Figure | None:
    """Draw the differences with their intervals; a filled mark means that a difference was shown."""
    best = next((row.name for row in section.rows if row.mark in ("best", "baseline")), "")
    pairs = section.pairs.pairs
    if len(pairs) > ROWS:
        pairs = [pair for pair in pairs if best in (pair.a, pair.b)][:ROWS]
    if not pairs:
        return None
    first = pairs[0].a if len({pair.a for pair in pairs}) == 1 and len(pairs) > 1 else None
    names = [f"− {pair.b}" if first else f"{pair.a} − {pair.b}" for pair in pairs]
    figure = new_figure(7, rows_height(names))
    axes = figure.subplots()
    axes.axvline(0, color="0.35", linewidth=1)
    for place, pair in enumerate(pairs):
        found, shown = pair.difference, pair.shown
        colour = COLOURS[0] if shown else "0.45"
        axes.plot([100 * found.low, 100 * found.high], [place, place], color=colour, linewidth=1.8)
        face = colour if shown else "white"
        axes.plot([100 * found.difference], [place], "s" if shown else "o", color=colour, markerfacecolor=face)
    if first:
        axes.set_title(f"{cut_label(first, 40)} …", fontsize=10, loc="left", parse_math=False)
    corrected = _shown(section.pairs.corrected)
    _label(axes, names, settings, ", for all pairs together", f"filled square: {corrected}; open circle: not shown")
    return figure


def draw_forest_over_all(overall: Overall, settings: Settings) -> Figure:
    """Draw the mean difference of each pair, and below it that on each test set."""
    pairs = overall.pairs[: max(1, ROWS // (len(overall.sets) + 1))]
    rows = []
    for pair in pairs:
        rows.append((f"{pair.a} − {pair.b}", pair.difference, True, pair.shown))
        rows += [(name, difference, False, True) for name, difference in zip(overall.sets, pair.each, strict=True)]
    names = [name for name, *_ in rows]
    figure = new_figure(7, rows_height(names))
    axes = figure.subplots()
    axes.axvline(0, color="0.35", linewidth=1)
    for place, (_, found, is_mean, shown) in enumerate(rows):
        colour = COLOURS[0] if is_mean and shown else "0.45"
        width, mark = (2.6, "D") if is_mean else (1.2, ".")
        face = "white" if is_mean and not shown else colour
        axes.plot([100 * found.low, 100 * found.high], [place, place], color=colour, linewidth=width)
        axes.plot([100 * found.difference], [place], mark, color=colour, markerfacecolor=face)
        if is_mean and place:
            axes.axhline(place - 0.5, color="0.85", linewidth=0.8)
    marks = (
        f"diamond: mean of the sets, for all pairs together; filled: {_shown(overall.corrected)}; point: a set alone"
    )
    _label(axes, names, settings, "", marks)
    for text, (_, _, is_mean, _) in zip(axes.get_yticklabels(), rows, strict=True):
        text.set_color("black" if is_mean else "0.35")
    return figure


def _shown(corrected: int) -> str:
    return f"shown, corrected for {corrected} pairs" if corrected > 1 else "shown"


def _label(axes: Any, names: Sequence[str], settings: Settings, holds: str, marks: str) -> None:
    name_rows(axes, names)
    tidy_axes(axes, "x")
    interval = f"{100 * settings.level:g} % interval{holds}"
    # A label of the figure: below axes made narrow by long names it would not fit.
    axes.figure.supxlabel(f"difference of {settings.split} F1 in points, {interval}\n({marks})", fontsize=9)
