"""Choose the reader of a file by its name and, if several formats share one, by its beginning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from ner_lightning.data.formats import ending_of, format_by_ending, known_endings
from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.reader_options import check_option
from ner_lightning.data.readers.brat import BratReader
from ner_lightning.data.readers.conll import ConllReader
from ner_lightning.data.readers.jsonl import JsonlReader
from ner_lightning.data.readers.label_studio import LabelStudioReader
from ner_lightning.data.readers.prodigy import ProdigyReader
from ner_lightning.data.readers.reader import Reader
from ner_lightning.data.readers.table import TableReader, has_heads
from ner_lightning.data.sentence import Sentence
from ner_lightning.data.text.documents import TextOptions
from ner_lightning.data.text.json_items import numbered_items
from ner_lightning.data.text.lines import numbered_lines
from ner_lightning.data.text.looks import are_tags
from ner_lightning.errors import DataError
from ner_lightning.tagging import Repair
from ner_lightning.tagging.schemes import REPAIRS

_UNIVERSAL_COLUMNS = 3  # number, word, tag, and often more
_CONLLU_COLUMNS = 10
_NUMBERED = (".iob2", ".conllu", ".conllup")  # endings of files whose first column is a number
_LOOKED_AT = 20  # token lines


@dataclass(eq=False)
class ReaderByEnding(TextOptions):
    """A reader of whatever name and beginning show: columns, tables, JSON, brat, spaCy, Hugging Face.

    JSON is distinguished by the keys of its first record, columns by their first lines; a `.txt` is brat's if there is
    an `.ann` beside it, and columns otherwise. Options that do not apply to a format are ignored.

    Args: those of `TextOptions`, and
        repair: what to do if tags break their scheme: `conlleval`, `discard`, `error`.
    """

    repair: Repair = "conlleval"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_option("repair", self.repair, REPAIRS)

    def files_beside(self, path: Path) -> list[Path]:
        """List the files that make a text one of brat's, and are read with it."""
        return [path.with_suffix(ending) for ending in (".txt", ".ann") if ending != path.suffix]

    def read(self, path: Path, report: ReadReport) -> Iterator[Sentence]:
        """Yield the sentences of a file and fill the report.

        Raises:
            DataError: a name that shows no format, or as the reader of the format.
        """
        yield from self.chosen(path).read(path, report)

    def chosen(self, path: Path) -> Reader:
        """Return the reader of a file or folder.

        Raises:
            DataError: there is nothing, or its format cannot be told.
        """
        return self.reader_of(format_of(path, self.encoding))

    def reader_of(self, kind: str) -> Reader:
        """Make the reader of a format, by its name in `data/reader`, with the options that apply to it."""
        spans: dict[str, Any] = {"misaligned": self.misaligned, "overlap": self.overlap, "encoding": self.encoding}
        texts = {option.name: getattr(self, option.name) for option in fields(TextOptions)}
        tags: dict[str, Any] = {"repair": self.repair, "encoding": self.encoding}
        if kind == "conll":
            return ConllReader(**tags)
        if kind == "iob2":
            return ConllReader(1, 2, index_column=0, **tags)
        if kind == "conllu":
            return ConllReader(1, -1, index_column=0, tag_key="auto", **tags)
        if kind == "csv":
            return TableReader(**tags)
        if kind == "jsonl":
            return JsonlReader(repair=self.repair, **texts)
        if kind == "prodigy":
            return ProdigyReader(**spans)
        if kind == "label_studio":
            return LabelStudioReader(**texts)
        if kind == "brat":
            return BratReader(**texts)
        if kind == "spacy":
            from ner_lightning.data.readers.spacy import SpacyReader

            return SpacyReader(sentences=self.sentences, overlap=self.overlap)
        from ner_lightning.data.readers.hf import HuggingFaceReader

        return HuggingFaceReader(repair=self.repair)


def format_of(path: Path, encoding: str = "utf-8", text: Literal["conll", "text"] = "conll") -> str:
    """Name a file's format: an option of `data/reader`, or `text`.

    Args:
        path: a file or folder.
        encoding: of the file.
        text: format of a `.txt` that is not brat's, and of a file without any ending.

    Raises:
        DataError: there is nothing, or its format cannot be told.
    """
    if not path.exists():
        raise DataError("expected a file or folder, found none; check the path", path)
    if path.is_dir():
        return _format_of_folder(path)
    found, ending = format_by_ending(path), ending_of(path)
    if found == "text":
        beside = path.with_suffix(".ann").is_file()
        return "brat" if beside and text == "conll" else text if text == "text" else _format_of_columns(path, encoding)
    if found == "jsonl":
        return _format_of_json(path, encoding)
    if found == "conll":
        return _format_of_columns(path, encoding)
    if found is None and not ending and text == "text":
        return text
    if found is None:
        raise DataError(
            f"expected a name that shows the format ({known_endings()}), found the ending {ending!r}; give from=conll, "
            "or whichever it is",
            path,
        )
    return found


def _format_of_folder(path: Path) -> str:
    if any((path / name).is_file() for name in ("state.json", "dataset_dict.json")) or any(path.rglob("*.parquet")):
        return "hf"
    if any(path.rglob("*.ann")):
        return "brat"
    names = sorted(file.name for file in path.iterdir())
    held = ", ".join(names[:8]) + ("" if len(names) <= 8 else f" and {len(names) - 8} more") if names else "nothing"
    raise DataError(
        f"expected a file, or a folder of brat or Hugging Face, found a folder with {held}; name a file", path
    )


def _format_of_json(path: Path, encoding: str) -> str:
    """Name the format by the keys of the first record."""
    _, record = next(islice(numbered_items(path, encoding), 1), (0, None))
    if record is None:
        raise DataError("expected at least one record, found none: the file is empty", path)
    if isinstance(record.get("data"), Mapping) or "annotation_id" in record or _has_regions(record):
        return "label_studio"
    return "prodigy" if {"_input_hash", "_task_hash", "answer"} & set(record) else "jsonl"


def _has_regions(record: Mapping[str, Any]) -> bool:
    """Tell whether a value of a record is a list of Label Studio's regions."""
    lists = (value for value in record.values() if isinstance(value, list) and value)
    return any(isinstance(value[0], dict) and isinstance(value[0].get("labels"), list) for value in lists)


def _format_of_columns(path: Path, encoding: str) -> str:
    """Name the format by the first lines: names of columns, or numbers of words."""
    lines = (line for _, line in numbered_lines(path, encoding) if line.strip() and not line.startswith("#"))
    rows = [line.split("\t") for line in islice(lines, _LOOKED_AT)]
    if rows and has_heads(rows[0]):
        return "csv"
    if not rows or len(rows[0]) < _UNIVERSAL_COLUMNS or not rows[0][0].partition("-")[0].isdigit():
        return "conll"
    third = [row[2] for row in rows if len(row) >= _UNIVERSAL_COLUMNS]
    if len(rows[0]) == _CONLLU_COLUMNS and not are_tags(third) and {*third} != {"O"}:
        return "conllu"
    return "iob2" if ending_of(path) in _NUMBERED or _is_numbered(rows, third) else "conll"


def _is_numbered(rows: list[list[str]], third: list[str]) -> bool:
    """Tell whether lines begin with 1, 2, 3 and have a tag in the third column, since a word may be a number too."""
    start = [row[0] for row in rows[:3]]
    return start in (["1", "2", "3"], ["0", "1", "2"]) and (are_tags(third) or {*third} == {"O"})
