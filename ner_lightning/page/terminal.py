r"""Make text from elsewhere harmless for a terminal and for a log; the only place that does.

Tags, words, keys and file names come from other people. On a terminal an escape sequence in them could colour, move,
delete or copy text; a line break could forge a line, and direction marks could reverse one. Here all of these become
visible: `\x1b`, `\n`, `\u202e`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

# C0 and C1 controls, direction marks, line separators, lone surrogates (which cannot be encoded at all).
_SIGNS = "\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_UNPRINTABLE = re.compile(f"[{_SIGNS}]")
_NOT_IN_A_LINE = re.compile(f"[\t\n{_SIGNS}]")
WIDE = 200  # characters per line where no terminal gives its width


def escape_line(text: str) -> str:
    r"""Make a name, a tag or a key safe as part of one line.

    >>> escape_line("PER\x1b[31m\n[12:00] all is well")
    'PER\\x1b[31m\\n[12:00] all is well'
    """
    return _NOT_IN_A_LINE.sub(_spelled, text)


def escape_lines(text: str) -> str:
    r"""Make a text of several lines safe; line breaks and tabs are kept.

    >>> escape_lines("one\n\ttwo\x07")
    'one\n\ttwo\\x07'
    """
    return _UNPRINTABLE.sub(_spelled, text)


def escape_message(text: str) -> str:
    r"""Make a message safe: its lines after the first are indented, so none can pass for another message.

    >>> escape_message("cannot be read\n[12:00] all is well")
    'cannot be read\n  [12:00] all is well'
    """
    first, *rest = escape_lines(text).split("\n")
    inset = "  " if any(line and not line[0].isspace() for line in rest) else ""
    return "\n".join([first, *(f"{inset}{line}" if line else line for line in rest)])


def make_console(**options: Any) -> Console:
    """Make a console that interprets no markup, emoji codes or control characters in what it prints.

    Args:
        options: of rich's `Console`: `file`, `stderr`, `width`, …
    """
    made = _Harmless(markup=False, emoji=False, highlight=False, **options)
    if not made.is_terminal and "width" not in options and "COLUMNS" not in os.environ:
        made.width = WIDE
    return made


class _Harmless(Console):
    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(escape_lines(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control or not _UNPRINTABLE.search(segment.text):
                yield segment
            else:
                yield Segment(escape_lines(segment.text), segment.style)


def _spelled(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
