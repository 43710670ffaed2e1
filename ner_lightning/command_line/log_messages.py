"""Messages of a command for the terminal and its log: without secrets, and without control sequences of a terminal."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Collection, Iterable
from typing import Any

from ner_lightning.page.terminal import escape_message
from ner_lightning.run.redaction import known_secrets, redact_text

log = logging.getLogger("ner_lightning.warnings")


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


def gather_warnings(noise: Iterable[str]) -> None:
    """Log the first paragraph of each warning, once, from now on: on the terminal and in `run.log`.

    Args:
        noise: patterns of warnings that are not worth a line.
    """
    told: set[str] = set()

    def tell(message: Warning | str, *_: Any, **__: Any) -> None:
        text = str(message).strip().split("\n\n")[0]
        if text not in told:
            told.add(text)
            log.warning("%s", text)

    warnings.showwarning = tell
    for pattern in noise:
        warnings.filterwarnings("ignore", message=pattern)
