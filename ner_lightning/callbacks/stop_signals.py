"""Answer Ctrl-C and SIGTERM at the end of a step instead of in the middle of it."""

from __future__ import annotations

import logging
import signal
import threading
from types import FrameType
from typing import Any, NoReturn

from pytorch_lightning.utilities.exceptions import SIGTERMException

log = logging.getLogger(__name__)

WATCHED = (signal.SIGINT, signal.SIGTERM)


class StopSignals:
    """Notes a request to end the process, while watching; a second Ctrl-C ends it at once.

    Lightning's own handler of SIGTERM talks to the other processes, which may be in the middle of another exchange: it
    then hangs. This handler only takes a note.

    Attributes:
        asked: the signal; None if there was none.
    """

    def __init__(self) -> None:
        self.asked: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}

    def watch(self) -> None:
        """Install the handlers; only the main thread can."""
        if threading.current_thread() is threading.main_thread() and not self._before:
            self._before = {number: signal.signal(number, self._note) for number in WATCHED}

    def release(self) -> None:
        """Restore the previous handlers."""
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._before = {}

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            if self.asked == signal.SIGINT:
                signal.default_int_handler(number, frame)
            log.info("Interrupted: writing a checkpoint after this step. Ctrl-C again ends at once.")
        self.asked = signal.Signals(number)


def leave(asked: int) -> NoReturn:
    """End the run as its signal would have ended it.

    Raises:
        KeyboardInterrupt: for Ctrl-C.
        SIGTERMException: for SIGTERM.
    """
    if asked == signal.SIGINT:
        raise KeyboardInterrupt
    raise SIGTERMException
