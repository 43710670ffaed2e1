"""CSV cells that a spreadsheet reads as text or numbers, never as a formula."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from typing import Any, TextIO, TypeVar

from ner_lightning.page.terminal import escape_line

_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]")
_NUMBER = re.compile(r"[+-]?(\d[\d,]*\.?\d*|\.\d+)([eE][+-]?\d+)?\s*%?|[+-]?(inf|nan)", re.IGNORECASE)

Cell = TypeVar("Cell")


def escape_cell(value: Cell) -> Cell | str:
    r"""Make a value safe as a cell: a text that looks like a formula gets an apostrophe in front.

    Spreadsheets execute what begins with `=`, `+`, `-` or `@`, whoever wrote it. Numbers are left as they are.

    >>> [escape_cell(value) for value in ("=cmd|' /C calc'!A0", "-0.5", -0.5, "B-PER", "@SUM(A1)", "-", None)]
    ["'=cmd|' /C calc'!A0", '-0.5', -0.5, 'B-PER', "'@SUM(A1)", '-', None]
    """
    if not isinstance(value, str):
        return value
    is_harmless = not _FORMULA.match(value) or _NUMBER.fullmatch(value.strip()) or value.strip() in ("-", "+")
    return escape_line(value) if is_harmless else "'" + escape_line(value)


class Rows:
    """A writer of CSV rows that makes each cell harmless.

    Args:
        file: opened with `newline=""`.
    """

    def __init__(self, file: TextIO) -> None:
        self._writer = csv.writer(file, lineterminator="\n")

    def writerow(self, values: Iterable[Any]) -> None:
        """Write a row of cells."""
        self._writer.writerow([escape_cell(value) for value in values])
