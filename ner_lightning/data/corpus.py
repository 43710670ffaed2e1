"""A corpus as files: where the sentences of each split come from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ner_lightning.data.corpus_files import CorpusFiles
from ner_lightning.data.locate import corpus_folder, missing_split, shard_files, split_file
from ner_lightning.data.readers.reader import ShardReader, SplitReader
from ner_lightning.data.report import DataError
from ner_lightning.data.sentence_store import SentenceStore


class Corpus:
    """The splits of a corpus, one file each, read when they are asked for.

    Args:
        folder: of the corpus; `sample:en` and `sample:zh` are embedded.
        files: reads a file.
        names: file of each split; None: found by its name.
    """

    def __init__(self, folder: str, files: CorpusFiles, names: Mapping[str, str | None]) -> None:
        self.folder, self.files, self.names = folder, files, names

    def read(self, split: str) -> SentenceStore | None:
        """The sentences of a split; None where it is not there.

        Raises:
            DataError: the split is empty, or its file cannot be understood.
        """
        path = self._path(split)
        return None if path is None else self.files.sentences(path)

    def stream_paths(self) -> list[Path]:
        """The files of a training split that is streamed.

        Raises:
            DataError: when there is none.
        """
        name, reader = self.names["train"], self.files.reader
        if isinstance(reader, ShardReader):
            return reader.shard_paths(self.folder, name)
        return shard_files(corpus_folder(self.folder), "train", name)

    def missing(self, split: str) -> DataError:
        """The error for a split that is needed and not there."""
        return missing_split(self.folder, split)

    def _path(self, split: str) -> Path | None:
        reader = self.files.reader
        if isinstance(reader, SplitReader):
            return reader.split_path(self.folder, self.names[split])
        return split_file(corpus_folder(self.folder), split, self.names[split])
