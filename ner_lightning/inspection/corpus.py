"""Read the splits of a corpus as training has them, without torch, in bounded memory."""

from __future__ import annotations

import inspect
import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

from ner_lightning.config.objects import make, make_arguments
from ner_lightning.config.signatures import signature
from ner_lightning.data.annotated import check_annotated
from ner_lightning.data.corpus.corpora import Corpora
from ner_lightning.data.corpus.corpus import Corpus
from ner_lightning.data.corpus.division import SPLITS
from ner_lightning.data.corpus.sentence_store import SENTENCES, SentenceStore, store_sentences
from ner_lightning.data.corpus.sources import corpora_from_config
from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.sentence import Sentence
from ner_lightning.errors import DataError, UserError
from ner_lightning.storage.flat_arrays import FolderWriter

log = logging.getLogger(__name__)

DATA = "ner_lightning.data.datamodule.CorpusDataModule"
"""The class whose keys are those of `corpora_from_config` and more; it is not imported, for it needs torch."""


@dataclass(frozen=True)
class InspectedCorpus:
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
def read_corpus(node: Mapping[str, Any]) -> Iterator[InspectedCorpus]:
    """Read every split that exists; what is not to be cached lies in a temporary folder until the end.

    Args:
        node: the `data` of a configuration.

    Raises:
        DataError: no split at all, an empty one, or a file that cannot be understood.
        UserError: a key that no corpus has.
    """
    with ExitStack() as stack:
        yield _read(_corpora(node, stack), node, stack)


def _corpora(node: Mapping[str, Any], stack: ExitStack) -> Corpora:
    """Make the corpora that training would read."""
    if node.get("cache", "auto") is None:
        node = {**node, "cache": _temporary_folder(stack)}
    if node.get("_target_", DATA) != DATA:  # a class of the user's own, which alone knows its keys
        return make(node, "data").sources
    known = signature(DATA)
    if known is not None and (unknown := sorted(set(node) - known.parameters.keys() - {"_target_"})):
        raise UserError(f"data.{unknown[0]}: a corpus has no such key; see conf/data/corpus.yaml.")
    keys = inspect.signature(corpora_from_config).parameters
    return corpora_from_config(**make_arguments({key: node[key] for key in node if key in keys}, "data"))


def _read(corpora: Corpora, node: Mapping[str, Any], stack: ExitStack) -> InspectedCorpus:
    streams = bool(node.get("streaming"))
    stores = corpora.read(*(split for split in SPLITS if not (streams and split == "train")))
    files = {split: str(path) for split in stores if corpora.are_files and (path := corpora.corpora[0].path_of(split))}
    read = [_on_disk(path) for corpus in corpora.corpora for path in corpus.seen]
    if streams:
        (corpus,) = corpora.corpora
        paths = corpus.stream_paths()
        stores = {"train": _drawn(corpus, paths, _temporary_folder(stack), stack), **stores}
        files["train"] = str(paths[0] if len(paths) == 1 else paths[0].parent)
        read += map(_on_disk, paths)
    if not stores:
        raise corpora.missing("train")
    reports = {split: store.report for split, store in stores.items()}
    for split, report in reports.items():
        _tell_of_nothing(report, split, node["dir"])
    return InspectedCorpus(
        node["dir"],
        stores,
        reports,
        files,
        node.get("units", "words"),
        reports if corpora.are_files else corpora.files(),
        corpora.counts() if corpora.names else {},
        read,
    )


def _drawn(corpus: Corpus, paths: Sequence[Path], folder: str, stack: ExitStack) -> SentenceStore:
    """Read a split that training would stream into a folder."""
    reports = [ReadReport(limit=corpus.files.longest, reader=type(corpus.files.reader).__name__) for _ in paths]
    drawn = islice(chain.from_iterable(map(corpus.files.reader.read, paths, reports)), corpus.files.limit)
    writer = FolderWriter(Path(folder) / "sentences", SENTENCES)
    stack.callback(writer.close)
    whole = ReadReport()

    def counted() -> Iterator[Sentence]:
        yield from drawn
        whole.scheme = reports[0].scheme
        for report in reports:
            whole.add(report)

    store = SentenceStore(store_sentences(counted(), whole, writer))
    if not len(store):
        raise DataError("expected at least one sentence, found none", paths[0])
    return store


def _temporary_folder(stack: ExitStack) -> str:
    return stack.enter_context(tempfile.TemporaryDirectory(prefix="ner_lightning_inspect_"))


def _on_disk(path: Path) -> Path:
    """Return the file or folder behind a reader's name of a split, such as `data.parquet:train`."""
    return path if path.exists() else path.with_name(path.name.partition(":")[0])


def _tell_of_nothing(report: ReadReport, split: str, folder: str) -> None:
    """Warn about a split that training would refuse or warn about; the inspection still shows the others."""
    try:
        check_annotated(report, split, folder)
    except DataError as error:
        log.warning("%s", error)
