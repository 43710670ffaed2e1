"""Pictures: reliability diagram and transition matrix, for screen and print, readable without seeing colours.

matplotlib is imported when the first picture is drawn, and without its global state: no pyplot, no window, no settings.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ner_lightning.analysis.calibration import ReliabilityBin, wilson_interval
from ner_lightning.analysis.fonts import lend_letters
from ner_lightning.errors import UserError
from ner_lightning.page.labels import cut_label
from ner_lightning.storage.atomic import draft
from ner_lightning.tagging.schemes import split_tag

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

# Okabe and Ito (2008): distinct in all common kinds of colour vision.
BLUE, ORANGE = "#0072B2", "#D55E00"
DIVERGING = "RdBu_r"
LARGEST_WITH_NUMBERS = 25  # tags; with more, a cell is too small for its score
LONGEST_TAG = 18.0  # heights of its letters
PNG_DPI = 200


class PlotsUnavailable(UserError, ImportError):
    """Pictures cannot be drawn here; the message says what to install."""


def new_figure(width: float, height: float) -> Figure:
    """Make an empty figure.

    Args:
        width: in inches.
        height: in inches.

    Raises:
        PlotsUnavailable: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise PlotsUnavailable(
            "Pictures need matplotlib, which is not installed: pip install 'ner-lightning[plots]'"
        ) from error
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, stem: Path) -> list[Path]:
    """Write `stem.png` and `stem.svg`; returns both."""
    lend_letters(figure)
    files = [stem.with_name(f"{stem.name}.{kind}") for kind in ("png", "svg")]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .*missing")  # reported once, by `lend_letters`
        for file in files:
            with draft(file) as path:
                figure.savefig(path, dpi=PNG_DPI)
    return files


def reliability_diagram(table: Sequence[ReliabilityBin], title: str) -> Figure:
    """Plot the share of right entities against their probability, with 95 % intervals (Wilson) and counts.

    Args:
        table: of `reliability_table`, bins of either kind.
        title: above the picture.

    Raises:
        PlotsUnavailable: matplotlib is not installed.
    """
    figure = new_figure(4.8, 5.4)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    figure.suptitle(title, fontsize=10)
    _draw_reliability(upper, table)
    _draw_counts(lower, table)
    return figure


def _draw_reliability(axes: Axes, table: Sequence[ReliabilityBin]) -> None:
    said = np.array([row.mean_probability for row in table])
    true = np.array([row.share_correct for row in table])
    limits = np.array([wilson_interval(row.share_correct, row.entities) for row in table]).reshape(-1, 2)
    axes.plot([0, 1], [0, 1], color="0.4", linestyle="--", linewidth=1, label="perfect")
    axes.vlines(said, np.minimum(said, true), np.maximum(said, true), color=ORANGE, linewidth=4, label="gap")
    whiskers = np.abs(limits.T - true)
    axes.errorbar(said, true, whiskers, color=BLUE, marker="o", linewidth=1.2, capsize=3, label="found entities, 95 %")
    for x, y, side, edge in ((1.0, 0.1, "over-confident", "right"), (0.0, 0.55, "under-confident", "left")):
        axes.text(x, y, side, ha=edge, color="0.4", fontsize=9, fontstyle="italic")
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), ylabel="share correct")
    axes.grid(color="0.9")
    axes.legend(loc="upper left", frameon=False, fontsize=8)


def _draw_counts(axes: Axes, table: Sequence[ReliabilityBin]) -> None:
    counts = [row.entities for row in table]
    left, width = [row.low for row in table], [row.high - row.low for row in table]
    bars = axes.bar(left, counts, width, align="edge", color=BLUE, alpha=0.35, edgecolor=BLUE)
    labels = [f"{count:,}" if room > 0.06 else "" for count, room in zip(counts, width, strict=True)]
    axes.bar_label(bars, labels, fontsize=7, padding=1)
    axes.set(xlabel="probability", ylabel="entities", ylim=(0, 1.25 * max(counts, default=1)))


def transition_matrix(
    moves: NDArray[np.floating], legal: NDArray[np.bool_] | None, tags: Sequence[str], title: str
) -> Figure:
    """Plot the scores of all moves from tag to tag, starts as the first row, ends as the last column.

    Colours diverge from 0: above it a move is favoured, below it avoided. With up to 25 tags the scores are printed;
    with more, negative cells get a dash, since blue and red look alike in a grey print.

    Args:
        moves: scores in nats, `[tags + 1, tags + 1]`, from row to column, starts in the last row, ends in the last
            column (`ner_lightning.functional.crf.chain.closed_moves`).
        legal: the same shape, False where a move is forbidden, shown grey and hatched; None: no move is.
        tags: names, by id.
        title: above the picture.

    Raises:
        ValueError: names and scores do not fit.
        PlotsUnavailable: matplotlib is not installed.
    """
    n = len(tags) + 1
    if moves.shape != (n, n) or (legal is not None and legal.shape != (n, n)):
        raise ValueError(f"expected scores and rules of shape {(n, n)} for {n - 1} tags, received {moves.shape}")
    forbidden = np.zeros((n, n), dtype=bool) if legal is None else ~legal
    forbidden[-1, -1] = True  # from start to end: a sentence has words
    shown = np.roll(np.ma.masked_array(moves, forbidden), 1, axis=0)
    cell = 0.42 if n - 1 <= LARGEST_WITH_NUMBERS else 0.16  # inches
    figure = new_figure(n * cell + 2.6, n * cell + 1.8)
    figure.suptitle(title, fontsize=10)
    axes = figure.subplots()
    _draw_moves(axes, shown, tags, label_size=min(9.0, 50 * cell))
    if n - 1 <= LARGEST_WITH_NUMBERS:
        _print_scores(axes, shown)
    else:
        _mark_negative(axes, shown)
    return figure


def _draw_moves(axes: Axes, shown: np.ma.MaskedArray, tags: Sequence[str], label_size: float) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    n, largest, names = len(tags) + 1, float(np.abs(shown).max() or 1.0), [cut_label(tag, LONGEST_TAG) for tag in tags]
    # Forbidden moves are not drawn, and show the background: they need neither a colour nor a number.
    axes.patch.set(facecolor="0.92", edgecolor="0.65", hatch="////", linewidth=0)
    colours = axes.pcolormesh(shown, cmap=DIVERGING, vmin=-largest, vmax=largest, edgecolors="white", linewidth=0.4)
    axes.set(xlim=(0, n), ylim=(n, 0), aspect="equal")
    middle = np.arange(n) + 0.5
    axes.set_xticks(middle, [*names, "end"], rotation=90, fontsize=label_size, parse_math=False)
    axes.set_yticks(middle, ["start", *names], fontsize=label_size, parse_math=False)
    axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    axes.set_xlabel("to")
    axes.xaxis.set_label_position("top")
    axes.set_ylabel("from")
    types = [split_tag(tag)[1] for tag in tags]
    for edge in [i for i in range(1, n - 1) if types[i] != types[i - 1]] + [n - 1]:
        axes.axvline(edge, color="0.25", linewidth=0.7)
    for edge in [0, *(i for i in range(1, n - 1) if types[i] != types[i - 1])]:
        axes.axhline(edge + 1, color="0.25", linewidth=0.7)
    bar = axes.figure.colorbar(colours, ax=axes, shrink=0.7, pad=0.02)
    bar.set_label("score in nats (above 0: favoured)", fontsize=9)
    key: list[Artist] = [Patch(facecolor="0.92", edgecolor="0.65", hatch="////", label="forbidden")]
    if n - 1 > LARGEST_WITH_NUMBERS:
        key.append(Line2D([], [], linestyle="", marker="_", color="black", label="below 0"))
    axes.legend(handles=key, ncols=2, loc="upper left", bbox_to_anchor=(0.0, -0.01), frameon=False, fontsize=8)


def _print_scores(axes: Axes, shown: np.ma.MaskedArray) -> None:
    largest = float(np.abs(shown).max() or 1.0)
    digits = 1 if largest >= 1 else 2
    for (row, column), score in np.ma.ndenumerate(shown):
        colour = "white" if abs(score) > 0.6 * largest else "black"
        axes.text(column + 0.5, row + 0.5, f"{score:z.{digits}f}", ha="center", va="center", fontsize=7, color=colour)


def _mark_negative(axes: Axes, shown: np.ma.MaskedArray) -> None:
    largest = float(np.abs(shown).max() or 1.0)
    score = shown.filled(0.0)  # a forbidden move gets no mark
    for colour, low, high in (("white", -np.inf, -0.6), ("black", -0.6, -0.02)):
        rows, columns = np.nonzero((score >= low * largest) & (score < high * largest))
        axes.plot(columns + 0.5, rows + 0.5, linestyle="", marker="_", markersize=5, color=colour)
