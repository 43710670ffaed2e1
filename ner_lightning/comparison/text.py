"""The comparison on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ner_lightning.comparison.collect import LeftOut
from ner_lightning.comparison.comparison import Comparison
from ner_lightning.comparison.said import cells, headings, power_note, what_was_compared
from ner_lightning.comparison.section import Section, is_shown

MOST_PAIRS = 40
MOST_LEFT_OUT = 12
FEWEST = 4  # columns: configuration, mark, number of runs, F1


def show(comparison: Comparison, console: Console) -> None:
    """Print the tables, the verdicts, what they can and cannot show, and what was left out."""
    for section in comparison.sections:
        console.print(table(comparison, section, console.width))
        for line in what_was_compared(section, comparison.settings.split):
            console.print(Text(line, style="dim"), soft_wrap=True)
        if section.pairs:
            _show_pairs(section, console)
        console.print()
    for note in comparison.notes:
        console.print(Text(f"Note: {note}", style="yellow"), soft_wrap=True)
    _show_left_out(comparison.left_out, console)


def table(comparison: Comparison, section: Section, width: int) -> Table:
    """The configurations of a section.

    Args:
        comparison: with the section.
        section: one of it.
        width: characters of a line; the last columns are left to the files where they do not fit.
    """
    where = f"{section.name}, " if section.name else ""
    split = comparison.settings.split
    found = Table(title=f"{where}{split}: strict F1 in points, mean ± standard deviation over runs")
    rows = [[cell.text for cell in cells(comparison, row)] for row in section.rows]
    columns = list(zip(headings(comparison), zip(*rows, strict=True), strict=True))
    used = 1
    for place, (heading, texts) in enumerate(columns):
        used += 3 + max(map(cell_len, (heading.name, *texts)))
        if place < FEWEST or used <= width:
            found.add_column(heading.name, justify="left" if heading.is_text else "right", no_wrap=place > 0)
    for row, line in zip(section.rows, rows, strict=True):
        shown = [Text(text) for text in line[: len(found.columns)]]
        found.add_row(*shown, style="bold" if row.mark == "best" else None)
    return found


def _show_pairs(section: Section, console: Console) -> None:
    console.print("Is it real?", style="bold")
    for pair in section.pairs.pairs[:MOST_PAIRS]:
        console.print(Text(f"  {pair.sentence}", style="green" if is_shown(pair) else ""), soft_wrap=True)
    if (more := len(section.pairs) - MOST_PAIRS) > 0:
        console.print(Text(f"  … and {more:,} more pairs, in the files", style="dim"))
    for line in power_note(section):
        console.print(Text(f"  {line}", style="dim"), soft_wrap=True)


def _show_left_out(left_out: Sequence[LeftOut], console: Console) -> None:
    if not left_out:
        return
    console.print(f"\nLeft out: {len(left_out):,}", style="bold")
    for item in left_out[:MOST_LEFT_OUT]:
        console.print(Text(f"  {item.name}: {item.reason}"), soft_wrap=True)
    if (more := len(left_out) - MOST_LEFT_OUT) > 0:
        console.print(Text(f"  … and {more:,} more, in the files", style="dim"))
