"""Devices, pipes and open descriptors: outputs that are written directly and never replaced."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_DESCRIPTORS = re.compile(r"/dev/fd|/proc/(self|thread-self|\d+)(/task/\d+)?/fd")
_MOST_LINKS = 40


def is_stream(path: str | Path) -> bool:
    """Tell whether a path names a device, a pipe or an open descriptor, rather than a file to make or replace.

    >>> is_stream("/dev/null"), is_stream("/dev/stdout"), is_stream("report.json")
    (True, True, False)
    """
    if descriptor_of(path) is not None:
        return True
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def descriptor_of(path: str | Path) -> int | None:
    """Find the open descriptor of this process that a path stands for.

    >>> descriptor_of("/dev/stdout"), descriptor_of("/dev/null")
    (1, None)
    """
    here = Path(path).absolute()
    with suppress(OSError, ValueError):  # an impossible name
        for _ in range(_MOST_LINKS):
            home, name = Path(os.path.realpath(here.parent)), here.name
            if name.isdigit() and _is_own(str(home)):
                return int(name)
            here = home / (home / name).readlink()
    return None


@contextmanager
def opened_stream(path: str | Path) -> Iterator[BinaryIO]:
    """Open a stream for writing; a descriptor continues at its current position."""
    descriptor = descriptor_of(path)
    # Opened again, a redirected file would be written from its start; O_CREAT would make a file where a pipe is gone.
    handle = os.open(path, os.O_WRONLY) if descriptor is None else os.dup(descriptor)
    with os.fdopen(handle, "wb") as stream:
        yield stream


def let_go_of_stdout() -> None:
    """Drop what a broken standard output would flush, and complain about, at the very end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _is_own(folder: str) -> bool:
    found = _DESCRIPTORS.fullmatch(folder)
    return found is not None and found[1] in (None, "self", "thread-self", str(os.getpid()))
