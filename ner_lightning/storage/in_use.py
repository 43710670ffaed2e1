"""Mark a file as in use, so that no other process deletes what it represents.

Users share a lock on the file; whoever wants to delete must hold it exclusively. The system frees the lock when the
last user is gone, however it ended. Where the platform has no such locks, nothing is marked or checked.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


class InUse:
    """A mark that a file is in use, as long as this object, or a copy of it in a forked process, lives.

    Args:
        file: an existing file.

    Raises:
        FileNotFoundError: it does not exist, or is being deleted.
    """

    def __init__(self, file: Path) -> None:
        self._descriptor = -1
        self._descriptor = os.open(file, os.O_RDONLY)
        try:
            if fcntl is not None:
                _lock(self._descriptor, fcntl.LOCK_SH)
            if not os.path.samestat(os.fstat(self._descriptor), file.stat()):
                raise FileNotFoundError(2, "deleted meanwhile", str(file))
        except BlockingIOError:
            self.close()
            raise FileNotFoundError(2, "being deleted", str(file)) from None
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Remove this process's mark. The lock itself stays: a forked process may still need it."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __del__(self) -> None:
        self.close()


@contextmanager
def deleting(file: Path) -> Iterator[bool]:
    """Keep others from starting to use a file; yields whether nobody uses it."""
    try:
        descriptor = os.open(file, os.O_RDONLY)
    except FileNotFoundError:
        yield True
        return
    try:
        if fcntl is not None:
            _lock(descriptor, fcntl.LOCK_EX)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(descriptor)


def _lock(descriptor: int, kind: int) -> None:
    """Take a lock now, or fail.

    Raises:
        BlockingIOError: somebody else has it.
    """
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # a file system without locks
        return
