"""What every reader is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable

from ner_lightning.data.report import ReadReport
from ner_lightning.data.sentence import Sentence


class Reader(Protocol):
    """One class a file format: the constructor takes the options, `read` any number of files.

    A reader streams: it never holds a whole file. It yields no sentence without words, and it leaves nothing out
    that the report does not count.

    What it made of a file is kept until the file, its options, its code or what that imports from its own package
    change. Two things only the reader knows. A method `files_beside(path)` lists the files that `read` reads with one,
    there or not. An attribute `cache_version` of its class takes the place of its code: what was kept is good until
    that changes.
    """

    def read(self, path: Path, report: ReadReport) -> Iterator[Sentence]:
        """Yield the sentences of a file and fill the report.

        Args:
            path: the file.
            report: a fresh one; complete when the iterator is exhausted.

        Raises:
            DataError: the file cannot be read as asked; names file and line.
        """
        ...


@runtime_checkable
class SplitReader(Reader, Protocol):
    """A reader of datasets that name their splits themselves, where the others have a file for each."""

    def split_path(self, dataset: str, split: str | None) -> Path | None:
        """What `read` takes for a split of a dataset; None where no split is asked for."""
        ...


@runtime_checkable
class ShardReader(Reader, Protocol):
    """A reader of datasets that know themselves which parts a split has."""

    def shard_paths(self, dataset: str, split: str | None) -> list[Path]:
        """What `read` takes for each part of a split."""
        ...
