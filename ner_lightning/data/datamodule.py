"""The LightningDataModule: from files to sentences, to encoded corpora, to batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

import pytorch_lightning as pl
from pytorch_lightning.utilities import rank_zero_info
from torch.utils.data import DataLoader

from ner_lightning.config.ranges import Count, Positive, Whole
from ner_lightning.data.annotated import check_annotated
from ner_lightning.data.augment.augmented import with_augmentation
from ner_lightning.data.augmentation import Augmentation
from ner_lightning.data.batches.bigrams import TagCounts
from ner_lightning.data.batches.collate import Batch, Collator, Layout
from ner_lightning.data.batches.context import DocumentContext, Documents, check_documents
from ner_lightning.data.batches.order_loader import order_loader
from ner_lightning.data.batches.samplers import EvaluationSampler, Grouping
from ner_lightning.data.batches.training_order import EpochProgress, TrainingOrder
from ner_lightning.data.corpus.content import contents_of
from ner_lightning.data.corpus.encoding import EncodedCorpus, WordEncoder
from ner_lightning.data.corpus.sentence_store import SentenceStore
from ner_lightning.data.corpus.sources import Sources, corpora_from_config
from ner_lightning.data.marks import marks_are_words
from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.readers.reader import Reader
from ner_lightning.data.streaming.stream import BlockDraws
from ner_lightning.data.streaming.stream_loader import StreamLoader
from ner_lightning.data.streaming.streamed_files import StreamedFiles
from ner_lightning.data.streaming.training_stream import TrainingStream
from ner_lightning.errors import DataError
from ner_lightning.tagging.tagset import TagSet
from ner_lightning.vendors.lightning import has_read_epoch

Batching = Literal["packed", "length_bucket", "token_budget", "random"]


class CorpusDataModule(pl.LightningDataModule):
    """A corpus in a folder, one file per split.

    Args:
        dir: the folder; `sample:en` and `sample:zh` are embedded. For several sources, the parent of their folders.
        reader: of the files; None: each source has its own.
        train: file of the training split; None: found by its name.
        dev: file of the development split.
        test: file of the test split.
        units: `words`, or `characters` for Chinese without word boundaries.
        scheme: `IOB2` or `BIOES`: the scheme of the model, whatever the files use.
        batching: `packed` (no padding), `length_bucket` (similar lengths together), `token_budget` (as many sentences
            as fit into `max_subwords`; packed if the encoder can, otherwise similar lengths together) or `random`
            (padded).
        batch_size: sentences per device and step; ignored by `token_budget`.
        max_subwords: most subwords per device and step, including special tokens and padding; None: any number.
        eval_batch_size: sentences per device and evaluation step.
        overlap: subwords that neighbouring windows of a long sentence share.
        context: most subwords of its document on each side of a sentence in its row; 0: none.
        num_workers: processes that make batches; 0: the main one.
        limit: read only so many sentences of each split; None: all.
        longest_sentence: words of a sentence, at most: a file with a longer one is refused; None: any number.
        types: entity types in the order of the tags; None: those of the training data, sorted.
        cache: folder that keeps corpora, read and encoded; `auto`: in the user's cache folder; None: nothing is kept.
        cache_gb: gigabytes beyond which the cache deletes what has not been used for longest.
        streaming: read the training split during training, without holding it; `train` is then a file, a folder of
            files or a pattern.
        shuffle_buffer: sentences of a stream that are shuffled together, for each process that reads.
        epoch_steps: batches per epoch of a stream on each device; None: as many as one pass takes, which a first pass
            counts (with `max_subwords`, approximately).
        augment: how training sentences vary, anew in every epoch; None: they do not.
        splits: shares of the splits that are made of the training data, `{train: 0.8, dev: 0.1, test: 0.1}`.
        split_seed: seed of `splits`, `fold` and `fraction`, independent of the seed of training.
        fold: the one of `folds` that is tested, of all sentences but those of a test file; the next is dev, the rest
            train.
        folds: number of folds.
        fraction: share of the training data that is used; a smaller part is contained in every larger one.
        sources: several corpora, folders or nodes by name: `{news: {dir: A}, web: {dir: B, weight: 0.5}}`.
        label_map: new names of entity types, `{GPE: LOC, MISC: null}`; null drops their entities.

    Raises:
        DataError: a size below 1, an overlap or context below 0, `epoch_steps` without `streaming`, `context` with it,
            or `token_budget` without `max_subwords`.
    """

    def __init__(
        self,
        dir: str,
        reader: Reader | None,
        *,
        train: str | None = None,
        dev: str | None = None,
        test: str | None = None,
        units: Literal["words", "characters"] = "words",
        scheme: Literal["IOB2", "BIOES"] = "IOB2",
        batching: Batching = "packed",
        batch_size: Count = 16,
        max_subwords: Count | None = None,
        eval_batch_size: Count = 64,
        overlap: Whole = 64,
        context: Whole = 0,
        num_workers: Whole = 0,
        limit: Count | None = None,
        longest_sentence: Count | None = 1_000_000,
        types: Sequence[str] | None = None,
        cache: str | None = "auto",
        cache_gb: Positive = 20,
        streaming: bool = False,
        shuffle_buffer: Count = 10_000,
        epoch_steps: Count | None = None,
        augment: Augmentation | None = None,
        splits: Mapping[str, float] | None = None,
        split_seed: int = 0,
        fold: int | None = None,
        folds: int = 5,
        fraction: Positive = 1.0,
        sources: Sources | None = None,
        label_map: Mapping[str, str | None] | None = None,
    ) -> None:
        super().__init__()
        if epoch_steps is not None and not streaming:
            raise DataError(f"data.epoch_steps={epoch_steps} is for data.streaming=true; else see +trainer.max_steps")
        if batching == "token_budget" and max_subwords is None:
            raise DataError(
                "data.batching=token_budget: expected data.max_subwords too, the subwords of a batch; batches of "
                "16 English sentences hold about 512"
            )
        if context and streaming:
            raise DataError(
                f"data.context={context} with data.streaming=true: a stream has no neighbours at hand; set "
                "data.streaming=false (the corpus is kept on disk, not in memory) or data.context=0"
            )
        _check_types(types)
        _check_least(0, overlap=overlap, context=context)
        _check_least(1, batch_size=batch_size, eval_batch_size=eval_batch_size, max_subwords=max_subwords)
        _check_least(1, shuffle_buffer=shuffle_buffer, epoch_steps=epoch_steps)
        self.folder = dir
        self.units, self.scheme, self.batching = units, scheme, batching
        self.packs = batching in ("packed", "token_budget")
        self.batch_size, self.eval_batch_size = batch_size, eval_batch_size
        self.overlap, self.context = overlap, context
        self.max_subwords = max_subwords
        self.num_workers, self.limit = num_workers, limit
        self.types = None if types is None else tuple(types)
        self.sources = corpora_from_config(
            dir,
            reader,
            train=train,
            dev=dev,
            test=test,
            limit=limit,
            longest_sentence=longest_sentence,
            cache=cache,
            cache_gb=cache_gb,
            streaming=streaming,
            splits=splits,
            split_seed=split_seed,
            fold=fold,
            folds=folds,
            fraction=fraction,
            sources=sources,
            label_map=label_map,
        )
        self.streaming, self.shuffle_buffer, self.epoch_steps = streaming, shuffle_buffer, epoch_steps
        self.augment = augment or Augmentation()
        self._streamed: StreamedFiles | None = None
        self.sentences: dict[str, SentenceStore] = {}
        self.reports: dict[str, ReadReport] = {}
        self._corpora: dict[str, EncodedCorpus] = {}

    def read(self, *splits: str, required: tuple[str, ...] = ()) -> None:
        """Read splits, except a streamed training split; those not `required` may be missing.

        Raises:
            DataError: a required split is missing or empty, or a file cannot be understood.
        """
        streamed = {"train"} & {*splits} if self.streaming else set()
        if streamed:
            self._open_stream()
        for split, store in self.sources.read(*(split for split in splits if split not in streamed)).items():
            self.sentences[split], self.reports[split] = store, store.report
            if self.context:
                check_documents(store, split, self.context, self.folder)
            if split != "train" and (uncounted := store.uncounted_entities()):
                rank_zero_info(
                    f"{split}: {uncounted} of {len(store.arrays['spans'])} entities hold or touch a word that nobody "
                    "annotated; they count neither way in scores"
                )
        for split in required:
            if split not in self.sentences and split not in streamed:
                raise self.sources.missing(split)

    def check_annotated(self, *splits: str) -> None:
        """Refuse splits without any annotated word, and warn about those without any entity.

        Raises:
            DataError: in one of them every word is unknown.
        """
        for split in splits:
            if split in self.reports:
                check_annotated(self.reports[split], split, self.folder)

    def marks_are_words(self) -> bool:
        """Tell whether punctuation marks are words of their own, as far as the first sentences show."""
        return marks_are_words(sentence.words for sentence in next(iter(self.sentences.values()))[:2000])

    def _open_stream(self) -> None:
        known = self.types is not None and self.epoch_steps is not None and self.limit is None
        (corpus,) = self.sources.corpora
        self._streamed = StreamedFiles(corpus.files, corpus.stream_paths(), counted=not known)
        if self._streamed.report is not None:
            self.reports["train"] = self._streamed.report

    def contents(self) -> dict[str, str]:
        """Digest each split; for a stream, the names and sizes of its files."""
        streamed = {} if self._streamed is None else {"train": self._streamed.digest()}
        return streamed | contents_of(self.sentences)

    def tag_set(self) -> TagSet:
        """Make the tag set of the training data.

        Raises:
            DataError: the training data have no entity at all, or one of a type that `types` leaves out.
        """
        if self.types is not None and "train" not in self.reports:
            return TagSet(self.types, self.scheme)  # a stream that was not counted
        found = self.reports["train"].types
        if not found:
            raise DataError(
                "expected entities in the training data, found none; is the column of the tags the right one?",
                self.folder,
            )
        if self.types is None:
            return TagSet(tuple(sorted(found)), self.scheme)
        if left_out := sorted(set(found) - set(self.types)):
            raise DataError(
                f"data.types leaves out {', '.join(left_out)}, which the training data have; name every type",
                self.folder,
            )
        return TagSet(self.types, self.scheme)

    def tag_counts(self, n_tags: int) -> TagCounts:
        """Count first tags, tag bigrams and last tags of the fully annotated training sentences.

        For a stream, only those at its beginning.
        """
        return self._training.tag_counts(n_tags)

    def foreign_types(self, tags: TagSet) -> dict[str, dict[str, int]]:
        """Count mentions, per split and type, of entity types that `tags` does not have."""
        found = {
            split: {label: count for label, count in store.type_counts().items() if label not in tags.types}
            for split, store in self.sentences.items()
        }
        return {split: counts for split, counts in found.items() if counts}

    def prepare(self, words: WordEncoder, tags: TagSet, *, seed: int) -> None:
        """Encode what was read.

        Args:
            words: the encoder's view of words.
            tags: every type that occurs.
            seed: of the order of training sentences.
        """
        self._words, self._tags, self._seed = words, tags, seed
        files = self.sources.corpora[0].files  # the same for every reader, since what is encoded has been read
        self._corpora = {split: files.encoded(store, words, tags) for split, store in self.sentences.items()}

    def probe(self, size: int = 8) -> Batch:
        """Make a padded batch of the first sentences, to try an encoder on."""
        corpus = next(iter(self._corpora.values()))
        return Collator(corpus, self._words, "padded", self.overlap)(range(min(size, len(corpus))))

    def train_dataloader(self) -> DataLoader[Batch] | StreamLoader:
        """Make the loader of the training split: shuffled, once per epoch; of a stream, `epoch_steps` batches."""
        return self._training.loader(*self._rank(), num_workers=self.num_workers, pin_memory=self._pins())

    def val_dataloader(self) -> DataLoader[Batch]:
        """Make the loader of the development split."""
        return self._evaluation("dev")

    def test_dataloader(self) -> DataLoader[Batch]:
        """Make the loader of the test split."""
        return self._evaluation("test")

    def _evaluation(self, split: str) -> DataLoader[Batch]:
        if split not in self._corpora:
            raise self.sources.missing(split)
        collator = self._collator(split)
        rank, world = self._rank()
        sampler = EvaluationSampler(
            collator.costs(),
            self.eval_batch_size,
            max_subwords=self.max_subwords,
            padded=not self.packs,
            rank=rank,
            world=world,
        )
        return order_loader(collator, sampler, num_workers=self.num_workers, pin_memory=self._pins())

    def sentences_per_batch(self, rank: int, world: int) -> float:
        """Return sentences per training batch and device: `batch_size`, or the mean of a token budget."""
        if self.batching != "token_budget":
            return self.batch_size
        return self._training.sentences_per_batch(rank, world)

    def unpack(self) -> None:
        """Pad the batches, for an encoder that turns out not to take packed rows."""
        self.packs = False
        if self.batching == "packed":
            self.batching = "length_bucket"

    def _grouping(self) -> Grouping:
        return "random" if self.batching == "packed" else self.batching

    @cached_property
    def _training(self) -> TrainingOrder | TrainingStream:
        """Make the batches of the training split, once it is known whether rows are packed."""
        if self._streamed is not None:
            return TrainingStream(
                self._streamed,
                self._words,
                self._tags,
                self.tag_set().types,
                BlockDraws(self.batch_size, self._grouping(), self.max_subwords, padded=not self.packs),
                buffer=self.shuffle_buffer,
                epoch_steps=self.epoch_steps,
                augment=self.augment,
                seed=self._seed,
                layout=self._layout(),
                overlap=self.overlap,
            )
        collator = with_augmentation(
            self._collator("train"),
            self.sentences["train"],
            (self._seed,),
            options=self.augment,
            tags=self._tags,
            max_subwords=self.max_subwords,
        )
        return TrainingOrder(
            collator,
            self.batch_size,
            seed=self._seed,
            grouping=self._grouping(),
            max_subwords=self.max_subwords,
            weighted=self.sources.weighted(),
        )

    def state_dict(self) -> dict[str, Any]:
        """Return where the training data continue within an epoch; for a stream, every rank takes part."""
        if self.trainer is None:
            return {}
        batches: Any = self.trainer.fit_loop.epoch_loop.batch_progress.current
        ended = has_read_epoch(self.trainer)
        return self._training.state(EpochProgress(self.trainer.current_epoch, batches.ready, batches.processed, ended))

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue where a checkpoint was written."""
        self._training.resume(state_dict)

    def teardown(self, stage: str) -> None:
        """End the processes that read the training data."""
        if stage == "fit":
            self._training.close()

    def _collator(self, split: str) -> Collator:
        corpus, context = self._corpora[split], None
        if self.context:
            documents = Documents.of(self.sentences[split])
            context = DocumentContext(corpus, documents, self.context, self._words.room)
        return Collator(corpus, self._words, self._layout(), self.overlap, context=context)

    def _layout(self) -> Layout:
        return "packed" if self.packs else "padded"

    def _pins(self) -> bool:
        return self.trainer is not None and self.trainer.strategy.root_device.type == "cuda"

    def _rank(self) -> tuple[int, int]:
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer is not None else (0, 1)


def _check_least(least: int, **sizes: int | None) -> None:
    for name, size in sizes.items():
        if size is not None and size < least:
            raise DataError(f"data.{name}={size}: expected a whole number from {least} on")


def _check_types(types: Sequence[str] | None) -> None:
    if types is not None and (not types or "" in types or len(set(types)) < len(types)):
        raise DataError(f"data.types={list(types)}: expected entity types, none twice; null: those of the data")
