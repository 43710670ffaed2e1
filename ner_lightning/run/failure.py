"""`error.json` of a run folder: why a run failed, for whoever started it."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import NamedTuple

from ner_lightning.errors import first_line
from ner_lightning.run.folder import RunFolder, read_json, write_json

_WANT_OF_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory")


class Failure(NamedTuple):
    """The reason why a run failed.

    Attributes:
        message: kind and text of the error, one line.
        out_of_memory: whether a smaller batch might have helped.
    """

    message: str
    out_of_memory: bool


def failure_of(error: BaseException) -> Failure:
    """Describe an error.

    >>> failure_of(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried …"))[1]
    True
    >>> failure_of(ValueError("expected 3 columns"))
    Failure(message='ValueError: expected 3 columns', out_of_memory=False)
    """
    kind, line = type(error).__name__, first_line(error)
    return Failure(kind if line == kind else f"{kind}: {line}", _is_want_of_memory(error))


def write_failure(folder: str | Path, failure: Failure) -> None:
    """Write `error.json`, if the folder is there."""
    run = RunFolder(folder)
    if run.path.is_dir():
        write_json(run.error, failure._asdict())


def read_failure(folder: str | Path) -> Failure | None:
    """Read `error.json`; None if there is none."""
    try:
        return Failure(**read_json(RunFolder(folder).error))
    except TypeError:
        return None


def _is_want_of_memory(error: BaseException | None) -> bool:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        kinds = {kind.__name__ for kind in type(error).__mro__}
        if kinds & {"MemoryError", "OutOfMemoryError"} or getattr(error, "errno", None) == errno.ENOMEM:
            return True
        if isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _WANT_OF_MEMORY):
            return True
        error = error.__cause__ or error.__context__
    return False
