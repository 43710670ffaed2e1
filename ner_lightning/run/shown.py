"""Tables for people, on the terminal and in the log of the run."""

from __future__ import annotations

import io

from rich.console import RenderableType

from ner_lightning.page import terminal
from ner_lightning.run.log import to_run_log

LOG_WIDTH = 120  # characters


def show_tables(*tables: RenderableType) -> None:
    """Print tables, and write them to `run.log`."""
    console = terminal.make_console()
    for table in tables:
        console.print(table)
        log_table(table)


def log_table(table: RenderableType) -> None:
    """Write a table only to `run.log`."""
    text = io.StringIO()
    terminal.make_console(file=text, width=LOG_WIDTH, color_system=None).print(table)
    lines = [line.rstrip() for line in text.getvalue().splitlines()]
    to_run_log("\n".join(["", *lines]).rstrip())
