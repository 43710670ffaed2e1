"""Read the splits of a corpus as they are in their files, without torch, in bounded memory."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

from ner_lightning.config.objects import make
from ner_lightning.data.annotated import check_annotated
from ner_lightning.data.corpus.sentence_store import SENTENCES, SentenceStore, store_sentences
from ner_lightning.data.locate import corpus_folder, missing_split, shard_files, split_file
from ner_lightning.data.readers.reader import Reader, ShardReader, SplitReader
from ner_lightning.data.report import ReadReport
from ner_lightning.data.sentence import Sentence
from ner_lightning.errors import DataError
from ner_lightning.storage.flat_arrays import FolderWriter

log = logging.getLogger(__name__)

SPLITS = ("train", "dev", "test")
IN_MEMORY = 1 << 24
"""Bytes of a file beyond which its sentences are mapped from a temporary folder instead of held in memory."""

# The keys of a corpus that are read here, and those that do not affect which sentences it has. If any other key is set,
# the LightningDataModule reads the corpus.
_HEEDED = {"_target_", "dir", "reader", "train", "dev", "test", "limit", "units", "streaming"}
_IRRELEVANT = {
    *("scheme", "batching", "batch_size", "max_subwords", "eval_batch_size", "overlap", "num_workers", "types"),
    *("cache", "cache_gb", "shuffle_buffer", "epoch_steps", "augment", "context", "split_seed", "folds"),
}


@dataclass(frozen=True)
class Corpus:
    """The corpus that an inspection examines.

    Attributes:
        name: of the folder.
        splits: sentences by split.
        reports: the content of each split.
        files: the files of the splits, if each split is a file as it is.
        units: what a word is.
        decisions: the decisions of readers, by split, or by file if files were divided or combined.
        sources: if there are several corpora, sentences, words, entities and types of each in each split.
        read: the files, or whole folders, that were read.
    """

    name: str
    splits: Mapping[str, Sequence[Sentence]]
    reports: Mapping[str, ReadReport]
    files: Mapping[str, str]
    units: str
    decisions: Mapping[str, ReadReport]
    sources: Mapping[str, Mapping[str, Mapping[str, int]]] = field(default_factory=dict)
    read: Sequence[Path] = ()


@contextmanager
def read_corpus(node: Mapping[str, Any]) -> Iterator[Corpus]:
    """Read every split that exists; what does not fit into memory is kept in a temporary folder until the end.

    Args:
        node: the `data` of a configuration.

    Raises:
        DataError: no split at all, an empty one, or a file that cannot be understood.
    """
    with ExitStack() as stack:
        yield _as_files(node, stack) if _is_plain(node) else _as_trained_on(node)


def _is_plain(node: Mapping[str, Any]) -> bool:
    """Tell whether the splits are the files as they are."""
    asked = {key: value for key, value in node.items() if key not in _HEEDED | _IRRELEVANT}
    return all(value is None or (key == "fraction" and value == 1) for key, value in asked.items())


def _as_files(node: Mapping[str, Any], stack: ExitStack) -> Corpus:
    reader: Reader = make(node["reader"], "data.reader")
    splits: dict[str, Sequence[Sentence]] = {}
    reports, files = {}, {}
    read: list[Path] = []
    for split in SPLITS:
        if paths := _paths(reader, node, split):
            splits[split], reports[split] = _drawn(reader, paths, node.get("limit"), stack)
            read += map(_on_disk, paths)
            files[split] = str(paths[0] if len(paths) == 1 else paths[0].parent)
            _tell_of_nothing(reports[split], split, node["dir"])
    if not splits:
        raise missing_split(node["dir"], "train")
    return Corpus(node["dir"], splits, reports, files, node.get("units", "words"), reports, read=read)


def _on_disk(path: Path) -> Path:
    """Return the file or folder behind a reader's name of a split, such as `data.parquet:train`."""
    return path if path.exists() else path.with_name(path.name.partition(":")[0])


def _tell_of_nothing(report: ReadReport, split: str, folder: str) -> None:
    """Warn about a split that training would refuse or warn about; the inspection still shows the others."""
    try:
        check_annotated(report, split, folder)
    except DataError as error:
        log.warning("%s", error)


def _as_trained_on(node: Mapping[str, Any]) -> Corpus:
    """Read the splits that training makes of the files."""
    data = make(node, "data")
    data.read(*SPLITS)
    if not data.sentences:
        raise data.sources.missing("train")
    decisions = data.reports if data.sources.are_files else data.sources.files()
    sources = data.sources.counts() if data.sources.names else {}
    read = [
        _on_disk(Path(corpus.folder).expanduser() / name) for corpus in data.sources.corpora for name in corpus.seen
    ]
    return Corpus(node["dir"], data.sentences, data.reports, {}, node.get("units", "words"), decisions, sources, read)


def _paths(reader: Reader, node: Mapping[str, Any], split: str) -> list[Path]:
    """List the files of a split: one, several if it is streamed, none if it does not exist."""
    name = node.get(split)
    if split == "train" and node.get("streaming"):
        if isinstance(reader, ShardReader):
            return reader.shard_paths(node["dir"], name)
        return shard_files(corpus_folder(node["dir"]), split, name)
    if isinstance(reader, SplitReader):
        path = reader.split_path(node["dir"], name)
    else:
        path = split_file(corpus_folder(node["dir"]), split, name)
    return [] if path is None else [path]


def _drawn(
    reader: Reader, paths: Sequence[Path], limit: int | None, stack: ExitStack
) -> tuple[Sequence[Sentence], ReadReport]:
    """Read the sentences of a split, in memory if they are few, and the decisions of its reader."""
    reports = [ReadReport() for _ in paths]
    drawn = islice(chain.from_iterable(map(reader.read, paths, reports)), limit)
    sentences: Sequence[Sentence]
    if all(path.is_file() for path in paths) and sum(path.stat().st_size for path in paths) <= IN_MEMORY:
        sentences = list(drawn)
    else:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ner_lightning_inspect_"))
        writer = FolderWriter(Path(folder) / "sentences", SENTENCES)
        stack.callback(writer.close)
        sentences = SentenceStore(store_sentences(drawn, ReadReport(), writer))
    if not sentences:
        raise DataError("expected at least one sentence, found none", paths[0])
    for report in reports[1:]:
        reports[0].add(report)
    return sentences, reports[0]
