"""Lines of a command for the terminal and its log: without secrets, and with nothing that a terminal would obey."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection

from ner_lightning.page.terminal import escape_message
from ner_lightning.run.redaction import known_secrets, redact_text


def escape_log_message(text: object, secrets: Collection[str] | None = None) -> str:
    """Make a message safe to show.

    Args:
        text: the message, or an error.
        secrets: texts to hide; None: those of the environment.
    """
    return escape_message(redact_text(str(text), known_secrets(os.environ) if secrets is None else secrets))


class HarmlessFormatter(logging.Formatter):
    """A formatter that makes another formatter's lines safe to show.

    Args:
        formatter: the other; None: only the message is formatted.
        secrets: texts to hide.
    """

    def __init__(self, formatter: logging.Formatter | None, secrets: Collection[str]) -> None:
        super().__init__()
        self._formatter, self._secrets = formatter or logging.Formatter(), secrets

    def format(self, record: logging.LogRecord) -> str:
        """Format the record, with its trace if it has one."""
        return escape_log_message(self._formatter.format(record), self._secrets)
