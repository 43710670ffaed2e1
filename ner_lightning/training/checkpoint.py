"""Rebuild a run's objects from one checkpoint file, and write what that needs."""

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

import torch

from ner_lightning.config.objects import make
from ner_lightning.config.stored import check_plain, loadable
from ner_lightning.data.corpus.encoding import WordEncoder
from ner_lightning.errors import UserError, first_line
from ner_lightning.model.bounds import check_fit, check_tag_count, check_tensors, checked_architecture, load_state
from ner_lightning.model.encoder import Encoder
from ner_lightning.model.pretrained.tokenizer_state import check_vocabulary, tokenizer_from_state, tokenizer_state
from ner_lightning.model.tagger import TaggingModel
from ner_lightning.run.redaction import known_secrets, redact
from ner_lightning.storage.archives import is_whole
from ner_lightning.tagging.tagset import TagSet
from ner_lightning.task.tagging import CHECKPOINT_KEY, TaggingTask

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast
from ner_lightning.run.checkpoints import find_checkpoint

log = logging.getLogger(__name__)


NETWORK = "model."
"""What the names of a network's tensors begin with."""

FORMAT = 1
"""Version of the description in a checkpoint."""


VERSIONED = ("ner-lightning", "torch", "pytorch-lightning", "transformers", "hydra-core", "torchmetrics")


@dataclass
class Loaded:
    """The content of a checkpoint, ready to use.

    Attributes:
        task: network and tags, in evaluation mode.
        tokenizer: the encoder's, from the checkpoint itself.
        config: `model`, `data`, `paths` and plain values of the run's resolved configuration, nothing more.
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


def build_model(config: Mapping[str, Any], encoder: Encoder, tags: TagSet) -> TaggingModel:
    """Build the network of a configuration around an encoder."""
    node = config["model"]
    return make(node, "model", encoder=encoder, decoder=make(node["decoder"], "model.decoder", tags=tags))


def check_rebuildable(config: Mapping[str, Any], tags: TagSet) -> None:
    """Build the decoder of a configuration with shapes but no memory, as loading its checkpoint will.

    Raises:
        UserError: it cannot be built so; names its class.
    """
    node = config["model"]["decoder"]
    try:
        with torch.device("meta"):
            make(node, "model.decoder", tags=tags)
    except (RuntimeError, TypeError) as error:
        raise UserError(
            f"model.decoder: {node['_target_']} cannot be built on torch's meta device ({first_line(error)}), as "
            "loading a checkpoint does: its constructor must read no number out of a tensor"
        ) from error


def describe(
    config: dict[str, Any], tags: TagSet, encoder: Encoder, tokenizer: PreTrainedTokenizerFast
) -> dict[str, Any]:
    """Describe the model for its checkpoint: enough to rebuild it in a fresh process without any other file.

    Checkpoints are published, so it contains no secret of the configuration.
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
        UserError: there is no such file, or it is not a checkpoint of ours.
    """
    file = find_checkpoint(path)
    checkpoint = read_checkpoint(file)
    about, where = checkpoint[CHECKPOINT_KEY], str(file)
    # A task of another kind may have learned more; what it needed for that is not needed any more.
    state = {name: tensor for name, tensor in checkpoint["state_dict"].items() if name.startswith(NETWORK)}
    config, tags = loadable(about["config"], where), _stored_tags(checkpoint, where)
    architecture = checked_architecture(about["encoder"], state, where)
    node = config["model"]["encoder"]
    if "compile" in node:  # compiling pays only in a long training
        node = {**node, "compile": False}

    def task() -> TaggingTask:
        encoder = make(node, "model.encoder", config=copy.deepcopy(architecture))
        return TaggingTask(build_model(config, encoder, tags), tags, about=about)

    with _told(where):
        check_rebuildable(config, tags)
        check_fit(task, state, where)
        found = task()
        load_state(found, state, where)
        tokenizer = tokenizer_from_state(about["tokenizer"])
        check_vocabulary(tokenizer, found.model.encoder, where)
    found.eval()
    return Loaded(found, tokenizer, config, file)


def read_checkpoint(file: Path) -> dict[str, Any]:
    """Read a checkpoint on the CPU: tensors no larger than the file, and plain values.

    Raises:
        UserError: it is not a checkpoint of ours, is of a newer version, or is malicious.
    """
    try:
        checkpoint = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
        about = checkpoint[CHECKPOINT_KEY]
        is_newer = about["format"] > FORMAT
    # Torch's own message must not reach anybody: it recommends loading the file with weights_only=False.
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
    """Read the tag set of a checkpoint, no larger than its tensors."""
    stored = checkpoint[CHECKPOINT_KEY]["tags"]
    types = stored.get("types")
    if not isinstance(types, list | tuple) or not all(isinstance(name, str) for name in types):
        raise UserError(f"{where}: damaged: its tags are no list of entity types")
    with _told(where):
        tags = TagSet.from_dict(stored)
    check_tag_count(len(tags), checkpoint["state_dict"], where)
    return tags


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Turn the error of a stored model that cannot be built into one sentence."""
    try:
        yield
    except UserError as error:
        raise error if str(error).startswith(where) else UserError(f"{where}: {error}") from error
    except Exception as error:
        raise UserError(f"{where}: damaged: its model cannot be built ({first_line(error)})") from error


def steps_behind(resumed: Path | None, folder: Path) -> int:
    """Count the optimiser steps that a run folder already records: those of the checkpoint resumed from it, if any."""
    if resumed is None or resumed.resolve().parents[1] != folder.resolve():
        return 0
    return int(read_checkpoint(resumed)["global_step"])


def check_resumption(file: Path, task: TaggingTask, *, force: bool = False) -> None:
    """Check that a checkpoint holds this very model, trained on these very data.

    Args:
        file: the checkpoint.
        task: the task that will continue from it.
        force: continue with other data all the same, and warn.

    Raises:
        UserError: it is no checkpoint of ours, has weights alone, or belongs to other tags, another network or other
            data.
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
    """Refuse to continue with other data than the checkpoint's: it may know today's test sentences.

    Args:
        file: the checkpoint.
        before: its digest of each split; None: its version did not store them.
        now: the digests of today's splits.
        force: only warn.

    Raises:
        UserError: a split that both have differs.
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
    """Refuse a checkpoint that names a file that is no checkpoint as its best one: it would be copied.

    A checkpoint that was moved away from its run still names the best one there, and continues from it.
    """
    states = checkpoint.get("callbacks")
    for state in states.values() if isinstance(states, dict) else ():
        name = state.get("best_model_path") if isinstance(state, dict) else None
        best = Path(str(name or file))
        if best.exists() and best.resolve().parent != file.resolve().parent and not is_whole(best):
            raise UserError(f"ckpt_path={file}: names {best} as its best checkpoint, which is none")
