"""Names for content: two things of one digest are the same, whatever they are called and wherever they lie."""

from __future__ import annotations

import functools
import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ner_lightning.storage.own_code import own_code

PACKAGE = Path(__file__).parents[1]
# What decides how files become sentences and sentences become arrays; a change to it makes another name.
_CODE = ("data/**/*.py", "storage/*.py", "tagging/*.py", "errors.py")


def digest(*parts: Any) -> str:
    """A SHA-256 over parts in JSON.

    Raises:
        TypeError: a part that JSON cannot hold.

    >>> digest("a", 1) == digest("a", 1) != digest("a", "1")
    True
    """
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def fingerprint_files(path: Path, reader: object = None) -> str | None:
    """The bytes of a file, or of all files below a folder with their names there; None where nothing is.

    Args:
        path: a file or a folder.
        reader: of the file; what it reads beside it (its method `files_beside`) counts too, whether it is there or not.
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
    """A reader's class, its code and its options; None where nobody could tell two of them apart.

    The code of a reader of the user's own is that of its module and of whatever that imports that is not installed, or
    the `cache_version` that its class declares. That of ours is in `fingerprint_code`. None: there is no file with the
    code, or an option is no plain value.
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


# Which files there are is found out once; a class that was loaded anew is another one.
_own_code = functools.lru_cache(maxsize=256)(own_code)


def code_files() -> list[Path]:
    """List the files of the package that decide how files become arrays."""
    return sorted({file for pattern in _CODE for file in PACKAGE.glob(pattern)})


@functools.cache
def fingerprint_code() -> str:
    """The code that reads, stores and encodes, and the version of the package."""
    return digest(version("ner-lightning"), [_of_file(file) for file in code_files()])


def _of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
