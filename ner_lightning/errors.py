"""The errors that speak to a user of the commands rather than to a programmer."""

from pathlib import Path

LONGEST = 1000
"""Characters of an error about a file: a line that it quotes may have millions."""


class UserError(Exception):
    """What the user gave cannot be used; the message is one sentence that says what to do instead.

    The commands print the message and exit with code 2, without a stack trace (`HYDRA_FULL_ERROR=1` shows it).
    Everything else that is raised is a defect of ours and keeps its trace. A subclass may inherit from a standard
    exception as well:

    >>> class DataError(UserError, ValueError): ...
    >>> isinstance(DataError("a.conll:3: expected 2 columns, found 1"), ValueError)
    True
    """


class Pruned(Exception):
    """A run that its search has ended early: it was worse than others at the same epoch."""

    exit_code = 4


def first_line(error: BaseException) -> str:
    r"""What an error says, in one line; its kind where it says nothing.

    >>> first_line(ValueError("no\nreally")), first_line(KeyboardInterrupt())
    ('no', 'KeyboardInterrupt')
    """
    return next(iter(str(error).strip().splitlines()), "") or type(error).__name__


def escape_surrogates(text: str) -> str:
    r"""A text with halves of characters written out, which no file and no terminal takes.

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
    """Take the middle out of a message that quotes a whole file: its ends say what is wrong and what to do."""
    if len(message) <= LONGEST:
        return message
    return f"{message[: LONGEST // 2]} … ({len(message) - LONGEST:,} characters left out) … {message[-LONGEST // 2 :]}"
