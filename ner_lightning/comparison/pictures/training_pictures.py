"""Pictures of how runs learned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ner_lightning.analysis.plots import new_figure
from ner_lightning.comparison.pictures.drawing import COLOURS, LINES, MARKERS, STROKES, add_legend, tidy_axes
from ner_lightning.comparison.runs.run import FinishedRun
from ner_lightning.comparison.section import Section

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RUNS = 10  # of a configuration


def draw_learning_curves(section: Section) -> Figure | None:
    """Draw F1 on the development data after each epoch: mean over runs, and their range as a band."""
    shown = [*section.configurations.values()][:LINES]
    found = [[curve for run in c.runs[:RUNS] if (curve := _curve(run))] for c in shown]
    curves = [(c, of) for c, of in zip(shown, found, strict=True) if any(len(curve) > 1 for curve in of)]
    if not curves:
        return None
    from matplotlib.ticker import MaxNLocator

    figure = new_figure(7, 3.6)
    axes = figure.subplots()
    handles = [_draw(axes, number, found) for number, (_, found) in enumerate(curves)]
    axes.set_xlabel("epoch", fontsize=9)
    axes.set_ylabel("dev F1 in points", fontsize=9)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    tidy_axes(axes, "both")
    best = f"; the {LINES} best of {len(section.configurations)}" if len(section.configurations) > LINES else ""
    axes.set_title(f"line: mean over runs, band: lowest to highest{best}", fontsize=9, loc="left")
    add_legend(figure, handles, [configuration.name for configuration, _ in curves])
    return figure


def _draw(axes: Any, number: int, curves: list[dict[int, float]]) -> Any:
    epochs = sorted(set.intersection(*(set(curve) for curve in curves)) or set(curves[0]))
    values = np.array([[curve[epoch] for epoch in epochs] for curve in curves if set(epochs) <= set(curve)])
    if len(values) > 1:
        axes.fill_between(epochs, values.min(0), values.max(0), color=COLOURS[number], alpha=0.15, linewidth=0)
    (line,) = axes.plot(
        epochs,
        values.mean(0),
        color=COLOURS[number],
        linestyle=STROKES[number],
        marker=MARKERS[number],
        markersize=5,
        markevery=max(1, len(epochs) // 12),
    )
    return line


def _curve(run: FinishedRun) -> dict[int, float]:
    """Return F1 in points by epoch, from 1, without the final score of the best weights after the last epoch."""
    found: dict[int, float] = {}
    for row in run.curve():
        if "val/f1" in row and "epoch" in row:
            found.setdefault(int(row["epoch"]) + 1, 100 * row["val/f1"])
    last = max((int(row["epoch"]) + 1 for row in run.curve() if "train/loss" in row and "epoch" in row), default=None)
    return {epoch: value for epoch, value in found.items() if last is None or epoch <= last}
