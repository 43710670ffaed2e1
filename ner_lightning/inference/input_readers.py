"""Choose a reader for a file to be tagged, by name or by request, splitting words as in training."""

from __future__ import annotations

import logging
from contextlib import suppress
from itertools import islice
from pathlib import Path

from ner_lightning.data.formats import format_by_ending
from ner_lightning.data.read_report import USUAL_LIMIT, ReadReport, SentenceLimit
from ner_lightning.data.readers.by_ending import ReaderByEnding, format_of
from ner_lightning.data.readers.conll import ConllReader
from ner_lightning.data.readers.hf import HuggingFaceReader
from ner_lightning.data.readers.jsonl import JsonlReader
from ner_lightning.data.readers.plain import PlainTextReader
from ner_lightning.data.readers.reader import Reader
from ner_lightning.data.readers.table import TableReader
from ner_lightning.errors import DataError
from ner_lightning.inference.tagger import SPLIT_RULES, Tagger, Units

log = logging.getLogger(__name__)

_LOOKED_AT = 100  # number of texts that show whether punctuation marks stand alone


def reader_for(path: Path, asked: Reader | None, tagger: Tagger, longest: SentenceLimit = USUAL_LIMIT) -> Reader:
    """Choose the reader of a file to be tagged; annotation in the file is ignored where possible.

    Args:
        path: the file.
        asked: the reader the user named; None: chosen by the file's name, plain text if that says nothing.
        tagger: splits text.
        longest: how long a sentence may be.

    Raises:
        DataError: there is no such file, or its format cannot be told.
    """
    reader = _by_name(path, asked or ReaderByEnding())
    _leave_out_annotation(reader)
    if isinstance(reader, PlainTextReader):
        reader.documents = reader.documents or tagger.context > 0
        if reader.units == "auto":
            reader.units = "words"
            reader.units = _units(reader, path, tagger, longest)
    elif getattr(reader, "words", None) == "auto":
        reader.words = "whitespace"  # type: ignore[attr-defined]
        reader.words = SPLIT_RULES[_units(reader, path, tagger, longest)]  # type: ignore[attr-defined]
    return reader


def _by_name(path: Path, asked: Reader) -> Reader:
    if not isinstance(asked, ReaderByEnding):
        return asked
    if not path.is_dir() and format_by_ending(path) in (None, "text"):
        return PlainTextReader("auto", asked.encoding)
    return asked.reader_of(format_of(path, asked.encoding, text="text"))


def _leave_out_annotation(reader: Reader) -> None:
    if isinstance(reader, ConllReader):
        reader.tag_column = None
    elif isinstance(reader, TableReader):
        reader.tags = False
    elif isinstance(reader, HuggingFaceReader):
        reader.tags_key = None
    elif type(reader) is JsonlReader:
        reader.spans_keys = reader.tags_keys = ("",)


def _units(reader: Reader, path: Path, tagger: Tagger, longest: SentenceLimit) -> Units:
    """Decide how the texts of a file are split (at spaces meanwhile), and log why if it is not obvious."""
    texts: list[str] = []
    with suppress(DataError):  # reported when the file is read, after the sentences before it are tagged
        first = islice(reader.read(path, ReadReport(limit=longest)), _LOOKED_AT)
        texts.extend(sentence.text for sentence in first if sentence.text is not None)
    units = tagger.units_for(texts)
    if units != tagger.units:
        log.info("%s: split at punctuation marks too, as the training data are (units=words: at spaces alone)", path)
    return units
