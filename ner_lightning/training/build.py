"""From a configuration to the objects of a run, and from one checkpoint file to the same."""

from __future__ import annotations

import copy
import logging
import os
import pickle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities import rank_zero_info, rank_zero_warn
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from ner_lightning.callbacks.finite_loss import FiniteLoss
from ner_lightning.config.objects import make
from ner_lightning.config.stored import check_plain, loadable
from ner_lightning.data.corpus.encoding import WordEncoder
from ner_lightning.data.datamodule import CorpusDataModule
from ner_lightning.errors import UserError, first_line
from ner_lightning.model.bounds import check_fit, check_tags, check_tensors, checked_architecture, load_state
from ner_lightning.model.decoder.crf import CRF
from ner_lightning.model.encoder import Encoder, packing_matches
from ner_lightning.model.pretrained.names import load_tokenizer, unknown_share
from ner_lightning.model.pretrained.tokenizer_state import check_vocabulary, tokenizer_from_state, tokenizer_state
from ner_lightning.model.tagger import TaggingModel
from ner_lightning.run.redaction import hidden_places, known_secrets, redact
from ner_lightning.tagging.tagset import TagSet
from ner_lightning.task.tagging import CHECKPOINT_KEY, TaggingTask
from ner_lightning.trainer.fsdp2 import strategy_of
from ner_lightning.trainer.hardware import check_hardware, with_devices_of_here

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

log = logging.getLogger(__name__)

FORMAT = 1
"""Version of what a checkpoint says of itself."""

VERSIONED = ("ner-lightning", "torch", "pytorch-lightning", "transformers", "hydra-core", "torchmetrics")


@dataclass
class Run:
    """The objects of a training run."""

    data: CorpusDataModule
    task: TaggingTask
    trainer: pl.Trainer


@dataclass
class Loaded:
    """What one checkpoint holds, ready to use.

    Attributes:
        task: network and tags, in evaluation mode.
        tokenizer: the encoder's, from the checkpoint itself.
        config: of the resolved configuration of its run `model`, `data`, `paths` and plain values, no more.
        path: the checkpoint.
    """

    task: TaggingTask
    tokenizer: PreTrainedTokenizerFast
    config: dict[str, Any]
    path: Path

    @property
    def words(self) -> WordEncoder:
        """The encoder's view of words."""
        return WordEncoder(self.tokenizer, self.task.model.encoder.max_subwords)


def build(config: dict[str, Any]) -> Run:
    """Build data, task and trainer of a training run; the tag inventory comes from the training data, once.

    Args:
        config: composed from `conf/train.yaml`, plain.
    """
    pl.seed_everything(config["seed"], workers=True, verbose=False)
    data: CorpusDataModule = make(config["data"], "data")
    data.read("train", "dev", "test", required=("train", "dev"))
    data.check_annotated("train", "dev", *(["test"] if config["test"] else []))
    tags = data.tag_set()
    encoder: Encoder = make(config["model"]["encoder"], "model.encoder")
    tokenizer = load_tokenizer(encoder.name, config["model"]["encoder"].get("revision"), data.units)
    task = TaggingTask(
        build_model(config, encoder, tags),
        tags,
        scored_tags=scored_tags(data, tags),
        optim=make(config["optim"], "optim"),
        about={
            **describe(config, tags, encoder, tokenizer),
            "data": data.contents(),
            "marks_are_words": data.marks_are_words(),
        },
    )
    prepare(data, task, tokenizer, seed=config["seed"])
    decoder = task.model.decoder
    if isinstance(decoder, CRF) and decoder.init == "bigrams":
        decoder.initialise_from_counts(*data.tag_counts(len(tags)))
    callbacks = [FiniteLoss(), *source_scores(data, task), *build_callbacks(config)]
    trainer = build_trainer(config["trainer"], callbacks, build_loggers(config))
    task.sentences_per_batch = data.sentences_per_batch(trainer.global_rank, trainer.world_size)
    return Run(data, task, trainer)


def build_model(config: Mapping[str, Any], encoder: Encoder, tags: TagSet) -> TaggingModel:
    """The network of a configuration around an encoder."""
    node = config["model"]
    return make(node, "model", encoder=encoder, decoder=make(node["decoder"], "model.decoder", tags=tags))


def build_callbacks(config: Mapping[str, Any]) -> list[pl.Callback]:
    """The callbacks asked for; without the progress bar or the checkpoints where the trainer is told to have none."""
    trainer = config["trainer"]
    silent = () if trainer.get("enable_progress_bar", True) else ("progress",)
    forgetful = () if trainer.get("enable_checkpointing", True) else ("checkpoint", "last")
    return [
        make(node, ("callbacks", name))
        for name, node in config["callbacks"].items()
        if name not in (*silent, *forgetful)
    ]


def build_trainer(node: Mapping[str, Any], callbacks: list[pl.Callback], loggers: list[Any] | bool) -> pl.Trainer:
    """The Trainer of a configuration.

    Raises:
        UserError: it does not take one of its options, in its own words.
    """
    try:
        return make(node, "trainer", strategy=strategy_of(node), callbacks=callbacks, logger=loggers)
    except (MisconfigurationException, ValueError, TypeError, ImportError) as error:
        raise UserError(f"trainer: {first_line(error)}") from error


def source_scores(data: CorpusDataModule, task: TaggingTask) -> list[pl.Callback]:
    """What scores each of several corpora; nothing for a single one. Stands before what chooses the best checkpoint."""
    from ner_lightning.callbacks.source_scores import SourceScores

    return [SourceScores(task.val_metric.tags)] if data.sources.names else []


def build_loggers(config: Mapping[str, Any]) -> list[Any]:
    """`metrics.csv` of the run folder, and the loggers asked for."""
    from ner_lightning.logger.metrics_file import MetricsFile

    record = MetricsFile(config["paths"]["output_dir"], steps_behind(config))
    if config["trainer"].get("fast_dev_run"):
        return [record]  # the Trainer logs nothing then
    # Ours is told the whole configuration; Lightning's take none.
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
    """The tags, and after them those of types the model has never seen, so that the metric counts them as missed."""
    foreign = data.foreign_types(tags)
    for split, counts in foreign.items():
        listing = ", ".join(f"{name} ({count})" for name, count in sorted(counts.items()))
        rank_zero_warn(f"{split}: entity types that the training data lack are counted as missed: {listing}")
    extra = sorted({name for counts in foreign.values() for name in counts})
    return TagSet((*tags.types, *extra), tags.scheme)


def prepare(data: CorpusDataModule, task: TaggingTask, tokenizer: PreTrainedTokenizerFast, *, seed: int) -> None:
    """Encode the corpus for the task's encoder, and say what is worth knowing about the fit of the two."""
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
    """Warn of words the encoder cannot see properly."""
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


def describe(
    config: dict[str, Any], tags: TagSet, encoder: Encoder, tokenizer: PreTrainedTokenizerFast
) -> dict[str, Any]:
    """What a checkpoint says of itself: enough to rebuild the model in a fresh process without any other file.

    Checkpoints are published: no secret of the configuration is among it.
    """
    return {
        "format": FORMAT,
        "config": redact(config, known_secrets(os.environ)),
        "tags": tags.to_dict(),
        "encoder": encoder.config_dict(),
        "tokenizer": tokenizer_state(tokenizer),
        "versions": {name: version(name) for name in VERSIONED},
    }


def load(path: str | Path) -> Loaded:
    """Rebuild the model of a checkpoint (or of a run folder's best one) in evaluation mode, on the CPU.

    Raises:
        UserError: when there is no such file, or it is not a checkpoint of ours.
    """
    file = find_checkpoint(path)
    checkpoint = read_checkpoint(file)
    about, state, where = checkpoint[CHECKPOINT_KEY], checkpoint["state_dict"], str(file)
    config, tags = loadable(about["config"], where), _stored_tags(checkpoint, where)
    architecture = checked_architecture(about["encoder"], state, where)
    node = config["model"]["encoder"]
    if "compile" in node:  # compiling pays in a long training; here it would only be waited for
        node = {**node, "compile": False}

    def task() -> TaggingTask:
        encoder = make(node, "model.encoder", config=copy.deepcopy(architecture))
        return TaggingTask(build_model(config, encoder, tags), tags, about=about)

    with _told(where):
        check_fit(task, state, where)
        found = task()
        load_state(found, state, where)
        tokenizer = tokenizer_from_state(about["tokenizer"])
        check_vocabulary(tokenizer, found.model.encoder, where)
    found.eval()
    return Loaded(found, tokenizer, config, file)


def read_checkpoint(file: Path) -> dict[str, Any]:
    """What a checkpoint holds, on the CPU: tensors no larger than the file, and plain values.

    Raises:
        UserError: when it is not a checkpoint of ours, one of a newer version, or made to harm.
    """
    try:
        checkpoint = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
        about = checkpoint[CHECKPOINT_KEY]
        is_newer = about["format"] > FORMAT
    # Torch's own words must not reach anybody: they recommend to load the file with weights_only=False.
    except pickle.UnpicklingError:
        raise UserError(f"{file}: holds objects beside tensors and plain values, which are never opened") from None
    except Exception as error:
        raise UserError(f"{file}: not a checkpoint written by ner_lightning ({type(error).__name__})") from None
    check_plain(about, str(file))
    if is_newer:
        version = dict(about.get("versions") or {}).get("ner-lightning", "unknown")
        raise UserError(f"{file}: written by a newer version ({version}); update ner_lightning")
    missing = [key for key in ("config", "tags", "encoder", "tokenizer") if not isinstance(about.get(key), dict)]
    if missing or not isinstance(checkpoint.get("state_dict"), dict):
        raise UserError(f"{file}: damaged: it has no {(missing or ['state_dict'])[0]}")
    check_tensors(checkpoint, file.stat().st_size, str(file))
    return checkpoint


def _stored_tags(checkpoint: Mapping[str, Any], where: str) -> TagSet:
    """The tag set of a checkpoint, no larger than its tensors."""
    stored = checkpoint[CHECKPOINT_KEY]["tags"]
    types = stored.get("types")
    if not isinstance(types, list | tuple) or not all(isinstance(name, str) for name in types):
        raise UserError(f"{where}: damaged: its tags are no list of entity types")
    with _told(where):
        tags = TagSet.from_dict(stored)
    check_tags(len(tags), checkpoint["state_dict"], where)
    return tags


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Tell what a stored model cannot be built for as one sentence."""
    try:
        yield
    except UserError as error:
        raise error if str(error).startswith(where) else UserError(f"{where}: {error}") from error
    except Exception as error:
        raise UserError(f"{where}: damaged: its model cannot be built ({first_line(error)})") from error


def find_checkpoint(path: str | Path, name: str = "best") -> Path:
    """The checkpoint itself, or the one of that name in a run folder.

    Raises:
        UserError: when there is none.
    """
    file = Path(path).expanduser()
    if file.is_dir():
        file = file if is_in_pieces(file) else file / "checkpoints" / f"{name}.ckpt"
    if is_in_pieces(file):
        raise UserError(
            f"{file}: a checkpoint in pieces, one for each process, as DeepSpeed writes it, which only the "
            "strategy that wrote it can read; trainer=fsdp2 shards too, and its checkpoints are like any other"
        )
    if not file.is_file():
        raise UserError(f"{file}: no such checkpoint; give ckpt=RUN_FOLDER or ckpt=FILE.ckpt")
    return file


def is_in_pieces(path: Path) -> bool:
    """Whether a path is what DeepSpeed, or a strategy with distributed checkpoints, leaves in place of a file."""
    return (path / "checkpoint").is_dir() or (path / ".metadata").is_file()


def resume_from(config: Mapping[str, Any]) -> Path | None:
    """The checkpoint to go on from.

    That is the one named, or the last of the run folder named; for `last`, of the newest run under `outputs/<name>`.

    Raises:
        UserError: when there is none.
    """
    asked = config["ckpt_path"]
    if asked is None:
        return None
    if asked != "last":
        return find_checkpoint(asked, "last")
    home = Path(config["paths"]["outputs"]) / config["name"]
    found = sorted(home.glob("*/checkpoints/last.ckpt"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise UserError(f"ckpt_path=last: no run below {home} has a checkpoints/last.ckpt; start without ckpt_path")
    return found[-1]


def steps_behind(config: Mapping[str, Any]) -> int:
    """Optimiser steps that are recorded in the run folder already: of the checkpoint that is resumed, if from there."""
    file = resume_from(config)
    if file is None or file.resolve().parents[1] != Path(config["paths"]["output_dir"]).resolve():
        return 0
    return int(read_checkpoint(file)["global_step"])


def check_resumption(file: Path, task: TaggingTask, *, force: bool = False) -> None:
    """See that a checkpoint holds this very model, trained on these very data.

    Args:
        file: the checkpoint.
        task: that is to go on from there.
        force: go on with other data all the same, and say so.

    Raises:
        UserError: when it is no checkpoint of ours, one of weights alone, or one of other tags, another network or
            other data.
    """
    checkpoint = read_checkpoint(file)
    if "optimizer_states" not in checkpoint:
        raise UserError(f"ckpt_path={file}: holds weights alone; resume from last.ckpt of its run")
    before = _stored_tags(checkpoint, f"ckpt_path={file}")
    _check_best(checkpoint, file)
    if before != task.tags:
        then, now = (f"{', '.join(tags.types)} ({tags.scheme})" for tags in (before, task.tags))
        raise UserError(
            f"ckpt_path={file}: trained for the entity types {then}, not for {now}; resume with the data of its run"
        )
    theirs, ours = ({n: v.shape for n, v in s.items()} for s in (checkpoint["state_dict"], task.state_dict()))
    if theirs != ours:
        name = next(name for name in [*theirs, *ours] if theirs.get(name) != ours.get(name))
        raise UserError(
            f"ckpt_path={file}: the model there is another one ({name}); resume with the configuration of its run"
        )
    check_same_data(file, checkpoint[CHECKPOINT_KEY].get("data"), task.about["data"], force=force)


def check_same_data(
    file: Path, before: Mapping[str, str] | None, now: Mapping[str, str], *, force: bool = False
) -> None:
    """Refuse to go on with other data than a checkpoint was trained on: it may know the sentences of today's test.

    Args:
        file: the checkpoint.
        before: its digest of each split; None: it is of a version that did not keep them.
        now: those of today's splits.
        force: say it instead.

    Raises:
        UserError: for a split that both have and that differs.
    """
    if before is None:
        log.warning("ckpt_path=%s: does not say which data it was trained on; see that they are the same", file)
        return
    other = [split for split in now if split in before and before[split] != now[split]]
    if not other:
        return
    differs = f"{', '.join(other)} {'differs' if len(other) == 1 else 'differ'}"
    if not force:
        raise UserError(
            f"ckpt_path={file}: trained with other data than these ({differs}): it may know sentences that it would be "
            "scored on; resume with the data of its run, start anew without ckpt_path (a sweep: sweep.retry=all), or "
            "write force=true to go on all the same"
        )
    log.warning(
        "ckpt_path=%s: force=true goes on with other data than it was trained with (%s); "
        "scores on sentences that it was trained on mean nothing",
        *(file, differs),
    )


def _check_best(checkpoint: Mapping[str, Any], file: Path) -> None:
    """Refuse a checkpoint whose best one is some other file of this machine: it would be copied, and scored."""
    states = checkpoint.get("callbacks")
    for state in states.values() if isinstance(states, dict) else ():
        name = state.get("best_model_path") if isinstance(state, dict) else None
        best = Path(str(name or file))
        if best.exists() and best.resolve().parent != file.resolve().parent:
            raise UserError(f"ckpt_path={file}: names {best} as its best checkpoint, which does not stand beside it")


def check_is_own(loaded: Loaded) -> None:
    """Refuse to read the corpus that a checkpoint names, unless it stands where its run wrote it.

    A checkpoint that came from elsewhere would have files of this machine read, or a data set fetched, that nobody here
    has named. A sample of ours is everybody's.

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
    """The data that are asked for, else those of training; the model reads them with the context it knows.

    >>> data_of_evaluation({"dir": "other", "context": 0}, {"dir": "own", "context": 64})
    {'dir': 'other', 'context': 64}
    """
    if not asked:
        cache = trained.get("cache")
        return {**trained, "cache": cache if cache is None else "auto"}
    return {**asked, "context": asked.get("context") or trained.get("context", 0)}


def check_complete(about_data: Mapping[str, Any], checkpoint: Path) -> None:
    """Refuse data that a checkpoint names but for a secret.

    Raises:
        UserError: with what to give.
    """
    if place := next(hidden_places(about_data), None):
        raise UserError(
            f"{checkpoint}: data.{place} was a secret of the training and is not stored; name the data anew, with "
            f"data=…, data.dir=… and data.{place}=…"
        )


def build_evaluation(config: Mapping[str, Any], callbacks: list[pl.Callback]) -> tuple[Run, Path]:
    """A checkpoint's model beside the data it is to be scored on: its own, or those of the configuration.

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
    check_complete(about_data, loaded.path)
    data: CorpusDataModule = make(about_data, "data")
    data.read(config["split"], required=(config["split"],))
    data.check_annotated(config["split"])
    task = TaggingTask(loaded.task.model, loaded.task.tags, scored_tags=scored_tags(data, loaded.task.tags))
    prepare(data, task, loaded.tokenizer, seed=0)
    trainer = build_trainer(config["trainer"], [*source_scores(data, task), *callbacks], False)
    return Run(data, task, trainer), loaded.path


def _check_split_is_scored(trainer: Mapping[str, Any], split: str) -> None:
    key = "limit_test_batches" if split == "test" else "limit_val_batches"
    if trainer.get(key) == 0:
        raise UserError(f"trainer.{key}=0: nothing would be scored; leave it out")
