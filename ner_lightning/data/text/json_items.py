"""Read the objects of a JSON file one after another, from an array or simply concatenated."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ner_lightning.data.text.json_values import DECODER, JsonError, nesting_error, parse_json
from ner_lightning.data.text.lines import text_blocks
from ner_lightning.data.text.looks import looks_like
from ner_lightning.errors import DataError

LONGEST_ITEM = 1 << 24  # characters

MARK_INSIDE = (
    "expected JSON, found a byte order mark (U+FEFF) inside the file: files were put together; take the marks out: "
    "sed 's/^\\xEF\\xBB\\xBF//'"
)
_CUT = 16  # an error this near the end of what was read may be due to the end


def numbered_items(path: Path, encoding: str = "utf-8") -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the first line of each object, and the object: from one array, or from concatenated objects.

    Only one object and the block it was read in are in memory, however long the line.

    Raises:
        DataError: as `numbered_lines`; invalid JSON, no object, or an object longer than any record.
    """
    text = _Text(path, encoding)
    array = text.next_mark() == "[" and not text.begins_pair()
    if array:
        text.forward(1)
    first = True
    while True:
        mark = text.next_mark()
        if array and mark == "]":
            text.forward(1)
            if rest := text.next_mark():
                raise text.error(f"expected nothing after the array, found {rest!r}; keep one JSON value per file")
            return
        if array and not first:
            if mark != ",":
                found = repr(mark) if mark else "the end of the file; is it cut off?"
                raise text.error(f"expected a comma or ] after a record, found {found}")
            text.forward(1)
            text.next_mark()
        elif not mark and not array:
            return
        line, value = text.line, text.value()
        for record in collected(value, path, line):
            yield line, record
        first = False


def pair_as_record(value: Any) -> Any:
    """Convert a pair of spaCy 2, `["text", {"entities": […]}]`, to a record; anything else stays as it is.

    >>> pair_as_record(["Ann", {"entities": [[0, 3, "PER"]]}])
    {'text': 'Ann', 'entities': [[0, 3, 'PER']]}
    """
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], dict):
        return {"text": value[0], **value[1]}
    return value


def collected(value: Any, path: Path, line: int) -> Iterator[dict[str, Any]]:
    """Yield the record that a value is, or the pairs that a tool for spaCy 2 puts into one object.

    That object is `{"classes": […], "annotations": [pair, …]}`; an item that is null was deleted in the tool.

    Raises:
        DataError: the value is no object.
    """
    record = pair_as_record(value)
    pairs = record.get("annotations") if isinstance(record, dict) else None
    if isinstance(pairs, list) and "classes" in record and "text" not in record:
        found = [pair_as_record(pair) for pair in pairs if pair is not None]
    else:
        found = [record]
    for one in found:
        if not isinstance(one, dict):
            raise DataError(f"expected a JSON object for each record, found a {type(one).__name__}", path, line)
        yield one


def parse_record(line: str, path: Path, number: int) -> dict[str, Any]:
    """Parse a line that holds one record.

    Raises:
        DataError: what is no JSON, or no object.
    """
    if line.startswith("\ufeff"):
        raise DataError(MARK_INSIDE, path, number)
    try:
        record = parse_json(line)
    except JsonError as error:
        raise DataError(f"{error}; correct it", path, number) from None
    except json.JSONDecodeError as error:
        remedy = "; one JSON value over several lines: jq -c . FILE > FILE.jsonl" if line.strip() in "{[" else ""
        message = f"expected a JSON object a line, found: {error} in {line[:60]!r}{remedy or looks_like(path, 'jsonl')}"
        raise DataError(message, path, number) from None
    record = pair_as_record(record)
    if not isinstance(record, dict):
        kind = type(record).__name__
        remedy = "; for one JSON array: jq -c '.[]'" if isinstance(record, list) else ""
        raise DataError(f"expected a JSON object a line, found a {kind}{remedy}", path, number)
    return record


class _Text:
    """The rest of a file: one block, or as many as a value needs."""

    def __init__(self, path: Path, encoding: str) -> None:
        self._path, self._blocks = path, text_blocks(path, encoding)
        self._text, self._position, self.line = "", 0, 1

    def next_mark(self) -> str:
        """Skip white space; return the character after it, or nothing at the end."""
        while True:
            rest = self._text[self._position : self._position + 1]
            if rest == "\ufeff":
                raise self.error(MARK_INSIDE)
            if rest and rest not in " \t\r\n":
                return rest
            if rest:
                self.forward(1)
            elif not self._more():
                return ""

    def begins_pair(self) -> bool:
        """Tell whether `["text", …` begins here, and not an array of records."""
        while True:
            rest = self._text[self._position + 1 :].lstrip(" \t\r\n")
            if rest or not self._more():
                return rest.startswith('"')

    def forward(self, count: int) -> None:
        self.line += self._text.count("\n", self._position, self._position + count)
        self._position += count

    def value(self) -> Any:
        """Read the JSON value that begins here."""
        wanted = 0
        while True:
            size = len(self._text) - self._position
            if size < wanted and self._more():
                continue
            try:
                value, end = DECODER.raw_decode(self._text, self._position)
            except json.JSONDecodeError as error:
                cut = error.msg.startswith("Unterminated") or error.pos >= len(self._text) - _CUT
                if cut and size > LONGEST_ITEM:
                    raise self.error(
                        f"expected records, found one of more than {LONGEST_ITEM} characters; is it of this format?"
                    ) from None
                if cut and self._more():
                    wanted = 2 * size  # otherwise a long record would be tried again at every block
                    continue
                line = self.line + self._text.count("\n", self._position, error.pos)
                near = self._text[error.pos : error.pos + 40]
                looks = looks_like(self._path, "jsonl") or "; correct the line, or name another format"
                message = f"expected JSON, found: {error.msg} at {near!r}{looks}"
                raise DataError(message, self._path, line) from None
            except JsonError as error:
                raise self.error(f"{error}; correct it") from None
            except RecursionError:
                raise self.error(str(nesting_error())) from None
            self.forward(end - self._position)
            return value

    def error(self, message: str) -> DataError:
        return DataError(message, self._path, self.line)

    def _more(self) -> bool:
        block = next(self._blocks, "")
        self._text = self._text[self._position :] + block
        self._position = 0
        return bool(block)
