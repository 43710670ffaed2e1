"""The contract of readers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable

from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.sentence import Sentence


class Reader(Protocol):
    """A reader of one file format: the constructor takes the options, `read` any number of files.

    A reader streams: it never holds a whole file. It yields no sentence without words, and the report counts everything
    it leaves out.

    Its result is cached until the file, its options, its code or what that imports from its own package change. It can
    say two things about this. A method `files_beside(path)` lists further files that `read` reads with a file, whether
    they exist or not. A class attribute `cache_version` replaces its code: the cache is then valid until that changes.
    """

    def read(self, path: Path, report: ReadReport) -> Iterator[Sentence]:
        """Yield the sentences of a file and fill the report.

        Args:
            path: the file.
            report: a fresh report; complete when the iterator is exhausted.

        Raises:
            DataError: the file cannot be read as asked; names file and line.
        """
        ...


@runtime_checkable
class SplitReader(Reader, Protocol):
    """A reader of datasets that name their splits themselves, instead of having one file for each."""

    def split_path(self, dataset: str, split: str | None) -> Path | None:
        """Return what `read` takes for a split of a dataset; None if no split is asked for."""
        ...


@runtime_checkable
class ShardReader(Reader, Protocol):
    """A reader of datasets that know the parts of a split themselves."""

    def shard_paths(self, dataset: str, split: str | None) -> list[Path]:
        """List what `read` takes for each part of a split."""
        ...
