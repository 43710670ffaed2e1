"""Read Hugging Face datasets: a folder, parquet or arrow files, or a name on the hub."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.reader_options import check_option
from ner_lightning.data.readers.hf_datasets import iterate_rows, list_parts, open_dataset
from ner_lightning.data.readers.hf_files import USUAL, check_split, lone_split
from ner_lightning.data.sentence import Sentence
from ner_lightning.data.text.alignment import Place
from ner_lightning.data.text.tags import TagWriting, read_tags, writing_of
from ner_lightning.errors import DataError
from ner_lightning.tagging import Repair, scheme_named
from ner_lightning.tagging.schemes import REPAIRS

_TEXTS = ("string", "large_string", "string_view")  # polars writes the second


class HuggingFaceReader:
    """A reader of rows with a list of words and a list of tags, as names or as numbers of a ClassLabel.

    A path is a folder written by `save_to_disk`, a `.parquet` or `.arrow` file, or a folder of parquet files. A split
    of a dataset is given after a slash, like a file of a folder (`FOLDER/validation`), or after a colon, as for the hub
    (`OWNER/NAME:validation`).

    Args:
        words_key: column of the words.
        tags_key: column of the tags; None if there is none, so that every word is unknown.
        name: configuration of a dataset that has several (such as `conll2003` in a repository with others, or a folder
            of parquet files below `FOLDER`).
        revision: commit or tag of a hub dataset.
        tag_names: names of the tags by number, if the dataset itself does not contain them.
        id_key: column with an identifier, None for the row number.
        document_key: column with the document's identifier.
        scheme: tag scheme, or `auto` for the one that fits the split best.
        type: entity type of tags that have none (`B`, `I`, `O`).
        repair: what to do where the tags break the scheme: `conlleval`, `discard` or `error`.
    """

    def __init__(
        self,
        words_key: str = "tokens",
        tags_key: str | None = "ner_tags",
        name: str | None = None,
        revision: str | None = None,
        tag_names: Sequence[str] | None = None,
        id_key: str | None = None,
        document_key: str | None = None,
        scheme: str = "auto",
        type: str | None = None,
        repair: Repair = "conlleval",
    ) -> None:
        check_option("repair", repair, REPAIRS)
        self.words_key = words_key
        self.tags_key = tags_key
        self.name = name
        self.revision = revision
        self.tag_names = None if tag_names is None else list(tag_names)
        self.id_key = id_key
        self.document_key = document_key
        self.scheme = scheme if scheme == "auto" else scheme_named(scheme).name
        self.type = type
        self.repair = repair

    def split_path(self, dataset: str, split: str | None) -> Path | None:
        """Return what `read` takes for a split: `FOLDER/SPLIT`, or `OWNER/NAME:SPLIT` of the hub.

        A single dataset without splits counts as one split, and the others do not exist; `.` is the whole dataset.
        """
        if split is None:
            return None
        folder = Path(dataset).expanduser()
        if not folder.exists():
            return Path(f"{dataset}:{split}")
        own = lone_split(folder)
        if own is not None and split in USUAL and split != own and not (folder / split).exists():
            return None
        return folder / split

    def shard_paths(self, dataset: str, split: str | None) -> list[Path]:
        """List what `read` takes for each part of a split: its files, or `OWNER/NAME:SPLIT#2-of-8` of the hub.

        Raises:
            DataError: as `read`.
        """
        path = self.split_path(dataset, split)
        if path is None:
            check_split(Path(dataset).expanduser(), split)
            path = Path(dataset)
        return list_parts(path, self.name, self.revision)

    def read(self, path: Path, report: ReadReport) -> Iterator[Sentence]:
        """Yield a sentence for each row that has a word and fill the report.

        Raises:
            DataError: `datasets` is not installed, no such dataset, split or column, rows whose words and tags differ
                in number, numbers without names, an unknown tag, or a dataset without rows.
        """
        dataset = open_dataset(path, self.name, self.revision)
        columns = [key for key in (self.words_key, self.tags_key, self.id_key, self.document_key) if key is not None]
        if missing := [key for key in columns if key not in dataset.column_names]:
            found = ", ".join(dataset.column_names)
            raise DataError(f"expected the column {missing[0]!r}, found {found}; set words_key and tags_key", path)
        dataset = dataset.select_columns(columns)
        names = self._names(dataset, path)
        writing = TagWriting()
        if self.tags_key is not None:
            tag_lists = (self._tags(row, names, path, number)[0] for number, row in iterate_rows(dataset, path))
            writing = writing_of(tag_lists, self.scheme, self.type, path, report)
        documents: set[str] = set()
        for number, row in iterate_rows(dataset, path):
            if not row[self.words_key]:
                report.empty_sentences += 1
                report.note("left out: a row without words", path, number, "empty")
                continue
            sentence = self._sentence(row, names, writing, Place(path, number), report)
            report.documents += bool(sentence.document) and sentence.document not in documents
            documents.add(sentence.document)
            yield report.count(sentence, path, number)
        if not report.sentences:
            raise DataError("expected at least one row with words, found none", path)

    def _sentence(
        self, row: Mapping[str, Any], names: list[str] | None, writing: TagWriting, place: Place, report: ReadReport
    ) -> Sentence:
        path, number = place
        words = self._words(row, place)
        given, document = (None if key is None else row[key] for key in (self.id_key, self.document_key))
        name = f"{path.name}:{number}" if given is None else str(given)
        document = "" if document is None else str(document)
        if self.tags_key is None or row[self.tags_key] is None:
            return Sentence(words, unknown=tuple(range(len(words))), id=name, document=document)
        tags, unknown = self._tags(row, names, path, number)
        if len(tags) != len(words):
            raise DataError(f"expected a tag for each of {len(words)} words, found {len(tags)}", path, number)
        spans = read_tags(tags, [number] * len(tags), writing, self.repair, path, report)
        return Sentence(words, spans, unknown, name, document)

    def _words(self, row: Mapping[str, Any], place: Place) -> tuple[str, ...]:
        """Check and return the words of a row.

        Raises:
            DataError: there is no list, or an item is no word.
        """
        found = row[self.words_key]
        if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
            shown = (
                next((word for word in found if not isinstance(word, str)), "") if isinstance(found, list) else found
            )
            raise DataError(
                f"expected a list of words in the column {self.words_key!r}, found {str(shown)[:60]!r}; set words_key "
                "to the column of the words, and leave out rows without them",
                *place,
            )
        return tuple(found)

    def _names(self, dataset: Any, path: Path) -> list[str] | None:
        """Return the tag names by number; None if the tags are names already."""
        if self.tags_key is None:
            return None
        feature: Any = dataset.features[self.tags_key]
        item = feature[0] if isinstance(feature, list) else getattr(feature, "feature", feature)
        names = self.tag_names or getattr(item, "names", None)
        if names is None and getattr(item, "dtype", "") not in _TEXTS:
            raise DataError(
                f"expected the column {self.tags_key!r} to hold tag names or numbers with names, found {item}; "
                "give tag_names=[O,B-PER,...]",
                path,
            )
        return names

    def _tags(
        self, row: Mapping[str, Any], names: list[str] | None, path: Path, number: int
    ) -> tuple[list[str], tuple[int, ...]]:
        """Return the tags of a row by name, and the words without one (null), which nobody annotated."""
        tags = [] if self.tags_key is None else row[self.tags_key] or []
        if not isinstance(tags, list):
            raise DataError(f"expected a list of tags in {self.tags_key!r}, found {str(tags)[:60]!r}", path, number)
        unknown = tuple(index for index, tag in enumerate(tags) if tag is None)
        if names is None:
            return ([tag or "O" for tag in tags] if unknown else tags), unknown
        # A negative number (-100) would quietly count from the end.
        if wrong := [tag for tag in tags if tag is not None and not (type(tag) is int and 0 <= tag < len(names))]:
            raise DataError(f"expected tag numbers from 0 to {len(names) - 1}, found {wrong[0]}", path, number)
        return ["O" if tag is None else names[tag] for tag in tags], unknown
