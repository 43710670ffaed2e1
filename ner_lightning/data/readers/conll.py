"""Read columns: one word per line with its tag, an empty line between sentences."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Literal

from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.reader_options import check_option
from ner_lightning.data.sentence import Sentence
from ner_lightning.data.text.columns import Block, Layout, check_columns
from ner_lightning.data.text.comments import is_metadata, looks_like_comment, read_document, read_metadata
from ner_lightning.data.text.lines import numbered_lines
from ner_lightning.data.text.looks import looks_like
from ner_lightning.data.text.tags import TagWriting, read_tags, writing_of
from ner_lightning.data.text.words import locate_words
from ner_lightning.errors import DataError
from ner_lightning.tagging import Repair, scheme_named
from ner_lightning.tagging.schemes import REPAIRS

_TAG = re.compile(r"O|[A-Z]-.+")
_NO_WORD = re.compile(r"\d+[-.]\d+")  # the range of a multiword token, an empty node
_LOOKED_FOR_KEY = 1000  # sentences

KEYS_OF_TAGS = ("NER", "NE", "ner", "name", "Name", "NamedEntity")
"""Keys before a tag among other facts, in CoNLL-U files of several projects."""


class ConllReader:
    """A reader of CoNLL files and their many relatives: IOB and BMES files, Universal NER's iob2 with comments.

    Lines that are empty, or contain only spaces and tabs, end a sentence. A cell is taken as it is: a word may be a
    no-break space, an ideographic space or any other invisible character. Two files of one corpus are read
    independently, each in its own scheme.

    Args:
        word_column: column of the word, from 0; negative from the right.
        tag_column: column of the tag; None if the file has no tags, so that every word is unknown.
        delimiter: what separates columns, a tab or a space (also spelt `tab`, `space`); runs of spaces count as one.
            None: a tab if the first token line has one.
        index_column: column of the number of a word in its sentence, as in CoNLL-U; None: there is none. A line with a
            range (`1-2`, the surface of several words) or an empty node (`8.1`) is no word.
        tag_key: the key before the tag in its cell (`NER=B-PER|SpaceAfter=No`); a word without it is outside. `auto`:
            one of the usual names. None: the cell is the tag.
        scheme: tag scheme, or `auto` for the one that fits the file best (a first pass over it). Tags may also be
            written `B_PER`, `b-per`, or as types without prefix.
        type: entity type of tags that have none (`B`, `I`, `O`).
        comments: whether lines that start with `#` are comments. `auto`: only between sentences, if they look like one
            (`# text`, `#key = value`) and not like a token line (as many columns, and a tag in its place: `# O`).
        document_marker: a line that starts with this cell begins a document; None if there is no such line.
        repair: what to do if the tags break the scheme: `conlleval`, `discard` or `error`.
        unknown_tag: the tag of words nobody annotated; an empty cell means the same. None: there are none.
        encoding: of the file.

    Raises:
        ValueError: an unknown delimiter, scheme or repair.
    """

    def __init__(
        self,
        word_column: int = 0,
        tag_column: int | None = -1,
        delimiter: str | None = None,
        index_column: int | None = None,
        tag_key: str | None = None,
        scheme: str = "auto",
        type: str | None = None,
        comments: bool | Literal["auto"] = "auto",
        document_marker: str | None = "-DOCSTART-",
        repair: Repair = "conlleval",
        unknown_tag: str | None = "?",
        encoding: str = "utf-8",
    ) -> None:
        check_option("comments", comments, (True, False, "auto"))
        check_option("repair", repair, REPAIRS)
        self.word_column = word_column
        self.tag_column = tag_column
        self.delimiter = {"tab": "\t", "space": " ", None: None}.get(delimiter, delimiter)
        if self.delimiter not in ("\t", " ", None):
            raise ValueError(f"expected the delimiter tab, space or null, found {delimiter!r}")
        self.index_column = index_column
        self.tag_key = tag_key
        self.type = type
        self.scheme = scheme if scheme == "auto" else scheme_named(scheme).name
        self.comments = comments
        self.document_marker = document_marker
        self.repair = repair
        self.unknown_tag = unknown_tag
        self.encoding = encoding

    def read(self, path: Path, report: ReadReport) -> Iterator[Sentence]:
        """Yield the sentences of a file and fill the report.

        Raises:
            DataError: no file, no sentence in it, lines with another number of columns, an empty word, an unknown
                tag, a forbidden step if `repair` is `error`, bytes that are not of the encoding, or columns that
                are not what they are said to be.
        """
        layout = self._layout(path)
        key = self._key_of_tags(path, layout, report)
        check_columns(self._blocks(path, layout, report, key), layout, path, self.tag_column is not None)
        writing = TagWriting()
        if layout.tag is not None:
            tags = (block.tags for block in self._blocks(path, layout, report, key))
            writing = writing_of(tags, self.scheme, self.type, path, report)
        document = ""
        for block in self._blocks(path, layout, report, key):
            report.documents += block.document != document
            document = block.document
            spans = read_tags(block.tags, block.lines, writing, self.repair, path, report) if block.tags else ()
            text = block.metadata.get("text")
            offsets = None if text is None else locate_words(block.words, text)
            yield report.count(
                Sentence(
                    tuple(block.words),
                    spans,
                    tuple(block.unknown),
                    block.metadata.get("sent_id") or f"{path.name}:{block.lines[0]}",
                    document,
                    None if offsets is None else text,
                    offsets,
                ),
                path,
                block.lines[0],
            )
        if not report.sentences:
            raise DataError("expected at least one sentence, found none: the file holds only comments", path)

    def _layout(self, path: Path) -> Layout:
        """Learn delimiter and number of columns from the first line that is surely a token line."""
        candidate: tuple[int, str] | None = None
        for number, line in numbered_lines(path, self.encoding):
            line = self._without_mark(line)
            if not line.strip(" \t") or self._begins_document(line):
                continue
            if not line.startswith("#"):
                candidate = number, line
                break
            if not self.comments or (self.comments == "auto" and self._ends_in_tag(line)):
                candidate = number, line
                break
            if self.comments == "auto" and not candidate:
                candidate = number, line
        if candidate is None:
            raise DataError("expected at least one sentence, found none: the file is empty", path)
        number, line = candidate
        delimiter = self.delimiter or ("\t" if "\t" in line else " ")
        columns = len(line.split(delimiter) if delimiter == "\t" else [cell for cell in line.split(" ") if cell])
        asked = (self.word_column, self.tag_column, self.index_column)
        positions = [self.word_column if position is None else position for position in asked]
        if not all(-columns <= position < columns for position in positions):
            raise DataError(
                f"expected the columns word_column={self.word_column} and tag_column={self.tag_column}, "
                f"found {columns} separated by {_spelt(delimiter)}; set them, or delimiter{looks_like(path, 'conll')}",
                path,
                number,
            )
        word, tag, index = (position % columns for position in positions)
        if self.tag_column is not None and word == tag:
            raise DataError(
                f"expected a column of words and one of tags separated by {_spelt(delimiter)}, found {columns} column; "
                f"set delimiter, or tag_column=null for a file without tags{looks_like(path, 'conll')}",
                path,
                number,
            )
        return Layout(
            delimiter,
            columns,
            word,
            None if self.tag_column is None else tag,
            None if self.index_column is None else index,
            number,
        )

    def _ends_in_tag(self, line: str) -> bool:
        """Tell whether a line that begins with `#` ends in a tab and a tag, so that it is a word after all."""
        before, tab, last = line.rpartition("\t")
        return bool(tab and before) and (last == self.unknown_tag or _TAG.fullmatch(last) is not None)

    def _blocks(self, path: Path, layout: Layout, report: ReadReport, key: str | None = None) -> Iterator[Block]:
        """Group the token lines between empty lines; `key` is what comes before a tag in its cell."""
        delimiter, columns, word, tag, index, _ = layout
        marker, unknown_tag = self.document_marker, self.unknown_tag
        document, longest = "", report.limit.words or math.inf
        block = Block([], [], [], [], {}, document, [])
        for number, line in numbered_lines(path, self.encoding):
            cells = line.split(delimiter)
            # Nearly all lines pass here; the others are examined closely.
            if len(cells) != columns or "" in cells or line[0] in "#\ufeff" or cells[0] == marker:
                line = self._without_mark(line)
                begins_document = self._begins_document(line)
                if begins_document or not line.strip(" \t"):
                    if block.words:
                        yield block
                    document = f"{path.name}:{number}" if begins_document else document
                    block = Block([], [], [], [], {}, document, [])
                    continue
                if line[0] == "#" and self._is_comment(line, layout, inside=bool(block.words)):
                    document = read_document(line, path, number) or document
                    block = block._replace(document=document, metadata=block.metadata | read_metadata(line))
                    continue
                cells = self._checked_cells(line, layout, path, number)
            if index is not None and _NO_WORD.fullmatch(cells[index]):
                continue
            if key is not None and tag is not None:
                cells[tag] = _tag_under(key, cells[tag])
            if tag is None:
                block.unknown.append(len(block.words))
            elif unknown_tag is not None and cells[tag] in ("", unknown_tag):
                block.unknown.append(len(block.words))
                block.tags.append("O")
                if not cells[tag]:
                    block.empty.append(number)
            else:
                block.tags.append(cells[tag])
            block.words.append(cells[word])
            block.lines.append(number)
            if len(block.words) > longest:
                report.check_length(len(block.words), path, block.lines[0])
        if block.words:
            yield block

    def _key_of_tags(self, path: Path, layout: Layout, report: ReadReport) -> str | None:
        """Find the key before tags in their cell, from the first sentences.

        Raises:
            DataError: there is no such key.
        """
        if self.tag_key is None or layout.tag is None:
            return None
        asked = KEYS_OF_TAGS if self.tag_key == "auto" else (self.tag_key,)
        found: set[str] = set()
        for block in islice(self._blocks(path, layout, report), _LOOKED_FOR_KEY):
            found |= {part.partition("=")[0] for cell in block.tags for part in cell.split("|") if "=" in part}
            if key := next((key for key in asked if key in found), None):
                return key
        there = ", ".join(sorted(found)[:8]) or "no key at all"
        raise DataError(
            f"expected tags such as {asked[0]}=B-PER in column {layout.tag}, found {there}; name the key: tag_key=KEY, "
            "or another column: tag_column=2 tag_key=null",
            path,
            layout.line,
        )

    def _checked_cells(self, line: str, layout: Layout, path: Path, number: int) -> list[str]:
        cells = self._cells(line, layout)
        if len(cells) == layout.columns and cells[layout.word]:
            return cells
        expected = f"{layout.columns} columns separated by {_spelt(layout.delimiter)} as in line {layout.line}"
        found = f"{len(cells)}" if len(cells) != layout.columns else "no word in its column"
        raise DataError(f"expected {expected}, found {found}: {line[:60]!r}; correct the line", path, number)

    def _cells(self, line: str, layout: Layout) -> list[str]:
        # Not str.split(): it would take U+00A0 and U+3000, which are words in real files, for separators.
        cells = line.split(layout.delimiter)
        if len(cells) == layout.columns or layout.delimiter == "\t":
            return cells
        filled = [cell for cell in cells if cell]
        if len(filled) == layout.columns - 1 and layout.word == 0 and line.startswith("  "):
            return [" ", *filled]  # the word is itself a space
        return filled

    def _is_comment(self, line: str, layout: Layout, inside: bool) -> bool:
        if self.comments != "auto":
            return self.comments
        if inside or not looks_like_comment(line):
            return False
        cells = self._cells(line, layout)
        if len(cells) != layout.columns:
            return True
        tag = "O" if layout.tag is None else cells[layout.tag]
        return not (_TAG.match(tag) or tag == self.unknown_tag)

    def _without_mark(self, line: str) -> str:
        """Drop a byte order mark that concatenated files have inside, where no word begins with it."""
        rest = line.removeprefix("\ufeff")
        return rest if ("\t" not in rest and is_metadata(rest)) or self._begins_document(rest) else line

    def _begins_document(self, line: str) -> bool:
        marker = self.document_marker
        return bool(marker) and line.startswith(marker or "") and line[len(marker or "") :][:1] in ("", " ", "\t")


def _tag_under(key: str, cell: str) -> str:
    """Return the tag in a cell of several facts; a word without one is outside."""
    return next((part[len(key) + 1 :] for part in cell.split("|") if part.startswith(f"{key}=")), "O")


def _spelt(delimiter: str) -> str:
    return "tabs" if delimiter == "\t" else "spaces"
