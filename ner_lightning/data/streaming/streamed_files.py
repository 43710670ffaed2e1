"""The files of a streamed training split, and what a first pass over them counts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from pytorch_lightning.utilities import rank_zero_info

from ner_lightning.data.corpus.corpus_files import CorpusFiles
from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.streaming.shards import Shards
from ner_lightning.storage.fingerprint import digest


class StreamedFiles:
    """Shards that are read again and again, never held in memory.

    Args:
        files: reads a shard; its cache keeps the counts.
        paths: the shards.
        counted: whether a first pass counts sentences, types and problems.

    Raises:
        DataError: a shard cannot be read.
    """

    def __init__(self, files: CorpusFiles, paths: Sequence[Path], *, counted: bool) -> None:
        self.shards = Shards(files.reader, paths, files.longest)
        self.paths = tuple(paths)
        self._reports: list[ReadReport] | None = None
        if counted:
            rank_zero_info(f"Counting the sentences of {len(paths)} training files, once.")
            self._reports = _counted(
                CorpusFiles(self.shards.reader, files.cache, longest=files.longest), paths, files.limit
            )

    @cached_property
    def report(self) -> ReadReport | None:
        """The report of the first pass; None if there was none."""
        if self._reports is None:
            return None
        whole = ReadReport(scheme=self._reports[0].scheme)
        for report in self._reports:
            whole.add(report)
        return whole

    @property
    def counts(self) -> tuple[int, ...] | None:
        """Sentences of each shard; None if there was no first pass."""
        return None if self._reports is None else tuple(report.sentences for report in self._reports)

    def digest(self) -> str:
        """Digest the files' names and sizes; their content is read once per epoch, not beforehand."""
        return digest("stream", [(path.name, path.stat().st_size) for path in self.paths])


def _counted(files: CorpusFiles, paths: Sequence[Path], limit: int | None) -> list[ReadReport]:
    """Report on each shard; with a limit, as if the corpus ended there."""
    reports, left = [], limit
    for path in paths:
        report = ReadReport() if left == 0 else files.survey(path)
        if left is not None:
            report.sentences = min(report.sentences, left)
            left -= report.sentences
        reports.append(report)
    return reports
