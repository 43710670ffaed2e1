"""Small charts as inline SVG: they use the page's colours, light or dark, and load nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from markupsafe import Markup, escape

from ner_lightning.page.labels import cut_label, measure_breadth

WIDTH = 440  # at which text of 12 px is readable on a phone too
LETTERS = 12  # height of letters
MOST_LEFT = 140  # at most, for names
LONGEST = 200  # heights of letters, in the tooltip of a bar
COLOURS = 6  # classes s0 to s5 of the style


def draw_bars(
    categories: Sequence[str],
    series: Mapping[str, Sequence[float]],
    *,
    unit: str = "",
    percent: bool = False,
    colours: Mapping[str, int] | None = None,
) -> Markup:
    """Draw horizontal bars, one of each series for each category.

    Args:
        categories: names, from the top.
        series: the values by name of the series, one for each category.
        unit: of the values, for the tooltip of a bar.
        percent: the values are shares.
        colours: of the series, by name; None: by their order.

    >>> "PER, train: 12 mentions" in draw_bars(["PER"], {"train": [12]}, unit="mentions")
    True
    """
    if not categories or not series:
        return Markup("")
    names = [cut_label(category, MOST_LEFT / LETTERS) for category in categories]
    labels = [[_said(values[index], percent) for values in series.values()] for index in range(len(categories))]
    left = 10 + LETTERS * max(map(measure_breadth, names))
    thick, gap = (11, 10) if len(series) > 1 else (13, 9)
    row = thick * len(series) + gap
    largest = max((value for values in series.values() for value in values), default=0) or 1
    room = WIDTH - left - max(62, 9 + LETTERS * max(measure_breadth(label) for of_name in labels for label in of_name))
    parts = []
    for index, category in enumerate(categories):
        top = index * row + gap / 2
        middle = top + thick * len(series) / 2
        parts.append(_text(left - 8, middle + 4, names[index], "end"))
        for number, (name, values) in enumerate(series.items()):
            value = values[index]
            width, y = room * value / largest, top + number * thick
            label = labels[index][number]
            said = f"{cut_label(category, LONGEST)}, {name}: {label} {unit}".strip()
            parts.append(
                _bar(left, y, max(width, 0.5 if value else 0), thick - 1.5, _colour(name, number, colours), said)
            )
            parts.append(_text(left + width + 5, y + thick - 2, label, "start", small=len(series) > 1))
    return _svg(len(categories) * row + gap / 2, parts, f"Bars: {', '.join(series)} by {', '.join(names)}")


def draw_histogram(
    edges: Sequence[float],
    series: Mapping[str, Sequence[float]],
    *,
    unit: str,
    mark: tuple[float, str] | None = None,
    colours: Mapping[str, int] | None = None,
) -> Markup:
    """Draw shares by range, the ranges side by side, with a bar of each series.

    Args:
        edges: lower limits of the ranges, in order; the last range is open.
        series: the share of each range, by name of the series.
        unit: of what is counted, under the axis.
        mark: a value to draw a line at, and its label; left out if it is not within the ranges.
        colours: of the series, by name; None: by their order.
    """
    if not series:
        return Markup("")
    height, left, bottom, top = 210, 44, 38, 12
    largest = max((value for values in series.values() for value in values), default=0) or 1
    step = _step(largest)
    ceiling = step * math.ceil(largest / step - 1e-9)
    slot = (WIDTH - left - 6) / len(edges)
    scale = (height - bottom - top) / ceiling
    parts = []
    for tick in range(round(ceiling / step) + 1):
        y = height - bottom - tick * step * scale
        parts.append(Markup('<line class="axis" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(left, WIDTH, y, y))
        parts.append(_text(left - 6, y + 4, f"{100 * tick * step:g} %", "end"))
    thick = slot * 0.82 / len(series)
    for index, edge in enumerate(edges):
        x = left + index * slot
        until = f"{edge:g} and more" if index == len(edges) - 1 else _range(edge, edges[index + 1])
        for number, (name, values) in enumerate(series.items()):
            tall = values[index] * scale
            said = f"{name}, {until} {unit}: {_said(values[index], True)}"
            parts.append(
                _bar(
                    x + slot * 0.09 + number * thick,
                    height - bottom - tall,
                    thick * 0.92,
                    tall,
                    _colour(name, number, colours),
                    said,
                )
            )
    every = math.ceil(30 / slot)
    for index in range(0, len(edges), every):
        end = "+" if index == len(edges) - 1 else ""
        parts.append(_text(left + (index + 0.5) * slot, height - bottom + 16, f"{edges[index]:g}{end}", "middle"))
    parts.append(_text(left + (WIDTH - left) / 2, height - 5, unit, "middle"))
    if mark is not None and edges[0] <= mark[0] < edges[-1]:
        parts += _mark(edges, mark, left, slot, top, height - bottom)
    return _svg(height, parts, f"Histogram of {unit}: {', '.join(series)}")


def _mark(
    edges: Sequence[float], mark: tuple[float, str], left: float, slot: float, top: float, base: float
) -> list[Markup]:
    index = max(i for i, edge in enumerate(edges) if edge <= mark[0])
    x = left + slot * (index + (mark[0] - edges[index]) / (edges[index + 1] - edges[index]))
    line = Markup('<line class="mark" x1="{:.1f}" x2="{:.1f}" y1="{}" y2="{:.1f}"/>').format(x, x, top, base)
    fits = LETTERS * measure_breadth(mark[1]) < x - 4
    return [line, _text(x - 4 if fits else x + 4, top + 10, mark[1], "end" if fits else "start")]


def _colour(name: str, number: int, colours: Mapping[str, int] | None) -> int:
    return number if colours is None else colours[name]


def _range(low: float, high: float) -> str:
    return f"{low:g}" if high - low == 1 else f"{low:g} to {high - 1:g}"


def _step(largest: float) -> float:
    """Choose a round distance between lines, so that at most five reach the largest value."""
    for step in (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2):
        if largest / step <= 5:
            return step
    return 0.25


def _said(value: float, percent: bool) -> str:
    return f"{100 * value:.{1 if value < 0.1 else 0}f} %" if percent else f"{value:,.6g}"


def _bar(x: float, y: float, width: float, height: float, colour: int, said: str) -> Markup:
    return Markup(
        '<rect class="s{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="1.5"><title>{}</title></rect>'
    ).format(colour % COLOURS, x, y, width, height, said)


def _text(x: float, y: float, text: str, anchor: str, *, small: bool = False) -> Markup:
    size = Markup(' class="small"') if small else ""
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}"{}>{}</text>').format(x, y, anchor, size, text)


def _svg(height: float, parts: Sequence[Markup], label: str) -> Markup:
    start = Markup('<svg class="chart" viewBox="0 0 {} {:.0f}" role="img" aria-label="{}">')
    return start.format(WIDTH, height, escape(label)) + Markup("").join(parts) + Markup("</svg>")
