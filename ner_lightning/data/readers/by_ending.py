"""Which format a file has, told by its name and, where many share one, by its beginning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from ner_lightning.data.alignment import Misaligned
from ner_lightning.data.positions import Positions
from ner_lightning.data.readers.brat import BratReader
from ner_lightning.data.readers.conll import ConllReader
from ner_lightning.data.readers.documents import check_text_options
from ner_lightning.data.readers.json_items import numbered_items
from ner_lightning.data.readers.jsonl import JsonlReader
from ner_lightning.data.readers.label_studio import LabelStudioReader
from ner_lightning.data.readers.lines import numbered_lines
from ner_lightning.data.readers.options import check_option
from ner_lightning.data.readers.prodigy import ProdigyReader
from ner_lightning.data.readers.reader import Reader
from ner_lightning.data.report import DataError, ReadReport
from ner_lightning.data.sentence import Sentence
from ner_lightning.data.sentence_splitting import SentenceRule
from ner_lightning.data.words import Overlap, SplitRule
from ner_lightning.tagging import Repair
from ner_lightning.tagging.schemes import REPAIRS

COLUMNS = (".conll", ".conllu", ".iob", ".iob2", ".bio", ".bioes", ".bmes", ".bilou", ".tsv", ".txt")
JSON = (".json", ".jsonl", ".ndjson")
_UNIVERSAL_COLUMNS = 3  # number, word, tag, and often more


class ReaderByEnding:
    """Reads whatever a name and a beginning show: columns, JSON of several tools, brat, spaCy, Hugging Face.

    JSON is told apart by the keys of its first record; a `.txt` is brat's if an `.ann` stands beside it, and columns
    otherwise. Options that a format has no use for are not used.

    Args:
        words: how texts become words, as of `JsonlReader`.
        sentences: where texts are cut, likewise.
        positions: how positions are counted, likewise.
        misaligned: what to do with a span that has an edge inside a word: `snap`, `drop`, `error`.
        overlap: which of overlapping spans stays: `first`, `longest`, `error`.
        repair: what to do where tags break their scheme: `conlleval`, `discard`, `error`.
        encoding: of the file.
    """

    def __init__(
        self,
        words: SplitRule | Literal["auto"] = "auto",
        sentences: SentenceRule | Literal["auto"] = "auto",
        positions: Positions | Literal["auto"] = "auto",
        misaligned: Misaligned = "snap",
        overlap: Overlap = "first",
        repair: Repair = "conlleval",
        encoding: str = "utf-8",
    ) -> None:
        check_option("repair", repair, REPAIRS)
        self.words: SplitRule | Literal["auto"] = words
        self.sentences: SentenceRule | Literal["auto"] = sentences
        self.positions: Positions | Literal["auto"] = positions
        self.misaligned = misaligned
        self.overlap = overlap
        self.repair = repair
        self.encoding = encoding
        check_text_options(self)

    def files_beside(self, path: Path) -> list[Path]:
        """What makes a text one of brat, and what is read with it."""
        return [path.with_suffix(ending) for ending in (".txt", ".ann") if ending != path.suffix]

    def read(self, path: Path, report: ReadReport) -> Iterator[Sentence]:
        """Yield the sentences of a file and fill the report.

        Raises:
            DataError: a name that shows no format, or as the reader of the format.
        """
        yield from self.chosen(path).read(path, report)

    def chosen(self, path: Path) -> Reader:
        """The reader of a file or folder.

        Raises:
            DataError: nothing there, or nothing that shows a format.
        """
        kind = format_of(path, self.encoding)
        spans: dict[str, Any] = {"misaligned": self.misaligned, "overlap": self.overlap, "encoding": self.encoding}
        texts = {"words": self.words, "sentences": self.sentences, "positions": self.positions, **spans}
        if kind in ("conll", "iob2"):
            word, tag = (1, 2) if kind == "iob2" else (0, -1)
            return ConllReader(word, tag, repair=self.repair, encoding=self.encoding)
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


def format_of(path: Path, encoding: str = "utf-8") -> str:
    """The name of a file's format, an option of `data/reader`.

    Raises:
        DataError: nothing there, or nothing that shows one.
    """
    if not path.exists():
        raise DataError("expected a file or folder, found none; check the path", path)
    if path.is_dir():
        return _format_of_folder(path)
    ending = Path(path.name.lower().removesuffix(".gz")).suffix
    if ending == ".ann" or (ending == ".txt" and path.with_suffix(".ann").is_file()):
        return "brat"
    if ending in JSON:
        return _format_of_json(path, encoding)
    if ending in COLUMNS:
        return "iob2" if ending in (".iob2", ".conllu") and _is_universal(path, encoding) else "conll"
    found = {".spacy": "spacy", ".parquet": "hf", ".arrow": "hf"}.get(ending)
    if found is None:
        raise DataError(f"expected a name that shows the format, found the ending {ending!r}; give from=conll", path)
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
    """By the keys of the first record."""
    _, record = next(islice(numbered_items(path, encoding), 1), (0, None))
    if record is None:
        raise DataError("expected at least one record, found none: the file is empty", path)
    if isinstance(record.get("data"), Mapping) or "annotation_id" in record or _has_regions(record):
        return "label_studio"
    return "prodigy" if {"_input_hash", "_task_hash", "answer"} & set(record) else "jsonl"


def _has_regions(record: Mapping[str, Any]) -> bool:
    """Whether something in a record is a list of Label Studio's regions."""
    lists = (value for value in record.values() if isinstance(value, list) and value)
    return any(isinstance(value[0], dict) and isinstance(value[0].get("labels"), list) for value in lists)


def _is_universal(path: Path, encoding: str) -> bool:
    """Whether the first token line begins with its number."""
    for _, line in numbered_lines(path, encoding):
        if line.strip() and not line.startswith("#"):
            cells = line.split("\t")
            return len(cells) >= _UNIVERSAL_COLUMNS and cells[0].isdigit()
    return False
