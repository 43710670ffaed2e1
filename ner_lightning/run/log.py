"""`run.log`, the log file of a run: it also holds what people saw on the terminal."""

from __future__ import annotations

import logging


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
