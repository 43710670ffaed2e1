"""The errors meant for users of the commands rather than for programmers."""

from pathlib import Path

LONGEST = 1000
"""Characters kept of an error about a file: a line that it quotes may have millions."""


class UserError(Exception):
    """The user's input cannot be used; the message is one sentence that says what to do instead.

    The commands print the message and exit with code 2, without a stack trace (`HYDRA_FULL_ERROR=1` shows it).
    Everything else that is raised is a defect of ours and keeps its trace. A subclass may inherit from a standard
    exception as well:

    >>> class DataError(UserError, ValueError): ...
    >>> isinstance(DataError("a.conll:3: expected 2 columns, found 1"), ValueError)
    True
    """


class Pruned(Exception):
    """The search has ended a run early: it was worse than others at the same epoch."""

    exit_code = 4


class ReaderGone(Exception):
    """Whoever read an output has closed it (`| head`), which is no fault; the command ends without a word."""

    exit_code = 128 + 13  # as a program that SIGPIPE ends


def first_line(error: BaseException) -> str:
    r"""Return the first line of an error's message, or its type if it has none.

    >>> first_line(ValueError("no\nreally")), first_line(KeyboardInterrupt())
    ('no', 'KeyboardInterrupt')
    """
    return next(iter(str(error).strip().splitlines()), "") or type(error).__name__


def escape_surrogates(text: str) -> str:
    r"""Write out the lone surrogates of a text, which no file and no terminal accepts.

    >>> escape_surrogates("b\udcff.conll")
    'b\\udcff.conll'
    """
    return text.encode(errors="backslashreplace").decode()


class DataError(UserError, ValueError):
    """A file cannot be read as asked; the message says where, what was expected and found, and what to do.

    Args:
        message: expectation, value received, remedy.
        path: the file, or name of a dataset.
        line: number of the line or row, from 1.

    >>> str(DataError("expected 2 columns, found 3", Path("a.conll"), 7))
    'a.conll:7: expected 2 columns, found 3'
    """

    def __init__(self, message: str, path: Path | str | None = None, line: int | None = None) -> None:
        place = "" if path is None else f"{path}: " if line is None else f"{path}:{line}: "
        super().__init__(escape_surrogates(place + _cut(message)))


def _cut(message: str) -> str:
    """Cut the middle out of a message that quotes a whole file; its ends say what is wrong and what to do."""
    if len(message) <= LONGEST:
        return message
    return f"{message[: LONGEST // 2]} … ({len(message) - LONGEST:,} characters left out) … {message[-LONGEST // 2 :]}"
