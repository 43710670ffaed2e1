"""Read comma-separated tables: one word per row, with its tag and the number of its sentence (like Kaggle corpora)."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.reader_options import check_option
from ner_lightning.data.sentence import Sentence
from ner_lightning.data.text.lines import numbered_lines
from ner_lightning.data.text.tags import TagWriting, read_tags, writing_of
from ner_lightning.errors import DataError
from ner_lightning.tagging import Repair, scheme_named
from ner_lightning.tagging.schemes import REPAIRS

_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", ",": ",", ";": ";", "\t": "\t", "|": "|"}
_WORDS = ("word", "words", "token", "tokens", "text", "form")
_TAGS = ("tag", "tags", "ner_tag", "ner_tags", "ner", "label", "labels", "entity", "bio", "iob", "ner_label")
_SENTENCES = ("sentence #", "sentence#", "sentence", "sentence_id", "sentence_idx", "sent_id", "sentence id", "sent")
_LONGEST_CELL = 100  # lines; an unclosed quotation mark would take the rest of the file

Column = str | int


class _Layout(NamedTuple):
    delimiter: str
    columns: int
    word: int
    tag: int | None
    sentence: int | None
    heads: bool  # whether the first row has names


class _Row(NamedTuple):
    line: int
    cells: list[str]


class TableReader:
    """A reader of tables with commas (or other delimiters) and cells in quotation marks, one word per row.

    A row with a new value in the column of sentences begins a sentence, a row with an empty one continues it
    (`Sentence: 1`, then nothing); an empty row also ends a sentence. Columns are named by the first row, or counted
    from 0 if it has no names.

    Args:
        word_column: name or number of the column of words; None: the one named `Word`, `token` or the like; in a table
            without names, the first.
        tag_column: name or number of the column of tags; None: the one named `Tag`, `label` or the like; in a table
            without names, the last.
        sentence_column: name or number of the column of sentences; None: the one named `Sentence #` or the like, if
            there is one.
        tags: whether tags are read; without them every word is unknown.
        delimiter: `comma`, `semicolon`, `tab` or `bar`; None: the most frequent one in the first line.
        scheme: tag scheme, or `auto` for the one that fits the file best.
        type: entity type of tags that have none (`B`, `I`, `O`).
        repair: what to do if the tags break the scheme: `conlleval`, `discard` or `error`.
        encoding: of the file; Kaggle's is in cp1252.

    Raises:
        ValueError: an unknown delimiter, scheme or repair.
    """

    def __init__(
        self,
        word_column: Column | None = None,
        tag_column: Column | None = None,
        sentence_column: Column | None = None,
        tags: bool = True,
        delimiter: Literal["comma", "semicolon", "tab", "bar"] | None = None,
        scheme: str = "auto",
        type: str | None = None,
        repair: Repair = "conlleval",
        encoding: str = "utf-8",
    ) -> None:
        check_option("repair", repair, REPAIRS)
        check_option("delimiter", delimiter, (None, *_DELIMITERS))
        self.word_column = word_column
        self.tag_column = tag_column
        self.sentence_column = sentence_column
        self.tags = tags
        self.delimiter = None if delimiter is None else _DELIMITERS[delimiter]
        self.scheme = scheme if scheme == "auto" else scheme_named(scheme).name
        self.type = type
        self.repair = repair
        self.encoding = encoding

    def read(self, path: Path, report: ReadReport) -> Iterator[Sentence]:
        """Yield the sentences of a file and fill the report.

        Raises:
            DataError: no file, no row, no such column, rows of another length, a cell without end, an empty word, an
                unknown tag, or bytes that are not of the encoding.
        """
        layout = self._layout(path)
        writing = TagWriting()
        if layout.tag is not None:
            tags = ([self._tag(row, layout, path) for row in rows] for rows, _ in self._sentences(path, layout, report))
            writing = writing_of(tags, self.scheme, self.type, path, report)
        for rows, name in self._sentences(path, layout, report):
            yield report.count(self._sentence(rows, name, layout, writing, path, report), path, rows[0].line)
        if not report.sentences:
            raise DataError("expected at least one sentence, found none: the table has no rows", path)

    def _sentence(
        self, rows: list[_Row], name: str, layout: _Layout, writing: TagWriting, path: Path, report: ReadReport
    ) -> Sentence:
        words = tuple(row.cells[layout.word] for row in rows)
        name = f"{path.name}:{name or rows[0].line}"
        if layout.tag is None:
            return Sentence(words, unknown=tuple(range(len(words))), id=name)
        tags = [self._tag(row, layout, path) for row in rows]
        unknown = tuple(index for index, row in enumerate(rows) if not row.cells[layout.tag])
        spans = read_tags(tags, [row.line for row in rows], writing, self.repair, path, report)
        return Sentence(words, spans, unknown, name)

    def _tag(self, row: _Row, layout: _Layout, path: Path) -> str:
        tag = row.cells[layout.tag or 0]
        if tag.startswith("["):
            raise DataError(f"expected a word and its tag a row, found lists: {tag[:40]!r}", path, row.line)
        return tag or "O"

    def _sentences(self, path: Path, layout: _Layout, report: ReadReport) -> Iterator[tuple[list[_Row], str]]:
        """Yield the rows of each sentence, and its name in the table."""
        rows: list[_Row] = []
        name = ""
        for row in self._rows(path, layout):
            said = "" if layout.sentence is None or not row.cells else row.cells[layout.sentence].strip()
            if rows and (not row.cells or (said and said != name)):
                yield rows, name
                rows = []
            name = said or (name if row.cells else "")
            if row.cells:
                rows.append(row)
                report.check_length(len(rows), path, rows[0].line)
        if rows:
            yield rows, name

    def _rows(self, path: Path, layout: _Layout) -> Iterator[_Row]:
        """Yield the rows after the names, checked; one without any cell is empty."""
        for number, row in enumerate(_read(path, layout.delimiter, self.encoding)):
            if number == 0 and layout.heads:
                continue
            if not any(cell.strip() for cell in row.cells):
                yield _Row(row.line, [])
                continue
            if len(row.cells) != layout.columns or not row.cells[layout.word]:
                found = "no word" if len(row.cells) == layout.columns else f"{len(row.cells)}: {row.cells[0][:40]!r}"
                raise DataError(
                    f"expected {layout.columns} cells, one with a word, found {found}; correct the row", path, row.line
                )
            yield row

    def _layout(self, path: Path) -> _Layout:
        delimiter = self.delimiter or _likely_delimiter(path, self.encoding)
        first = next(_read(path, delimiter, self.encoding), None)
        if first is None:
            raise DataError("expected at least one row, found none: the file is empty", path)
        names = [cell.strip().lower() for cell in first.cells]
        named = any(isinstance(column, str) for column in (self.word_column, self.tag_column, self.sentence_column))
        heads = named or has_heads(names)
        word = _column(self.word_column, _WORDS, names, heads, 0, "word_column", path)
        tag = _column(self.tag_column, _TAGS, names, heads, len(names) - 1, "tag_column", path) if self.tags else None
        sentence = None
        if self.sentence_column is not None or (heads and {*names} & {*_SENTENCES} - {names[word]}):
            sentence = _column(self.sentence_column, _SENTENCES, names, heads, 0, "sentence_column", path)
        if tag == word:
            raise DataError(
                f"expected a column of words and one of tags, found {len(names)} cells; set delimiter, word_column and "
                "tag_column, or tags=false",
                path,
                first.line,
            )
        return _Layout(delimiter, len(names), word, tag, sentence, heads)


def has_heads(cells: list[str]) -> bool:
    """Tell whether the cells of a first row are names of columns.

    >>> has_heads(["Sentence #", "Word", "POS", "Tag"]), has_heads(["Word", "O"])
    (True, False)
    """
    return len({cell.strip().lower() for cell in cells} & {*_WORDS, *_TAGS, *_SENTENCES}) > 1


def _column(
    asked: Column | None, usual: tuple[str, ...], names: list[str], heads: bool, default: int, key: str, path: Path
) -> int:
    """Find the number of a column.

    Raises:
        DataError: there is none with that name or number.
    """
    if isinstance(asked, int):
        if not -len(names) <= asked < len(names):
            raise DataError(f"{key}={asked}: expected a column from 0 to {len(names) - 1}", path, 1)
        return asked % len(names)
    if asked is None and not heads:
        return default
    wanted = usual if asked is None else (asked.strip().lower(),)
    found = next((names.index(name) for name in wanted if name in names), None)
    if found is None:
        raise DataError(
            f"expected a column called {asked or usual[0]}, found {', '.join(names)}; name it: {key}=NAME", path, 1
        )
    return found


def _likely_delimiter(path: Path, encoding: str) -> str:
    """Return the most frequent delimiter in the first line."""
    line = next((line for _, line in numbered_lines(path, encoding) if line.strip()), "")
    return max(",;\t|", key=line.count)


def _read(path: Path, delimiter: str, encoding: str) -> Iterator[_Row]:
    """Yield the rows of a table, with the lines they begin in."""
    number = 0

    def lines() -> Iterator[str]:
        nonlocal number
        for number, line in numbered_lines(path, encoding):  # noqa: B007  (goes on counting)
            yield line + "\n"

    begin = 1
    try:
        for cells in csv.reader(lines(), delimiter=delimiter):
            if number - begin > _LONGEST_CELL:
                raise DataError(
                    f"expected a row, found one of {number - begin + 1} lines: a quotation mark opens a cell there and "
                    "closes none; correct it, or read the file as columns (data=conll data.reader.delimiter=tab)",
                    path,
                    begin,
                )
            yield _Row(begin, cells)
            begin = number + 1
    except csv.Error as error:
        raise DataError(f"expected rows of a table, found: {error}; correct the row", path, begin) from None
