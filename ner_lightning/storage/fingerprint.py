"""Names derived from content: equal digests mean equal content, whatever the files are called and wherever they are."""

from __future__ import annotations

import functools
import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ner_lightning.storage.own_code import own_code

PACKAGE = Path(__file__).parents[1]
# The code that turns files into sentences and sentences into arrays; a change to it changes the names.
_CODE = ("data/**/*.py", "storage/*.py", "tagging/*.py", "errors.py")


def digest(*parts: Any) -> str:
    """Compute the SHA-256 of parts in JSON.

    Raises:
        TypeError: a part that JSON cannot hold.

    >>> digest("a", 1) == digest("a", 1) != digest("a", "1")
    True
    """
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def fingerprint_files(path: Path, reader: object = None) -> str | None:
    """Digest a file, or all files below a folder with their names; None if nothing is there.

    Args:
        path: a file or a folder.
        reader: of the file; other files it reads (its method `files_beside`) count too, whether they exist or not.
    """
    if path.is_file():
        beside = getattr(reader, "files_beside", None)
        others = [] if beside is None else sorted(beside(path))
        if not others:
            return _of_file(path)
        return digest(_of_file(path), [(file.name, _of_file(file) if file.is_file() else None) for file in others])
    if not path.is_dir():
        return None
    files = sorted(file for file in path.rglob("*") if file.is_file())
    return digest([(file.relative_to(path).as_posix(), _of_file(file)) for file in files])


def fingerprint_reader(reader: object) -> str | None:
    """Digest a reader's class, code and options; None if two such readers could not be told apart.

    The code of a user's own reader is its module and all it imports that is not installed, or else the `cache_version`
    that its class declares. The code of our readers is in `fingerprint_code`. The result is None if no file has the
    code, or if an option is not a plain value.
    """
    kind = type(reader)
    try:
        code = _code_of(kind)
        return None if code is None else digest(f"{kind.__module__}.{kind.__qualname__}", code, vars(reader))
    except (TypeError, OSError, SyntaxError):
        return None


def _code_of(kind: type) -> Any:
    if (declared := getattr(kind, "cache_version", None)) is not None:
        return ["declared", declared]
    files = _own_code(kind)
    return None if files is None else [(name, _of_file(file)) for name, file in sorted(files.items())]


# The files are looked up once per class; a class that is loaded again is another one.
_own_code = functools.lru_cache(maxsize=256)(own_code)


def code_files() -> list[Path]:
    """List the files of the package that decide how files become arrays."""
    return sorted({file for pattern in _CODE for file in PACKAGE.glob(pattern)})


@functools.cache
def fingerprint_code() -> str:
    """Digest the code that reads, stores and encodes, and the version of the package."""
    return digest(version("ner-lightning"), [_of_file(file) for file in code_files()])


def _of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
