"""Cells of CSV files that a spreadsheet takes for text or numbers, never for a formula."""

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
    r"""A value as it may stand in a cell: a text that begins as a formula does gets an apostrophe in front.

    Spreadsheets run what begins with `=`, `+`, `-` or `@`, whoever wrote it. Numbers are left as they are.

    >>> [escape_cell(value) for value in ("=cmd|' /C calc'!A0", "-0.5", -0.5, "B-PER", "@SUM(A1)", "-", None)]
    ["'=cmd|' /C calc'!A0", '-0.5', -0.5, 'B-PER', "'@SUM(A1)", '-', None]
    """
    if not isinstance(value, str):
        return value
    is_harmless = not _FORMULA.match(value) or _NUMBER.fullmatch(value.strip()) or value.strip() in ("-", "+")
    return escape_line(value) if is_harmless else "'" + escape_line(value)


class Rows:
    """Writes the rows of a CSV file, each cell made harmless.

    Args:
        file: opened with `newline=""`.
    """

    def __init__(self, file: TextIO) -> None:
        self._writer = csv.writer(file, lineterminator="\n")

    def writerow(self, values: Iterable[Any]) -> None:
        """Write the cells of a row."""
        self._writer.writerow([escape_cell(value) for value in values])
