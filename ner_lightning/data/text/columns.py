"""Sentences of column files as they are, and checks that columns are what they are said to be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import NamedTuple

from ner_lightning.data.text.looks import are_tags
from ner_lightning.errors import DataError

_SENTENCES = 200  # number of sentences that show what columns are
_DIGITS = 9  # of a number that counts the words of a sentence
_FEWEST = 3  # this many words that are numbers are no accident


class Layout(NamedTuple):
    """The columns of a file.

    Attributes:
        delimiter: a tab or a space.
        columns: number of columns.
        word: the column of words.
        tag: the column of tags; None if none are read.
        number: the column of numbers of words; None if there is none.
        line: the line that shows it.
    """

    delimiter: str
    columns: int
    word: int
    tag: int | None
    number: int | None
    line: int


class Block(NamedTuple):
    """The lines of a sentence.

    Attributes:
        words: one word per line.
        tags: one tag per line, if tags are read.
        unknown: words nobody annotated.
        lines: the numbers of the lines.
        metadata: from comments about the sentence.
        document: the document it belongs to.
        empty: lines with an empty cell for the tag.
    """

    words: list[str]
    tags: list[str]
    unknown: list[int]
    lines: list[int]
    metadata: dict[str, str]
    document: str
    empty: list[int]


def check_columns(blocks: Iterator[Block], layout: Layout, path: Path, tagged: bool) -> None:
    """Refuse columns that are not what they are said to be, as far as the first sentences show.

    Args:
        blocks: the sentences, of which the first are drawn; all if none of them has a tag.
        layout: what the columns are said to be.
        path: the file.
        tagged: whether tags are asked for.

    Raises:
        DataError: words that are numbers, words that are tags, or a column of tags without any.
    """
    seen = list(islice(blocks, _SENTENCES))
    words = [word for block in seen for word in block.words]
    if len(words) >= _FEWEST and _may_stand_beside(layout) and all(_counts(block.words) for block in seen):
        word, last = layout.word + 1, layout.columns - 1
        tags = f" tag_column={layout.tag if layout.tag not in (None, layout.word, word) else last}" if tagged else ""
        raise DataError(
            f"expected words in column {layout.word}, found the numbers {', '.join(words[:3])}, …; the words are "
            f"beside them: word_column={word}{tags} index_column={layout.word} (data=iob2 or from=iob2: word_column=1 "
            "tag_column=2)",
            path,
            layout.line,
        )
    if are_tags(words) and not are_tags([tag for block in seen for tag in block.tags]):
        other = layout.tag if layout.tag is not None else layout.columns - 1
        raise DataError(
            f"expected words in column {layout.word}, found tags ({_first_tag(words)}); the tags come first in this "
            f"file: word_column={other} tag_column={layout.word}",
            path,
            layout.line,
        )
    if layout.tag is not None and seen and all(len(b.empty) == len(b.words) for b in chain(seen, blocks)):
        before = f"tag_column={layout.tag - 1}, or " if layout.tag - 1 > layout.word else "tag_column="
        raise DataError(
            f"expected tags in column {layout.tag}, found it empty in every line: lines end in a tab; name the column "
            f"of the tags: {before}null for a file without tags",
            path,
            layout.line,
        )


def _may_stand_beside(layout: Layout) -> bool:
    """Tell whether there is a column after that of the words which is not that of the tags."""
    return bool({*range(layout.word + 1, layout.columns)} - {layout.tag})


def _counts(words: Sequence[str]) -> bool:
    """Tell whether the words of a sentence are consecutive numbers."""
    return all(word.isdecimal() and len(word) <= _DIGITS for word in words) and all(
        int(b) - int(a) == 1 for a, b in pairwise(words)
    )


def _first_tag(cells: Sequence[str]) -> str:
    return next(cell for cell in cells if cell != "O")
