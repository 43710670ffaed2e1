"""Check where a command may write: never over its inputs, never twice to one place."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from ner_lightning.errors import ReaderGone, UserError
from ner_lightning.storage.streams import is_stream

STANDARD = "-"
"""Standard output."""

Name = str | Path | None


def check_outputs(outputs: Mapping[str, Name], reads: Mapping[str, Name]) -> None:
    """Refuse outputs that are also inputs, or equal to each other, under whatever names and links.

    Devices and pipes are not checked: writing to them replaces nothing.

    Args:
        outputs: by key; null if there is none.
        reads: inputs by key; a folder stands for itself, not for the files in it.

    Raises:
        UserError: names both keys.

    >>> check_outputs({"output": "a.json", "html": "b.html"}, {"input": "a.txt"})
    >>> check_outputs({"output": "a.json", "report": "./a.json"}, {})
    Traceback (most recent call last):
    ner_lightning.errors.UserError: report=./a.json: this is output=a.json too; give each a name of its own.
    """
    taken = {key: name for key, name in reads.items() if name not in (None, STANDARD)}
    for key, name in outputs.items():
        if name is None or (name != STANDARD and is_stream(name)):
            continue
        if other := next((k for k, there in taken.items() if _same(name, there)), None):
            raise UserError(_refusal(key, name, other, taken[other], is_read=other in reads))
        taken[key] = name


def check_not_read(outputs: Mapping[str, Name], files: Iterable[Path]) -> None:
    """Refuse outputs that would replace a file that was read, or a file in a folder that was read as a whole.

    Raises:
        UserError: names the output.
    """
    there = {key: name for key, name in outputs.items() if name not in (None, STANDARD) and not is_stream(str(name))}
    for file in files:
        for key, name in there.items():
            path = Path(os.path.realpath(Path(str(name)).expanduser()))
            inside = path.exists() and file.is_dir() and path.is_relative_to(os.path.realpath(file))
            if inside or _same(path, file):
                raise UserError(_refusal(key, name, "data", file, is_read=True))


def check_place(key: str, name: Name, *, folders: bool = False) -> None:
    """Refuse an output that surely cannot be made: before hours of work, not after them.

    Args:
        key: of the output.
        name: a file, existing or not; null and streams are not checked.
        folders: whether it may be a folder.

    Raises:
        UserError: a folder, a name too long, a place where nothing can be written.

    >>> check_place("output", "a.json")
    >>> check_place("output", "n" * 300)
    Traceback (most recent call last):
    ner_lightning.errors.UserError: output=nnn...: cannot be written (file name too long); name a file ...
    """
    if name is None or name == STANDARD or is_stream(name):
        return
    path = Path(name).expanduser()
    with explain_os_errors(key, name):
        if path.is_dir() and not folders:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        with suppress(FileNotFoundError):
            path.stat()
        above = next(folder for folder in path.absolute().parents if folder.exists())
        if not above.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not os.access(above, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


@contextmanager
def explain_os_errors(
    key: str, name: str | Path, remedy: str = "name a file in a folder that can be written"
) -> Iterator[None]:
    """Turn an error of the operating system into one sentence that names the output.

    Raises:
        UserError: nothing can be written there, or nothing more.
        ReaderGone: it is a pipe that its reader has closed.
    """
    try:
        yield
    except BrokenPipeError as error:
        raise ReaderGone from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UserError(f"{key}={name}: cannot be written ({reason}); {remedy}.") from error


def _refusal(key: str, name: Name, other: str, there: Name, *, is_read: bool) -> str:
    if is_read:
        same = "" if str(name) == str(there) else f", {there}"
        return f"{key}={name}: this is what is read ({other}{same}); name another file."
    return f"{key}={name}: this is {other}={there} too; give each a name of its own."


def _same(one: Name, other: Name) -> bool:
    if STANDARD in (one, other):
        return one == other
    first, second = (Path(os.path.realpath(Path(str(name)).expanduser())) for name in (one, other))
    try:
        return first.samefile(second)
    except (OSError, ValueError):
        return os.path.normcase(first) == os.path.normcase(second)
