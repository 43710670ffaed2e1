"""`run.log`, the log file of a run: it also holds what people saw on the terminal."""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING

from ner_lightning.page import terminal

if TYPE_CHECKING:
    from rich.console import RenderableType

LOG_WIDTH = 120  # characters


def to_run_log(message: str, level: int = logging.INFO) -> None:
    """Write a message only to the log file, if there is one; the terminal has shown it already.

    Args:
        message: of one line or several.
        level: of `logging`.
    """
    record = logging.LogRecord(__name__, level, __file__, 0, message, None, None)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.FileHandler):
            handler.handle(record)


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
