"""Colours, marks and strokes of the pictures of a comparison; they differ in grey print, too."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

from rich.cells import cell_len

# Okabe and Ito (2008), without yellow, which is too light for lines on white; dark and light ones alternate.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#E69F00", "#56B4E9", "#7F7F7F")
MARKERS = "osD^vPX*"
STROKES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (8, 2)))
HATCHES = ("", "///", "...", "xxx", "\\\\\\", "+++", "ooo", "---")
LINES = len(COLOURS)
"""Most lines in a picture that can be told apart."""
ROWS = 24
"""Most rows in a picture."""
LONGEST, MOST_LINES = 34, 6  # of a label: characters of a line, and lines


def tidy_axes(axes: Any, grid: str = "y") -> None:
    """Remove the frame, and put thin lines behind the data."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis=grid, color="0.9", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=9)


def wrap_name(text: str, longest: int = LONGEST) -> str:
    """Break a name into lines that fit beside a picture; a long one is cut, and dollar signs are not mathematics.

    >>> len(wrap_name("crf precision=bf16-mixed encoder_lr=0.0001").splitlines()), wrap_name("x" * 500)[-1]
    (2, '…')
    """
    letters = max(1, longest * len(text) // max(1, cell_len(text)))  # Chinese letters are twice as broad
    return "\n".join(wrap(text, letters, max_lines=MOST_LINES, placeholder="…")).replace("$", r"\$")


def name_rows(axes: Any, names: Sequence[str]) -> None:
    """Write names down the side, the first on top."""
    axes.set_yticks(range(len(names)), [wrap_name(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)


def rows_height(names: Sequence[str], least: float = 1.6) -> float:
    """Compute the height in inches of a picture with one row per name."""
    return max(least, 0.9 + sum(0.16 + 0.18 * (wrap_name(name).count("\n") + 1) for name in names))


def add_legend(figure: Any, handles: Sequence[Any], names: Sequence[str], *, always: bool = False) -> None:
    """Add a key below the picture, in as many columns as fit; the picture grows by it.

    Args:
        figure: the picture.
        handles: the marks that are explained.
        names: one for each mark.
        always: also for a single line.
    """
    if len(names) < 2 and not always:
        return
    lines = [wrap_name(name).split("\n") for name in names]
    width, height = figure.get_size_inches()
    columns = max(1, min(len(names), int(12.5 * width / (max(len(line) for name in lines for line in name) + 7))))
    rows = -(-len(names) // columns)
    figure.set_size_inches(width, height + 0.1 + rows * (0.06 + 0.17 * max(map(len, lines))))
    figure.legend(
        handles,
        [wrap_name(name) for name in names],
        loc="outside lower center",
        ncols=columns,
        frameon=False,
        fontsize=9,
    )
