"""Build the objects of a run from a configuration, or from one checkpoint file."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
from pytorch_lightning.utilities import rank_zero_info, rank_zero_warn
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from torchmetrics import Metric

from ner_lightning.callbacks.averaging import check_strategy
from ner_lightning.callbacks.finite_loss import FiniteLoss
from ner_lightning.callbacks.monitored import MonitorCheck
from ner_lightning.config.objects import make
from ner_lightning.data.corpus.encoding import WordEncoder
from ner_lightning.data.datamodule import CorpusDataModule
from ner_lightning.errors import UserError, first_line
from ner_lightning.model.encoder import Encoder, packing_matches
from ner_lightning.model.pretrained.names import load_tokenizer, unknown_share
from ner_lightning.run.redaction import hidden_places
from ner_lightning.tagging.tagset import TagSet
from ner_lightning.task.tagging import TaggingTask
from ner_lightning.trainer.fsdp2 import strategy_of
from ner_lightning.trainer.hardware import check_hardware, with_devices_of_here
from ner_lightning.trainer.options import with_defaults

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from ner_lightning.model.tagger import TaggingModel
from ner_lightning.training.checkpoint import Loaded, build_model, check_rebuildable, describe, load, steps_behind


@dataclass
class TrainingRun:
    """The objects of a training run."""

    data: CorpusDataModule
    task: TaggingTask
    trainer: pl.Trainer


def build(config: dict[str, Any], resumed: Path | None = None) -> TrainingRun:
    """Build data, task and trainer of a training run; the tag inventory comes from the training data, once.

    Args:
        config: composed from `conf/train.yaml`, in plain containers.
        resumed: the checkpoint to continue from.
    """
    pl.seed_everything(config["seed"], workers=True, verbose=False)
    data: CorpusDataModule = make(config["data"], "data")
    data.read("train", "dev", "test", required=("train", "dev"))
    data.check_annotated("train", "dev", *(["test"] if config["test"] else []))
    tags = data.tag_set()
    encoder: Encoder = make(config["model"]["encoder"], "model.encoder")
    tokenizer = load_tokenizer(encoder.name, config["model"]["encoder"].get("revision"), data.units)
    model = build_model(config, encoder, tags)
    check_rebuildable(config, tags)
    task = build_task(
        config,
        model,
        tags,
        scored_tags(data, tags),
        optim=make(config["optim"], "optim"),
        about={
            **describe(config, tags, encoder, tokenizer),
            "data": data.contents(),
            "marks_are_words": data.marks_are_words(),
        },
    )
    prepare(data, task, tokenizer, seed=config["seed"])
    if task.model.decoder.wants_counts:
        task.model.decoder.initialise_from_counts(*data.tag_counts(len(tags)))
    callbacks = [FiniteLoss(), MonitorCheck(), *source_scores(data, task), *build_callbacks(config)]
    check_strategy(callbacks, with_defaults(config["trainer"])["strategy"])
    trainer = build_trainer(config["trainer"], callbacks, build_loggers(config, resumed))
    task.sentences_per_batch = data.sentences_per_batch(trainer.global_rank, trainer.world_size)
    return TrainingRun(data, task, trainer)


def build_task(
    config: Mapping[str, Any], model: TaggingModel, tags: TagSet, scored: TagSet, **objects: Any
) -> TaggingTask:
    """Build the task of a configuration around a model.

    Args:
        config: of a run; one that was written before there were tasks of other kinds names none.
        model: the network.
        tags: its own.
        scored: those, and of types that it does not know.
        objects: further arguments of the task.

    Raises:
        UserError: the class is no task of ours, or a metric is none of torchmetrics.
    """
    node = config.get("task") or {"_target_": f"{TaggingTask.__module__}.{TaggingTask.__qualname__}"}
    metrics = {
        name: make(metric, ("task", "metrics", name), tags=scored)
        for name, metric in (node.get("metrics") or {}).items()
    }
    if other := next((name for name, metric in metrics.items() if not isinstance(metric, Metric)), None):
        raise UserError(f"task.metrics.{other}: expected a class that derives from torchmetrics.Metric")
    for name, metric in metrics.items():
        check_update(name, metric)
    task = make(node, "task", model=model, tags=tags, scored_tags=scored, metrics=metrics, **objects)
    if not isinstance(task, TaggingTask):
        raise UserError(f"task: expected a class that derives from TaggingTask, found {node['_target_']}")
    return task


def check_update(name: str, metric: Metric) -> None:
    """Refuse a metric whose `update` does not take what it will be given.

    Raises:
        UserError: says what it is given.
    """
    try:
        inspect.signature(metric.update).bind("predicted", "gold", "mask", "unknown")
    except TypeError as error:
        raise UserError(
            f"task.metrics.{name}: {type(metric).__name__}.update is called as update(predicted, gold, mask, unknown), "
            f"and does not take that ({error}): see docs/extending.md"
        ) from error


def build_callbacks(config: Mapping[str, Any]) -> list[pl.Callback]:
    """Build the callbacks, without the progress bar or the checkpoints if the trainer disables them."""
    trainer = config["trainer"]
    silent = () if trainer.get("enable_progress_bar", True) else ("progress",)
    forgetful = () if trainer.get("enable_checkpointing", True) else ("checkpoint", "last")
    return [
        make(node, ("callbacks", name))
        for name, node in config["callbacks"].items()
        if name not in (*silent, *forgetful)
    ]


def build_trainer(node: Mapping[str, Any], callbacks: list[pl.Callback], loggers: list[Any] | bool) -> pl.Trainer:
    """Build the Trainer of a configuration.

    Raises:
        UserError: the Trainer rejects an option; the message is its own.
    """
    try:
        return make(node, "trainer", strategy=strategy_of(node), callbacks=callbacks, logger=loggers)
    except UserError:
        raise
    except (MisconfigurationException, ValueError, TypeError, ImportError) as error:
        raise UserError(f"trainer: {first_line(error)}") from error


def source_scores(data: CorpusDataModule, task: TaggingTask) -> list[pl.Callback]:
    """Make the callback that scores each source, if there are several; it must precede the best checkpoint's."""
    from ner_lightning.callbacks.source_scores import SourceScores

    return [SourceScores(task.val_metric.tags)] if data.sources.names else []


def build_loggers(config: Mapping[str, Any], resumed: Path | None = None) -> list[Any]:
    """Build the logger of `metrics.csv` in the run folder, and the loggers of the configuration."""
    from ner_lightning.logger.metrics_file import MetricsFile

    record = MetricsFile(config["paths"]["output_dir"], steps_behind(resumed, Path(config["paths"]["output_dir"])))
    if config["trainer"].get("fast_dev_run"):
        return [record]  # the Trainer logs nothing then
    # Our logger gets the whole configuration; Lightning's take none.
    return [
        record,
        *(
            make(
                node,
                ("logger", name),
                **({"run_config": config} if node["_target_"].startswith("ner_lightning.") else {}),
            )
            for name, node in config["logger"].items()
        ),
    ]


def scored_tags(data: CorpusDataModule, tags: TagSet) -> TagSet:
    """Add the tags of types the model has never seen, so that the metric counts them as missed."""
    foreign = data.foreign_types(tags)
    for split, counts in foreign.items():
        listing = ", ".join(f"{name} ({count})" for name, count in sorted(counts.items()))
        rank_zero_warn(f"{split}: entity types that the training data lack are counted as missed: {listing}")
    extra = sorted({name for counts in foreign.values() for name in counts})
    return TagSet((*tags.types, *extra), tags.scheme)


def prepare(data: CorpusDataModule, task: TaggingTask, tokenizer: PreTrainedTokenizerFast, *, seed: int) -> None:
    """Encode the corpus for the task's encoder, and report how well the two fit."""
    encoder = task.model.encoder
    words = WordEncoder(tokenizer, encoder.max_subwords)
    data.prepare(words, task.val_metric.tags, seed=seed)
    if data.packs:
        probe = data.probe()
        assert probe.attention_mask is not None
        if not packing_matches(encoder, probe.input_ids, probe.attention_mask):
            data.unpack()
    report_words(data, words)


def report_words(data: CorpusDataModule, words: WordEncoder) -> None:
    """Warn about words that the encoder cannot represent properly."""
    sentences = next(iter(data.sentences.values()))
    sample = [word for sentence in sentences[:2000] for word in sentence.words]
    share = unknown_share(words.tokenizer, sample)
    if share > 0.1:
        rank_zero_warn(
            f"{share:.0%} of the words hold something that the encoder's vocabulary turns into [UNK]: choose an "
            "encoder made for this language, for Chinese model/encoder=e5_multilingual or bert_base_chinese"
        )
    single = sum(len(word) == 1 and "\u4e00" <= word <= "\u9fff" for word in sample)
    if data.units == "words" and single > len(sample) / 2:
        rank_zero_warn("most words are single Chinese characters: set data.units=characters")
    if words.pieceless:
        rank_zero_info(f"{len(words.pieceless)} distinct words have no subword (invisible characters): read as unknown")
    if words.shortened:
        rank_zero_warn(f"{len(words.shortened)} distinct words are longer than a whole row: read up to there")


def check_is_own(loaded: Loaded) -> None:
    """Refuse to read the corpus that a checkpoint names, unless the checkpoint is where its run wrote it.

    A checkpoint from elsewhere could make this machine read files, or fetch a data set, that nobody here has named. Our
    own samples are always allowed.

    Raises:
        UserError: with what to type.
    """
    folder = str(loaded.config["data"].get("dir"))
    if folder.startswith("sample:"):
        return
    written = str((loaded.config.get("paths") or {}).get("output_dir", ""))
    if written and Path(written).resolve() == loaded.path.resolve().parents[1]:
        return
    raise UserError(
        f"{loaded.path}: was written elsewhere ({written or 'it does not say where'}), and the corpus that it names "
        f"({folder}) is not read unasked; name the data: data=conll data.dir=FOLDER, or whichever format they have"
    )


def data_of_evaluation(asked: Mapping[str, Any] | None, trained: Mapping[str, Any]) -> Mapping[str, Any]:
    """Choose the data asked for, or else those of training, with the context that the model knows.

    >>> data_of_evaluation({"dir": "other", "context": 0}, {"dir": "own", "context": 64})
    {'dir': 'other', 'context': 64}
    """
    if not asked:
        cache = trained.get("cache")
        return {**trained, "cache": cache if cache is None else "auto"}
    return {**asked, "context": asked.get("context") or trained.get("context", 0)}


def check_data_secrets(about_data: Mapping[str, Any], checkpoint: Path) -> None:
    """Refuse data that a checkpoint describes, except for a secret that is not stored.

    Raises:
        UserError: with what to give.
    """
    if place := next(hidden_places(about_data), None):
        raise UserError(
            f"{checkpoint}: data.{place} was a secret of the training and is not stored; name the data anew, with "
            f"data=…, data.dir=… and data.{place}=…"
        )


def build_evaluation(config: Mapping[str, Any], callbacks: list[pl.Callback]) -> tuple[TrainingRun, Path]:
    """Build a checkpoint's model and the data to score it on: its own, or those of the configuration.

    Returns:
        The run, and the checkpoint it came from.
    """
    check_hardware(config["trainer"])
    config = with_devices_of_here(config)
    _check_split_is_scored(config["trainer"], config["split"])
    loaded = load(config["ckpt"])
    if not config.get("data"):
        check_is_own(loaded)
    about_data = data_of_evaluation(config.get("data"), loaded.config["data"])
    check_data_secrets(about_data, loaded.path)
    data: CorpusDataModule = make(about_data, "data")
    data.read(config["split"], required=(config["split"],))
    data.check_annotated(config["split"])
    task = build_task(config, loaded.task.model, loaded.task.tags, scored_tags(data, loaded.task.tags))
    prepare(data, task, loaded.tokenizer, seed=0)
    trainer = build_trainer(config["trainer"], [*source_scores(data, task), *callbacks], False)
    return TrainingRun(data, task, trainer), loaded.path


def _check_split_is_scored(trainer: Mapping[str, Any], split: str) -> None:
    key = "limit_test_batches" if split == "test" else "limit_val_batches"
    if trainer.get(key) == 0:
        raise UserError(f"trainer.{key}=0: nothing would be scored; leave it out")
