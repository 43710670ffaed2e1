"""The errors that speak to a user of the commands rather than to a programmer."""


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
