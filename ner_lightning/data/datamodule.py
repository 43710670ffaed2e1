"""The LightningDataModule: files to sentences to encoded corpora to batches."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any, Literal

import pytorch_lightning as pl
from torch.utils.data import DataLoader, Dataset

from ner_lightning.data.collate import Batch, Collator, Layout
from ner_lightning.data.encoding import EncodedCorpus, WordEncoder, encode
from ner_lightning.data.locate import corpus_folder, missing_split, split_file
from ner_lightning.data.readers.reader import Reader, SplitReader
from ner_lightning.data.report import DataError, ReadReport
from ner_lightning.data.samplers import Draw, EvaluationSampler, Grouping, TrainingSampler
from ner_lightning.data.sentence import Sentence
from ner_lightning.tagging.tagset import TagSet

Batching = Literal["packed", "length_bucket", "random"]
SPLITS = ("train", "dev", "test")


class _Batches(Dataset[Batch]):
    """A corpus asked for whole batches: the sampler draws sentences, the collator lays them out."""

    def __init__(self, collator: Collator) -> None:
        self.collator = collator

    def __getitem__(self, draw: Draw) -> Batch:
        return self.collator(draw.indices, draw.fillers)


class CorpusDataModule(pl.LightningDataModule):
    """A corpus in a folder, one file a split.

    Args:
        dir: the folder; `sample:en` and `sample:zh` are embedded.
        reader: knows the file format.
        train: file of the training split; None: found by its name.
        dev: file of the development split.
        test: file of the test split.
        units: `words`, or `characters` for Chinese without word boundaries.
        scheme: `IOB2` or `BIOES`, what the model works in whatever the files use.
        batching: `packed` (no padding), `length_bucket` (similar lengths together) or `random` (padded). May be set
            again before the first batch, where the encoder turns out not to take packed rows.
        batch_size: sentences per device and step.
        eval_batch_size: sentences per device and evaluation step.
        overlap: subwords that neighbouring windows of a long sentence share.
        num_workers: processes that lay out batches; 0: the main one.
        limit: read only so many sentences of each split; None: all.

    Raises:
        DataError: a size below 1, or an overlap below 0.
    """

    def __init__(
        self,
        dir: str,
        reader: Reader,
        *,
        train: str | None = None,
        dev: str | None = None,
        test: str | None = None,
        units: Literal["words", "characters"] = "words",
        scheme: Literal["IOB2", "BIOES"] = "IOB2",
        batching: Batching = "packed",
        batch_size: int = 16,
        eval_batch_size: int = 64,
        overlap: int = 64,
        num_workers: int = 0,
        limit: int | None = None,
    ) -> None:
        super().__init__()
        sizes = {"batch_size": batch_size, "eval_batch_size": eval_batch_size, "limit": limit, "overlap": overlap}
        for name, size in sizes.items():
            if size is not None and size < (least := 0 if name == "overlap" else 1):
                raise DataError(f"data.{name}={size}: expected a whole number from {least} on")
        self.folder, self.reader = dir, reader
        self.names = {"train": train, "dev": dev, "test": test}
        self.units, self.scheme, self.batching = units, scheme, batching
        self.batch_size, self.eval_batch_size, self.overlap = batch_size, eval_batch_size, overlap
        self.num_workers, self.limit = num_workers, limit
        self.sentences: dict[str, list[Sentence]] = {}
        self.reports: dict[str, ReadReport] = {}
        self._corpora: dict[str, EncodedCorpus] = {}

    def read(self, *splits: str, required: tuple[str, ...] = ()) -> None:
        """Read splits into memory; those not `required` may be missing.

        Raises:
            DataError: when a required split is missing or empty, or a file cannot be understood.
        """
        for split in splits:
            path = self._path(split)
            if path is None:
                if split in required:
                    raise missing_split(self.folder, split)
                continue
            report = ReadReport()
            sentences = list(islice(self.reader.read(path, report), self.limit))
            if not sentences:
                raise DataError("expected at least one sentence, found none", path)
            self.sentences[split], self.reports[split] = sentences, report

    def _path(self, split: str) -> Path | None:
        if isinstance(self.reader, SplitReader):
            return self.reader.split_path(self.folder, self.names[split])
        return split_file(corpus_folder(self.folder), split, self.names[split])

    def tag_set(self) -> TagSet:
        """The tags of the training data.

        Raises:
            DataError: when the training data have no entity at all.
        """
        tags = TagSet.from_spans((span for s in self.sentences["train"] for span in s.spans), self.scheme)
        if not tags.types:
            raise DataError(
                "expected entities in the training data, found none; is the column of the tags the right one?",
                self.folder,
            )
        return tags

    def tag_sequences(self, split: str, tags: TagSet) -> list[list[int]]:
        """Gold tag ids of the sentences of a split that are annotated throughout."""
        return [tags.encode(s.spans, len(s.words)) for s in self.sentences[split] if not s.unknown]

    def foreign_types(self, tags: TagSet) -> dict[str, dict[str, int]]:
        """Mentions, per split and type, of entity types that `tags` does not have."""
        found: dict[str, dict[str, int]] = {}
        for split, sentences in self.sentences.items():
            for sentence in sentences:
                for span in sentence.spans:
                    if span.label not in tags.types:
                        counts = found.setdefault(split, {})
                        counts[span.label] = counts.get(span.label, 0) + 1
        return found

    def prepare(self, words: WordEncoder, tags: TagSet, *, seed: int) -> None:
        """Encode what was read.

        Args:
            words: the encoder's view of words.
            tags: every type that occurs.
            seed: of the order of training sentences.
        """
        self._words, self._seed = words, seed
        self._corpora = {split: encode(sentences, words, tags) for split, sentences in self.sentences.items()}

    def probe(self, size: int = 8) -> Batch:
        """A padded batch of the first sentences, to try an encoder on."""
        corpus = next(iter(self._corpora.values()))
        return Collator(corpus, self._words, "padded", self.overlap)(range(min(size, len(corpus))))

    def train_dataloader(self) -> DataLoader[Batch]:
        """Shuffled, every sentence once an epoch."""
        collator = self._collator("train")
        grouping: Grouping = "length_bucket" if self.batching == "length_bucket" else "random"
        rank, world = self._rank()
        sampler = TrainingSampler(
            collator.corpus.lengths, self.batch_size, seed=self._seed, grouping=grouping, rank=rank, world=world
        )
        return self._loader(collator, sampler)

    def val_dataloader(self) -> DataLoader[Batch]:
        """The development split."""
        return self._evaluation("dev")

    def test_dataloader(self) -> DataLoader[Batch]:
        """The test split."""
        return self._evaluation("test")

    def _evaluation(self, split: str) -> DataLoader[Batch]:
        if split not in self._corpora:
            raise missing_split(self.folder, split)
        collator = self._collator(split)
        rank, world = self._rank()
        sampler = EvaluationSampler(collator.corpus.lengths, self.eval_batch_size, rank=rank, world=world)
        return self._loader(collator, sampler)

    def _collator(self, split: str) -> Collator:
        layout: Layout = "packed" if self.batching == "packed" else "padded"
        return Collator(self._corpora[split], self._words, layout, self.overlap)

    def _rank(self) -> tuple[int, int]:
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer is not None else (0, 1)

    def _loader(self, collator: Collator, sampler: Any) -> DataLoader[Batch]:
        return DataLoader(
            _Batches(collator),
            sampler=sampler,
            batch_size=None,
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
            pin_memory=self.trainer is not None and self.trainer.strategy.root_device.type == "cuda",
        )
