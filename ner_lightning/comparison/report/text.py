"""Show a comparison on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ner_lightning.comparison.comparison import Comparison
from ner_lightning.comparison.report.grid import Grid, overall_grid, section_grid
from ner_lightning.comparison.report.prose import OVERALL, overall_notes, power_note, what_was_compared
from ner_lightning.comparison.runs.run import LeftOut
from ner_lightning.page.terminal import escape_line
from ner_lightning.statistics.pairs import Pair

MOST_PAIRS = 40
MOST_LEFT_OUT = 12
FEWEST = 4  # columns: configuration, mark, number of runs, F1


def show_comparison(comparison: Comparison, console: Console) -> None:
    """Print tables, verdicts, what they can and cannot show, and what was left out."""
    for section in comparison.sections:
        where = f"{section.name}, " if section.name else ""
        title = f"{where}{comparison.settings.split}: strict F1 in points, mean ± standard deviation over runs"
        _show_grid(section_grid(comparison, section), title, console)
        for line in what_was_compared(section, comparison.settings.split):
            console.print(Text(escape_line(line), style="dim"), soft_wrap=True)
        if section.pairs:
            _show_pairs(section.pairs.pairs, power_note(section), console)
        console.print()
    if (overall := comparison.overall) is not None:
        _show_grid(overall_grid(overall), f"{OVERALL}: strict F1 in points", console)
        _show_pairs(overall.pairs, overall_notes(overall), console)
        console.print()
    for note in comparison.notes:
        console.print(Text(f"Note: {escape_line(note)}", style="yellow"), soft_wrap=True)
    _show_left_out(comparison.left_out, console)


def _show_grid(found: Grid, title: str, console: Console) -> None:
    """Print a table; columns that do not fit are left to the files."""
    laid = Table(title=title)
    columns = zip(found.headings, zip(*(cells for _, cells in found.rows), strict=True), strict=True)
    used = 1
    for place, (heading, column) in enumerate(columns):
        used += 3 + max(map(cell_len, (heading.name, *(cell.text for cell in column))))
        if place < FEWEST or used <= console.width:
            laid.add_column(heading.name, justify="left" if heading.is_text else "right", no_wrap=place > 0)
    for mark, cells in found.rows:
        shown = [Text(escape_line(cell.text)) for cell in cells[: len(laid.columns)]]
        laid.add_row(*shown, style="bold" if mark == "best" else None)
    console.print(laid)
    if hidden := [heading.name for heading in found.headings[len(laid.columns) :]]:
        console.print(Text(f"No room for {'; '.join(hidden)}: see the files.", style="dim"), soft_wrap=True)


def _show_pairs(pairs: Sequence[Pair], notes: Sequence[str], console: Console) -> None:
    console.print("Is it real?", style="bold")
    for pair in pairs[:MOST_PAIRS]:
        console.print(Text(f"  {escape_line(pair.sentence)}", style="green" if pair.shown else ""), soft_wrap=True)
    if (more := len(pairs) - MOST_PAIRS) > 0:
        console.print(Text(f"  … and {more:,} more pairs, in the files", style="dim"))
    for line in notes:
        console.print(Text(f"  {escape_line(line)}", style="dim"), soft_wrap=True)


def _show_left_out(left_out: Sequence[LeftOut], console: Console) -> None:
    if not left_out:
        return
    console.print(f"\nLeft out: {len(left_out):,}", style="bold")
    for item in left_out[:MOST_LEFT_OUT]:
        console.print(Text(f"  {escape_line(item.name)}: {escape_line(item.reason)}"), soft_wrap=True)
    if (more := len(left_out) - MOST_LEFT_OUT) > 0:
        console.print(Text(f"  … and {more:,} more, in the files", style="dim"))
