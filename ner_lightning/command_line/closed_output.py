"""End quietly where whoever reads standard output has closed it (`| head -1`), as other Unix tools do."""

from __future__ import annotations

import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ner_lightning.errors import ReaderGone
from ner_lightning.storage.streams import let_go_of_stdout


@contextmanager
def end_with_reader() -> Iterator[None]:
    """Leave with the code of `ReaderGone` where standard output is closed; a pipe to anything else stays an error.

    An exit code that says more is kept.

    Raises:
        SystemExit: nobody reads.
    """
    try:
        yield
    except ReaderGone:
        sys.exit(ReaderGone.exit_code)
    except BrokenPipeError:
        if _is_closed() or _has_no_reader():
            sys.exit(ReaderGone.exit_code)
        raise
    except SystemExit as error:
        if _is_closed() and not error.code:
            sys.exit(ReaderGone.exit_code)
        raise
    if _is_closed():
        sys.exit(ReaderGone.exit_code)


def _is_closed() -> bool:
    """Write out what is left; what cannot be written is dropped, or Python would complain at its very end."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        let_go_of_stdout()
        return True
    return False


def _has_no_reader() -> bool:
    """Tell whether standard output is a pipe that was closed; after an error nothing may be left to write."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    return any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll(0))
