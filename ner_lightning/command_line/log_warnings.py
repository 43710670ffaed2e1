"""Warnings as lines of the log, on the terminal and in `run.log`, like everything else a user must know."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable
from typing import Any

log = logging.getLogger("ner_lightning.warnings")


def gather_warnings(noise: Iterable[str]) -> None:
    """Log the first paragraph of each warning, once, from now on.

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
