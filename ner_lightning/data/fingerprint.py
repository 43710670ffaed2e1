"""Names for content: two things of one digest are the same, whatever they are called and wherever they lie."""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
# What decides how files become sentences and sentences become arrays; a change to it makes another name.
_CODE = ("*.py", "readers/*.py", "../tagging/*.py")


def digest(*parts: Any) -> str:
    """A SHA-256 over parts in JSON.

    Raises:
        TypeError: a part that JSON cannot hold.

    >>> digest("a", 1) == digest("a", 1) != digest("a", "1")
    True
    """
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def of_files(path: Path) -> str | None:
    """The bytes of a file, or of all files below a folder with their names there; None where nothing is."""
    if path.is_file():
        return _of_file(path)
    if not path.is_dir():
        return None
    files = sorted(file for file in path.rglob("*") if file.is_file())
    return digest([(file.relative_to(path).as_posix(), _of_file(file)) for file in files])


def of_reader(reader: object) -> str | None:
    """A reader's class and options; None where they are not plain values, so that nobody could tell them apart."""
    kind = type(reader)
    try:
        source = "" if kind.__module__.startswith("ner_lightning.") else inspect.getsource(kind)
        return digest(f"{kind.__module__}.{kind.__qualname__}", source, vars(reader))
    except (TypeError, OSError):
        return None


@functools.cache
def of_code() -> str:
    """The code that reads, stores and encodes, and the version of the package."""
    files: Iterable[Path] = sorted({file.resolve() for pattern in _CODE for file in HERE.glob(pattern)})
    return digest(version("ner-lightning"), [_of_file(file) for file in files])


def _of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
