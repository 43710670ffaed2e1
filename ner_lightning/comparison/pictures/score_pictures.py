"""Pictures of scores: seeds, learning rates, all settings at once, and what a point of F1 costs."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from typing import TYPE_CHECKING, Any

import numpy as np

from ner_lightning.analysis.plots import new_figure
from ner_lightning.comparison.circumstances import find_uneven_times
from ner_lightning.comparison.configurations import Configuration
from ner_lightning.comparison.pictures.drawing import (
    COLOURS,
    LINES,
    MARKERS,
    ROWS,
    STROKES,
    add_legend,
    name_rows,
    rows_height,
    tidy_axes,
    wrap_name,
)
from ner_lightning.comparison.score_table import Row
from ner_lightning.comparison.section import Section
from ner_lightning.comparison.settings import Settings
from ner_lightning.comparison.vary import names_of, short_key, value_text
from ner_lightning.page.labels import cut_label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FACETS = ("trainer.precision", "trainer.strategy")
AXES = 8  # settings side by side
NAMED = 9  # points with a name


def draw_seed_spread(section: Section, settings: Settings) -> Figure | None:
    """Draw every run as a point, the mean as a bar, and its interval as a line."""
    rows = [row for row in section.rows if row.scores][:ROWS]
    if not any(row.n > 1 for row in rows):
        return None
    names = [row.name for row in rows]
    figure = new_figure(7, rows_height(names))
    axes = figure.subplots()
    for place, row in enumerate(rows):
        scores = f1_of_runs(section.configurations[row.name], settings)
        if row.interval is not None:
            axes.plot([100 * v for v in row.interval], [place, place], color="0.7", linewidth=5, solid_capstyle="butt")
        spread = np.linspace(-0.16, 0.16, len(scores)) if len(scores) > 1 else [0.0]
        axes.plot(scores, place + np.asarray(spread), "o", color=COLOURS[0], markersize=5, alpha=0.8)
        axes.plot([100 * row.f1] * 2, [place - 0.3, place + 0.3], color="black", linewidth=2)
    name_rows(axes, names)
    tidy_axes(axes, "x")
    level = f"{100 * settings.level:g} %"
    figure.supxlabel(
        f"{settings.split} F1 in points (point: a run, bar: their mean, grey: {level} interval)", fontsize=9
    )
    return figure


def f1_of_runs(configuration: Configuration, settings: Settings) -> list[float]:
    """Return F1 of each run, in points."""
    key = f"{settings.prefix}f1"
    return [100 * run.scores[key] for run in configuration.runs if key in run.scores]


def draw_rates(section: Section, settings: Settings) -> Figure | None:
    """Draw F1 against a learning rate on a log axis, split by precision or strategy, coloured by the rest."""
    key = next((key for key in section.varied.keys if key.endswith("lr") and len(_numbers(section, key)) > 1), None)
    if key is None:
        return None
    rest = [name for name in section.varied.keys if name != key]
    facet = next((name for name in FACETS if name in rest and len(rest) > 1), None)
    panels = _split(section, facet)
    lines = _lines(section, [name for name in rest if name != facet])[:LINES]
    figure = new_figure(max(5.5, 3.7 * len(panels)), 3.4)
    grid = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    handles: dict[str, Any] = {}
    for axes, (title, names) in zip(grid, panels, strict=True):
        for number, (line, members) in enumerate(lines):
            found = sorted((c for c in members if c.name in names), key=lambda c: float(c.settings[key]))
            x = [float(c.settings[key]) for c in found]
            scores = [f1_of_runs(c, settings) for c in found]
            colour, mark = COLOURS[number], MARKERS[number]
            for rate, values in zip(x, scores, strict=True):
                axes.plot([rate] * len(values), values, mark, color=colour, markersize=3.5, alpha=0.45, linewidth=0)
            (handle,) = axes.plot(
                x, [np.mean(v) for v in scores], color=colour, marker=mark, markersize=6, linestyle=STROKES[number]
            )
            handles.setdefault(line, handle)
        axes.set_xscale("log")
        axes.set_title(wrap_name(title, 30), fontsize=10)
        axes.set_xlabel(f"{wrap_name(short_key(key))} (logarithmic)", fontsize=9)
        tidy_axes(axes, "both")
    grid[0].set_ylabel(f"{settings.split} F1 in points\n(line: mean, small: runs)", fontsize=9)
    add_legend(figure, list(handles.values()), list(handles))
    return figure


def _numbers(section: Section, key: str) -> set[float]:
    values = [configuration.settings.get(key) for configuration in section.configurations.values()]
    return {float(v) for v in values if isinstance(v, int | float)} if all(_positive(v) for v in values) else set()


def _positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _split(section: Section, key: str | None) -> list[tuple[str, set[str]]]:
    if key is None:
        return [("", set(section.configurations))]
    values = sorted({value_text(c.settings.get(key)) for c in section.configurations.values()})[:4]
    return [
        (
            f"{short_key(key)} {v}",
            {c.name for c in section.configurations.values() if value_text(c.settings.get(key)) == v},
        )
        for v in values
    ]


def _lines(section: Section, keys: Sequence[str]) -> list[tuple[str, list[Configuration]]]:
    """Group configurations by their values of these settings, each group under their name."""
    every = list(section.configurations.values())
    chosen = [{key: c.settings.get(key) for key in keys} for c in every]
    names = names_of(chosen, [c.runs[0].experiment for c in every]) if keys else [""] * len(every)
    lines: dict[str, list[Configuration]] = {}
    for name, configuration in zip(names, every, strict=True):
        lines.setdefault(name, []).append(configuration)
    return list(lines.items())


def draw_parallel(section: Section, settings: Settings) -> Figure | None:
    """Draw all settings side by side, one line per configuration, better ones darker."""
    keys = section.varied.keys[:AXES]
    rows = [row for row in section.rows if row.scores]
    if len(keys) < 2 or len(rows) < 4:
        return None
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    figure = new_figure(2.0 + 1.5 * (len(keys) + 1), 4.2)
    axes = figure.subplots()
    f1 = [100 * row.f1 for row in rows]
    scale = Normalize(min(f1), max(f1) if max(f1) > min(f1) else min(f1) + 1)
    colours = colormaps["cividis_r"]
    chosen = [section.configurations[row.name].settings for row in rows]
    columns = [_positions([_class_name(key, each.get(key)) for each in chosen]) for key in keys]
    last = np.asarray(scale(f1))
    for row in reversed(range(len(rows))):
        heights = [heights[row] for heights, _ in columns] + [float(last[row])]
        best = row == 0
        axes.plot(
            range(len(keys) + 1),
            heights,
            color=colours(float(last[row])),
            linewidth=3 if best else 1.3,
            alpha=1 if best else 0.75,
            zorder=3 if best else 2,
        )
    for place, (_, ticks) in enumerate(columns):
        axes.axvline(place, color="0.4", linewidth=0.8, zorder=1)
        for text, height in ticks:
            axes.text(
                *(place - 0.04, height, cut_label(text, 9)), fontsize=8, ha="right", va="center", parse_math=False,
                zorder=4, bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.8},
            )  # fmt: skip
    axes.axvline(len(keys), color="0.4", linewidth=0.8, zorder=1)
    titles = [wrap_name(short_key(key.removesuffix("._target_"), keys), 18) for key in keys]
    axes.set_xticks(range(len(keys) + 1), [*titles, "F1"])
    axes.set_xlim(-0.75, len(keys) + 0.08)
    axes.set_ylim(-0.06, 1.06)
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=9)
    bar = figure.colorbar(ScalarMappable(scale, colours), ax=axes, pad=0.02, aspect=28)
    bar.set_label(f"{settings.split} F1 in points, mean (thick: the best)", fontsize=9)
    bar.ax.tick_params(labelsize=9)
    return figure


def _positions(values: Sequence[Any]) -> tuple[list[float], list[tuple[str, float]]]:
    """Place values at heights from 0 to 1: numbers by size (by their logarithm over decades), words evenly."""
    known = list(dict.fromkeys(values))
    if all(_positive(value) for value in known) and len(known) > 1:
        known.sort()
        logs = known[-1] / known[0] >= 8
        at = {v: log10(v) if logs else float(v) for v in known}
        low, high = at[known[0]], at[known[-1]]
        heights = {v: (at[v] - low) / (high - low) for v in known}
        shown = [v for i, v in enumerate(known) if i % -(-len(known) // 10) == 0]
    else:
        known.sort(key=str)
        heights = {v: i / max(len(known) - 1, 1) if len(known) > 1 else 0.5 for i, v in enumerate(known)}
        shown = known[:12]
    return [heights[v] for v in values], [(value_text(v), heights[v]) for v in shown]


def _class_name(key: str, value: Any) -> Any:
    return str(value).rpartition(".")[2] if key.endswith("_target_") and value is not None else value


def draw_pareto(section: Section, settings: Settings) -> Figure | None:
    """Draw F1 against seconds per epoch; the line joins those that nothing beats in both."""
    rows = [row for row in section.rows if row.scores and row.seconds_per_epoch is not None]
    if len(rows) < 2:
        return None
    front: list[Row] = []
    for row in sorted(rows, key=lambda row: (row.seconds_per_epoch or 0.0, -row.f1)):
        if not front or row.f1 > front[-1].f1:
            front.append(row)
    from matplotlib.lines import Line2D

    behind = [row for row in rows if row not in front]
    figure = new_figure(7, 3.6)
    axes = figure.subplots()

    def points(chosen: Sequence[Row]) -> tuple[list[float], list[float]]:
        return [row.seconds_per_epoch or 0.0 for row in chosen], [100 * row.f1 for row in chosen]

    axes.plot(*points(behind), "o", color="0.45", markersize=6, markerfacecolor="white")
    axes.plot(*points(front), "s-", color=COLOURS[0], markersize=7, linewidth=1.5)
    # Numbers in the picture, names in the key: names beside points would overlap.
    spread = np.linspace(0, len(front) - 1, min(len(front), NAMED)).round().astype(int)
    named = [*front, *behind] if len(rows) <= NAMED else [front[place] for place in spread]
    for number, row in enumerate(named, 1):
        axes.annotate(
            str(number),
            (row.seconds_per_epoch or 0.0, 100 * row.f1),
            xytext=(0, 7),
            textcoords="offset points",
            fontsize=9,
            ha="center",
        )
    axes.margins(0.1)
    beaten = "; open circle: something is" if behind else ""
    busy = " on a busy machine" if find_uneven_times(section.configurations.values()) else ""
    axes.set_xlabel(
        f"training seconds per epoch{busy}, mean\n(filled square: nothing is better and faster{beaten})", fontsize=9
    )
    axes.set_ylabel(f"{settings.split} F1 in points, mean", fontsize=9)
    tidy_axes(axes, "both")
    names = [f"{number}  {row.name}" for number, row in enumerate(named, 1)]
    add_legend(figure, [Line2D([], [], linestyle="") for _ in names], names, always=True)
    return figure
