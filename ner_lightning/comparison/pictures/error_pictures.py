"""Pictures of errors and of probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ner_lightning.analysis.error_kinds import KINDS
from ner_lightning.analysis.plots import new_figure
from ner_lightning.comparison.pictures.drawing import (
    COLOURS,
    HATCHES,
    MARKERS,
    STROKES,
    add_legend,
    tidy_axes,
    wrap_name,
)
from ner_lightning.comparison.why import Why

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BARS = 5  # configurations beside one another
CURVES = 4


def draw_error_kinds(why: Why) -> Figure | None:
    """Draw the number of errors of each kind, one bar per configuration."""
    accounts = why.accounts[:BARS]
    if not accounts:
        return None
    figure = new_figure(7, 3.4)
    axes = figure.subplots()
    width = 0.84 / len(accounts)
    handles = []
    for number, account in enumerate(accounts):
        heights = account.errors_by_kind()
        places = np.arange(len(KINDS)) + (number - (len(accounts) - 1) / 2) * width
        bars = axes.bar(
            places,
            heights,
            0.94 * width,
            color=COLOURS[number],
            hatch=HATCHES[number],
            edgecolor="white",
            linewidth=0.6,
        )
        if len(accounts) <= 3:
            texts = [f"{height:,.0f}" if height >= 10 else f"{height:.1f}" for height in heights]
            axes.bar_label(bars, texts, fontsize=7.5, padding=2)
        handles.append(bars)
    axes.set_xticks(range(len(KINDS)), [kind.replace("_", " ").replace("and ", "and\n") for kind in KINDS])
    axes.set_ylabel("errors, mean over runs", fontsize=9)
    axes.margins(x=0.02, y=0.1)
    tidy_axes(axes, "y")
    axes.tick_params(axis="x", length=0)
    add_legend(figure, handles, [account.name for account in accounts])
    return figure


def draw_reliability(why: Why) -> Figure | None:
    """Draw the share of right entities against their probability, one line per configuration."""
    accounts = [account for account in why.accounts if account.calibration.n][:CURVES]
    if not accounts:
        return None
    figure = new_figure(5.6, 5.2)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.5", linewidth=1)
    axes.text(0.03, 0.06, "perfect", rotation=45, fontsize=8, color="0.4", rotation_mode="anchor")
    handles, names = [], []
    for number, account in enumerate(accounts):
        table = account.calibration.equal_width
        (line,) = axes.plot(
            [row.mean_probability for row in table],
            [row.share_correct for row in table],
            color=COLOURS[number],
            linestyle=STROKES[number],
            marker=MARKERS[number],
            markersize=5,
        )
        sizes = np.array([row.entities for row in table], dtype=float)
        axes.scatter(
            [row.mean_probability for row in table],
            [row.share_correct for row in table],
            s=30 + 250 * sizes / sizes.sum(),
            color=COLOURS[number],
            alpha=0.18,
            linewidths=0,
        )
        handles.append(line)
        names.append(f"{account.name} (ECE {account.calibration.ece:.3f})")
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), aspect="equal", anchor="N")
    axes.set_xlabel("probability of found entities (disc: how many)", fontsize=9)
    axes.set_ylabel("share that is right", fontsize=9)
    tidy_axes(axes, "both")
    if len(accounts) == 1:
        axes.set_title(wrap_name(names[0], 60), fontsize=10)
    add_legend(figure, handles, names)
    return figure
