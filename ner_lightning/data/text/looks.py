"""Guess what a file looks like, for the error of a reader that cannot read it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from ner_lightning.data.text.lines import numbered_lines
from ner_lightning.errors import DataError

_LOOKED_AT = 50  # lines
_TAG = re.compile(r"[BIESMLU][-_].+")
_HEADS = {"word", "words", "token", "tokens", "text", "tag", "tags", "ner", "label", "labels", "ner_tag", "ner_tags"}


def are_tags(cells: Sequence[str]) -> bool:
    """Tell whether all cells are tags, at least one of them of an entity.

    >>> are_tags(["O", "B-PER"]), are_tags(["O", "O"]), are_tags(["Ann", "B-PER"])
    (True, False, False)
    """
    marked = [cell for cell in cells if cell != "O"]
    return bool(marked) and all(_TAG.fullmatch(cell) for cell in marked)


def looks_like(path: Path, asked: str) -> str:
    """Suggest what to write instead, at the end of a reader's error; empty if the file looks as expected.

    Args:
        path: the file.
        asked: the reader's name in `data/reader`.
    """
    try:
        lines = [line for _, line in islice(numbered_lines(path, "latin-1"), _LOOKED_AT) if line.strip()]
    except DataError:
        return ""
    name, what = _format_of(lines)
    return "" if name in (asked, "") else f"; the file looks like {what}: data={name}, or from={name}"


def _format_of(lines: Sequence[str]) -> tuple[str, str]:
    if not lines:
        return "", ""
    first = lines[0].strip()
    if first in ("[", "{") or (first[0] in "[{" and _is_json(first)):
        return "jsonl", "JSON"
    heads = {cell.strip().strip('"').lower() for cell in re.split(r"[,;\t]", first)}
    if len(heads & _HEADS) > 1:
        return "csv", "a table with names of columns"
    tokens = [line for line in lines if not line.startswith(("#", "-DOCSTART-"))]
    cells = [re.split(r"\t| +", line.strip()) for line in tokens]
    if all(len(row) > 1 for row in cells) and any(are_tags([row[at] for row in cells]) for at in (-1, 0)):
        return "conll", "columns of words and tags"
    if all(row[0].isdecimal() and len(row) > 2 for row in cells):
        return "iob2", "numbered columns"
    return "", ""


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return line.startswith(('[{"', '{"', '[["', '["'))
    return True
