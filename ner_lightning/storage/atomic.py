"""Write files and folders that appear whole or not at all.

A draft is in a folder of its own beside its target, under a unique name, and is locked as long as its writer lives.
When it is complete it is synced to the disk and renamed, and the rename is synced: whatever happens at any moment,
there is either the old file or the new one. Drafts of killed writers are removed by the next writer of the target.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from filelock import FileLock, Timeout

from ner_lightning.storage.locks import acquire_where_known
from ner_lightning.storage.streams import is_stream, opened_stream

_SUFFIX = ".part"
_LONGEST_STEM = 100  # bytes of the target's name used in its draft's: names are limited, mostly to 255
_NOT_HERE = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF, errno.EACCES, errno.EISDIR)  # nothing to sync


def write_text(target: str | Path, text: str) -> None:
    """Write a text file in one piece, in UTF-8, line ends unchanged; a device or pipe is written directly."""
    with writing(target) as stream:
        stream.write(text)


@contextmanager
def writing(target: str | Path) -> Iterator[TextIO]:
    """Open a text file that takes its name when the block ends without an error; a device or pipe is written directly.

    Args:
        target: replaced in one piece if it exists; folders above it are made.
    """
    if is_stream(target):
        with opened_stream(target) as raw, io.TextIOWrapper(raw, encoding="utf-8", newline="\n") as stream:
            yield stream
        return
    with draft(target) as path, path.open("w", encoding="utf-8", newline="\n") as stream:
        yield stream


@contextmanager
def draft(target: str | Path) -> Iterator[Path]:
    """Provide a path for a new file or folder, which replaces the target when the block ends without an error.

    A link is followed: what it points to is replaced. A file keeps its permissions. If the target is a device or a
    pipe, the draft is written to it when the block ends.

    Args:
        target: a file or a folder, existing or not; folders above it are made.
    """
    if is_stream(target):
        with _draft_for_stream(target) as path:
            yield path
        return
    target = Path(os.path.realpath(target))
    target.parent.mkdir(parents=True, exist_ok=True)
    remove_stale_drafts(target)
    home, lock = _new_home(target)
    try:
        yield home / "new" / target.name
        publish(home / "new" / target.name, target, old=home / "old" / target.name)
    finally:
        shutil.rmtree(home, ignore_errors=True)
        lock.release()


@contextmanager
def _draft_for_stream(target: str | Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "draft")
        yield path
        with path.open("rb") as whole, opened_stream(target) as stream:
            shutil.copyfileobj(whole, stream)


def publish(path: Path, target: Path, old: Path | None = None) -> None:
    """Sync a finished draft and put it in the place of its target.

    Args:
        path: the draft, a file or folder on the file system of the target.
        target: what it replaces, if that exists.
        old: where to move a replaced folder for a moment, since a rename cannot replace a folder; None: beside it.
    """
    _sync_tree(path)
    if path.is_dir() and target.is_dir() and not target.is_symlink():
        aside = old or target.with_name(f".{target.name}.old")
        shutil.rmtree(aside, ignore_errors=True)
        target.rename(aside)
        path.rename(target)
        _sync(target.parent)
        shutil.rmtree(aside, ignore_errors=True)
        return
    _keep_permissions(target, path)
    path.replace(target)
    _sync(target.parent)


def remove_stale_drafts(target: str | Path) -> None:
    """Remove the drafts of a target whose writers are gone; those of living ones stay.

    If a writer was killed between moving the old folder away and moving the new one in, the new one is moved in.
    """
    target = Path(target)
    _remove_if_stale(target.parent, re.escape(_stem(target)))


def remove_stale_drafts_in(folder: str | Path) -> None:
    """Remove the drafts of all targets in a folder of ours whose writers are gone."""
    _remove_if_stale(Path(folder), r"\..+")


def _remove_if_stale(folder: Path, stem: str) -> None:
    name = re.compile(rf"{stem}\.\w{{8}}{re.escape(_SUFFIX)}", re.DOTALL)
    with suppress(OSError):
        for home in [path for path in folder.iterdir() if name.fullmatch(path.name)]:
            _remove_unless_held(home)


def _remove_unless_held(home: Path) -> None:
    lock = _lock(home)
    try:
        lock.acquire(timeout=0)
    except OSError:
        return  # its writer lives, or may live
    try:
        with suppress(OSError):
            for new in (home / "new").iterdir():
                if (home / "old" / new.name).exists() and not (home.parent / new.name).exists():
                    new.rename(home.parent / new.name)
        shutil.rmtree(home, ignore_errors=True)
    finally:
        lock.release()


def _new_home(target: Path) -> tuple[Path, FileLock]:
    """Make a folder for a draft, and lock it."""
    while True:
        home = Path(tempfile.mkdtemp(prefix=f"{_stem(target)}.", suffix=_SUFFIX, dir=target.parent))
        lock = _lock(home)
        # Someone looking for stale drafts may interfere: then take another folder.
        with suppress(Timeout, FileNotFoundError, FileExistsError):
            acquire_where_known(lock, timeout=0)  # without locks no draft is ever called stale
            for name in ("new", "old"):
                (home / name).mkdir()
            return home, lock
        lock.release()


def _lock(home: Path) -> FileLock:
    return FileLock(home / "lock", thread_local=False)


def _stem(target: Path) -> str:
    """Return the beginning of the names of a target's drafts."""
    raw = os.fsencode(target.name)
    if len(raw) <= _LONGEST_STEM:
        return f".{target.name}"
    return f".{raw[:_LONGEST_STEM].decode(errors='ignore')}~{hashlib.sha256(raw).hexdigest()[:8]}"


def _keep_permissions(target: Path, path: Path) -> None:
    if not target.is_file():
        return
    there = target.stat()
    path.chmod(stat.S_IMODE(there.st_mode))
    with suppress(OSError, AttributeError):  # only the superuser can change a file's owner
        os.chown(path, there.st_uid, there.st_gid)


def _sync_tree(path: Path) -> None:
    if path.is_dir():
        for child in path.iterdir():
            _sync_tree(child)
    _sync(path)


def _sync(path: Path) -> None:
    """Wait until a file or folder is on the disk, unless the file system or platform cannot sync it."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError as error:
        if error.errno in _NOT_HERE:
            return
        raise
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NOT_HERE:
            raise
    finally:
        os.close(descriptor)
