"""`run.log`, the log file of a run: what people saw on the terminal stands there too."""

from __future__ import annotations

import logging


def to_run_log(message: str, level: int = logging.INFO) -> None:
    """Write a message to the log file alone, where there is one; the terminal has it already.

    Args:
        message: of one line or several.
        level: of `logging`.
    """
    record = logging.LogRecord(__name__, level, __file__, 0, message, None, None)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.FileHandler):
            handler.handle(record)
