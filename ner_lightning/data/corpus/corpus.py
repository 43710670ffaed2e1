"""A corpus as files: the source of the sentences of each split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ner_lightning.data.corpus.corpus_files import CorpusFiles
from ner_lightning.data.corpus.sentence_store import SentenceStore
from ner_lightning.data.locate import corpus_folder, lone_file, missing_split, shard_files, split_file
from ner_lightning.data.readers.reader import ShardReader, SplitReader
from ner_lightning.errors import DataError

Labels = Mapping[str, str | None]
"""New names of entity types; None: their entities are dropped."""


@dataclass
class Corpus:
    """The splits of a corpus, one file each, read when needed.

    Attributes:
        folder: of the corpus; `sample:en` and `sample:zh` are embedded.
        files: reads a file.
        names: file of each split; None: found by its name.
        name: among several corpora.
        weight: how often each training sentence is drawn per epoch.
        label_map: new names of its entity types.
        common_map: new names applied after that, the same for every corpus.
        shares: of the splits that are made of its training data.
        seen: the sentences read so far, by file.
    """

    folder: str
    files: CorpusFiles
    names: Mapping[str, str | None]
    name: str = ""
    weight: float = 1.0
    label_map: Labels = field(default_factory=dict)
    common_map: Labels = field(default_factory=dict)
    shares: Mapping[str, float] | None = None
    seen: dict[Path, SentenceStore] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Its place in a configuration."""
        return f"data.sources.{self.name}" if self.name else "data"

    def read(self, split: str) -> SentenceStore | None:
        """Read the sentences of a split; None if it does not exist.

        Raises:
            DataError: the split is empty, or its file cannot be understood.
        """
        path = self.path_of(split)
        return None if path is None else self._read(path)

    def path_of(self, split: str) -> Path | None:
        """Find what is read for a split; None where it is not there.

        Raises:
            DataError: no such folder or file, or several that could be meant.
        """
        reader = self.files.reader
        if isinstance(reader, SplitReader):
            return reader.split_path(self.folder, self.names[split])
        return split_file(corpus_folder(self.folder), split, self.names[split], self.key)

    def undivided(self, parts: tuple[str, ...], made: tuple[str, ...]) -> list[SentenceStore]:
        """Read what is to be divided: the files of some splits, or the only file of the folder.

        Args:
            parts: splits whose files are divided.
            made: splits that are made and must have no file of their own.

        Raises:
            DataError: there is no file, several could be meant, or a split to be made exists already.
        """
        paths = {split: self.path_of(split) for split in ("train", "dev", "test")}
        found = list(dict.fromkeys(path for split in parts if (path := paths[split]) is not None))
        if not found and not isinstance(self.files.reader, SplitReader):
            found = [lone_file(corpus_folder(self.folder), self.key)]
        if not found:
            raise self.missing("train")
        for split in made:
            if (path := paths[split]) is not None and path not in found:
                raise DataError(
                    f"{self.key}.splits makes a {split} split, but {path.name} is there; leave {split} out of it",
                    self.folder,
                )
        return [self._read(path) for path in found]

    def stream_paths(self) -> list[Path]:
        """List the files of a training split that is streamed.

        Raises:
            DataError: there is none.
        """
        name, reader = self.names["train"], self.files.reader
        if isinstance(reader, ShardReader):
            return reader.shard_paths(self.folder, name)
        return shard_files(corpus_folder(self.folder), "train", name)

    def missing(self, split: str) -> DataError:
        """Make the error for a split that is needed and does not exist."""
        if isinstance(self.files.reader, SplitReader):
            return DataError(
                f"no {split} split; name one with {self.key}.{split}=NAME (a single dataset is {self.key}.{split}=.), "
                f"or have it made: {self.key}.splits={{dev: 0.1, test: 0.1}}",
                self.folder,
            )
        return missing_split(self.folder, split, self.key)

    def label(self, name: str) -> str | None:
        """Rename an entity type of its files; None if its entities are dropped.

        >>> Corpus("", None, {}, label_map={"GPE": "LOC"}, common_map={"LOC": "PLACE", "MISC": None}).label("GPE")
        'PLACE'
        """
        label = self.label_map.get(name, name)
        return None if label is None else self.common_map.get(label, label)

    def _read(self, path: Path) -> SentenceStore:
        store = self.seen[path] = self.files.sentences(path)
        return store
