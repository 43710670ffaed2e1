"""A cache on disk: entries named by their content, written aside and moved into place as a whole."""

from __future__ import annotations

import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ner_lightning.storage.atomic import draft, remove_stale_drafts_in
from ner_lightning.storage.flat_arrays import (
    INDEX,
    Arrays,
    ArrayWriter,
    BrokenArrays,
    FolderWriter,
    MemoryWriter,
    NoArrays,
    Schema,
    Unwritable,
    open_arrays,
)
from ner_lightning.storage.in_use import deleting

log = logging.getLogger(__name__)

Build = Callable[[ArrayWriter], Arrays]

_ENTRY = re.compile(r"(sentences|encoded|survey)-[0-9a-f]{32}")


class Cache:
    """A folder of entries that every process may use at once.

    An entry is a folder of flat arrays with sizes and checksums (see `flat_arrays`); nothing in it is ever executed or
    unpickled. One process makes a missing entry, the others wait for it. A damaged entry is made again. If the folder
    cannot be written, one line says so, and entries are made in memory.

    Args:
        folder: made if missing.
        limit: in bytes; beyond it the least recently used entries are deleted, but none that a
            living process uses.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder, self.limit = folder, limit
        self._told: set[str] = set()

    def entry(self, kind: str, key: str, schema: Schema, build: Build) -> Arrays:
        """Return an entry, made by `build` if it does not exist.

        Args:
            kind: the kind of its content.
            key: digest of everything that determines its content.
            schema: its arrays.
            build: writes it; called again in memory if the folder cannot be written.
        """
        folder = self.folder / f"{kind}-{key[:32]}"
        if (found := self._open(folder, schema)) is not None:
            return found
        try:
            return self._build(folder, schema, build)
        except Unwritable as error:
            self._tell(f"data.cache={self.folder} cannot be written ({error}): going on without it")
            return build(MemoryWriter(schema))

    def _open(self, folder: Path, schema: Schema) -> Arrays | None:
        if not folder.exists():
            return None
        try:
            found = open_arrays(folder, schema)
        except NoArrays:  # deleted by another process, meanwhile
            return None
        except BrokenArrays as error:
            self._tell(f"the cached {folder.name} is broken ({error}): it is made again")
            return None
        with suppress(OSError):
            os.utime(folder / INDEX)  # when it was last used
        return found

    def _build(self, folder: Path, schema: Schema, build: Build) -> Arrays:
        lock = self._lock(folder)
        try:
            if (found := self._open(folder, schema)) is not None:  # by another process, meanwhile
                return found
            with _draft(folder) as part, closing(FolderWriter(part, schema)) as writer:
                built = build(writer)
        finally:
            lock.release()
        self._prune(keep=folder)
        found = open_arrays(folder, schema, verify=False)
        del built  # until here it kept others from deleting the new entry
        return found

    def _lock(self, folder: Path) -> FileLock:
        lock = FileLock(folder.with_name(f"{folder.name}.lock"))
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # it holds the texts of corpora
            try:
                lock.acquire(timeout=1)
            except Timeout:
                log.info("Another process is encoding this corpus: waiting for it.")
                lock.acquire()
        except OSError as error:
            raise Unwritable(error.strerror or str(error)) from error
        return lock

    def _tell(self, what: str) -> None:
        """Warn once, however many entries are concerned."""
        if what not in self._told:
            self._told.add(what)
            log.warning("%s", what)

    def _prune(self, keep: Path) -> None:
        """Delete the least recently used entries until the rest is within the limit."""
        with suppress(OSError):
            entries = [path for path in self.folder.iterdir() if _ENTRY.fullmatch(path.name) and path != keep]
            aged = sorted(entries, key=_last_used, reverse=True)
            size = _bytes(keep)
            for entry in aged:
                size += _bytes(entry)
                if size > self.limit:
                    _delete_unused(entry)
            remove_stale_drafts_in(self.folder)


def _delete_unused(entry: Path) -> None:
    with deleting(entry / INDEX) as unused:
        if unused:
            shutil.rmtree(entry, ignore_errors=True)
            entry.with_name(f"{entry.name}.lock").unlink(missing_ok=True)


@contextmanager
def _draft(folder: Path) -> Iterator[Path]:
    """Make a draft of an entry; an entry already there is broken, and is replaced."""
    building = False
    try:
        with draft(folder) as part:
            building = True
            yield part
            building = False
    except OSError as error:
        if building:  # an error of the builder
            raise
        raise Unwritable(error.strerror or str(error)) from error


def _last_used(folder: Path) -> float:
    try:
        return (folder / INDEX).stat().st_mtime
    except OSError:
        return 0.0


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())
