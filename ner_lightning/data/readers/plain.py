"""Read plain text: one sentence per line, nothing annotated."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Literal

from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.reader_options import check_option
from ner_lightning.data.sentence import Sentence
from ner_lightning.data.text.lines import numbered_lines
from ner_lightning.data.text.words import SplitRule, split_rule, split_words
from ner_lightning.errors import DataError

_LOOKED_AT = 100  # lines that decide how words are split
_RULES: dict[str, SplitRule] = {"words": "whitespace", "punctuation": "punctuation", "characters": "characters"}


class PlainTextReader:
    """A reader of text to tag, one sentence per line; each word keeps its place in the line.

    Args:
        units: `words`: split at spaces (for tokenised text); `punctuation`: punctuation marks are words of their own
            (for text as people write it); `characters`: for Chinese without word boundaries; `auto`: one of the last
            two, by the script of the first lines (in `predict`: as the model was trained).
        encoding: of the file.
        documents: whether the lines between two empty ones are a document, named after its first line.
    """

    def __init__(
        self,
        units: Literal["auto", "words", "punctuation", "characters"] = "words",
        encoding: str = "utf-8",
        documents: bool = False,
    ) -> None:
        check_option("units", units, ("auto", *_RULES))
        self.units: Literal["auto", "words", "punctuation", "characters"] = units
        self.encoding = encoding
        self.documents = documents

    def read(self, path: Path, report: ReadReport) -> Iterator[Sentence]:
        """Yield a sentence for each line that has a word; all its words are unknown.

        Raises:
            DataError: no file, no word in it, or bytes that are not of the encoding.
        """
        if self.units == "auto":
            rule = split_rule(line for _, line in islice(numbered_lines(path, self.encoding), _LOOKED_AT))
        else:
            rule = _RULES[self.units]
        document = ""
        for number, line in numbered_lines(path, self.encoding):
            offsets = split_words(line, rule)
            if not offsets:
                document = ""
                report.empty_sentences += 1
                report.note("left out: a line without words", path, number, "empty")
                continue
            words = tuple(line[start:end] for start, end in offsets)
            name = f"{path.name}:{number}"
            if self.documents and not document:
                document = name
                report.documents += 1
            unknown = tuple(range(len(words)))
            sentence = Sentence(words, unknown=unknown, id=name, document=document, text=line, offsets=offsets)
            yield report.count(sentence, path, number)
        if not report.sentences:
            raise DataError("expected at least one line with a word, found none: the file is empty", path)
