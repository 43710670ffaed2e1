"""Locks on files and folders, held by the process that writes them: a second writer is refused with one sentence.

A lock is a hidden file: `.NAME.lock` beside a file, `.lock` inside a folder. It names its process. The system frees it
when that process ends, in whatever way; a process that ends normally also removes the file.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout

from ner_lightning.errors import UserError

log = logging.getLogger(__name__)

PATIENCE = 1.0
"""Seconds before a lock counts as held, since a process that only checks it also holds it for a moment."""

OUTLIVED = 8.0
"""Seconds granted to the helpers of a killed process, which hold its lock until they notice (torch: five)."""

LONGEST = 240  # bytes of a file's name, so that `.` and `.lock` fit too
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)


class WritingProcess(NamedTuple):
    """The process that holds a lock.

    Attributes:
        pid: its number; None: unknown.
        host: the machine it runs on.
    """

    pid: int | None = None
    host: str = ""

    @property
    def is_here(self) -> bool:
        """Tell whether it runs on this machine."""
        return self.host == socket.gethostname()

    @property
    def is_gone(self) -> bool:
        """Tell whether it is known to have ended; processes it started may hold its lock a little longer."""
        return self.is_here and not is_alive(self.pid)

    def __str__(self) -> str:
        where = f" on {self.host}" if self.host and not self.is_here else ""
        return f"another process{where}" if self.pid is None else f"process {self.pid}{where}"


class Busy(UserError):
    """Another process or thread is writing there.

    Args:
        target: file or folder.
        writer: the process that writes.
        remedy: what to do instead of waiting.
    """

    def __init__(self, target: Path, writer: WritingProcess, remedy: str) -> None:
        super().__init__(f"{target}: {writer} is writing there; wait until it has ended, or {remedy}")
        self.target, self.writer = target, writer


def acquire_where_known(lock: FileLock, timeout: float | None = None) -> None:
    """Take a lock; on a file system without locks, continue without it.

    Args:
        lock: not taken yet.
        timeout: seconds to wait; None: as the lock says.

    Raises:
        Timeout: another process has it.
        OSError: it cannot be taken for another reason.
    """
    try:
        lock.acquire(timeout=timeout)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise


@contextlib.contextmanager
def writing_file(file: str | Path, remedy: str = "give another file") -> Iterator[None]:
    """Hold the lock of a file while this process writes it; devices and pipes have no lock.

    The same thread may hold it several times.

    Args:
        file: in an existing folder.
        remedy: the advice in the error, such as `give another output=FILE`.

    Raises:
        Busy: another process, or another thread, writes it.
        UserError: nothing can be written beside it.
    """
    path = Path(file).expanduser().resolve()
    if path.exists() and not path.is_file():
        yield
        return
    with _holding(_lock_of_file(path), Path(file), remedy):
        yield


@contextlib.contextmanager
def writing_folder(folder: str | Path, remedy: str = "name another folder") -> Iterator[None]:
    """Hold the lock of a folder while this process writes into it; the folder is made if needed.

    Raises:
        Busy: another process, or another thread, writes there.
        UserError: nothing can be written there.
    """
    with _holding(_lock_of_folder(folder), Path(folder), remedy):
        yield


def writer_of_folder(folder: str | Path) -> WritingProcess | None:
    """Return the process that is writing into a folder; None if there is none."""
    return _holder(_lock_of_folder(folder))


def is_alive(pid: int | None) -> bool:
    """Tell whether a process with this number runs on this machine."""
    if pid is None or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


@contextlib.contextmanager
def _holding(path: Path, target: Path, remedy: str) -> Iterator[None]:
    lock = FileLock(path, is_singleton=True)  # one per process and path: a thread may take it again
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _acquire(lock, path)
    except Timeout:
        raise Busy(target, _written_in(path), remedy) from None
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise UserError(f"{target}: cannot be written ({error.strerror or type(error).__name__})") from error
        log.warning("%s: this file system knows no locks; see that nothing else writes there", target)
        yield
        return
    try:
        yield
    finally:
        if lock.lock_counter == 1:
            path.unlink(missing_ok=True)
        lock.release()


def _acquire(lock: FileLock, path: Path) -> None:
    """Take a lock and record its holder; wait a little longer if the previous holder is gone."""
    until = time.monotonic() + OUTLIVED
    while True:
        try:
            lock.acquire(timeout=PATIENCE)
            break
        except Timeout:
            if not _written_in(path).is_gone or time.monotonic() > until:
                raise
    if _written_in(path).pid != os.getpid():
        path.write_text(f"{os.getpid()}\n{socket.gethostname()}\n", encoding="utf-8")


def _holder(path: Path) -> WritingProcess | None:
    if not path.exists():
        return None
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return _written_in(path)
    except OSError:  # not ours to lock, or a file system without locks
        return None
    lock.release()
    return None


def _written_in(path: Path) -> WritingProcess:
    try:
        pid, host = path.read_text(encoding="utf-8").splitlines()[:2]
        return WritingProcess(int(pid), host)
    except (OSError, ValueError):
        return WritingProcess()


def _lock_of_file(file: Path) -> Path:
    name = os.fsencode(file.name)
    short = file.name if len(name) <= LONGEST else hashlib.sha256(name).hexdigest()
    return file.with_name(f".{short}.lock")


def _lock_of_folder(folder: str | Path) -> Path:
    return Path(folder).expanduser().resolve() / ".lock"
