"""Runs small enough for tests: the real configuration, a tiny encoder, a handful of sentences, in this process."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

from omegaconf import DictConfig, OmegaConf, open_dict

from ner_lightning.command_line.compose import compose, hydra_session

QUICK = (
    "trainer.max_epochs=1",
    "data.limit=24",
    "callbacks.progress.refresh_rate=0",
)

# What a random encoder learns in a few epochs: the word alone tells the tag.
PEOPLE = ("Ann/B-PER Lee/I-PER", "Bob/B-PER Orr/I-PER", "Eve/B-PER Day/I-PER")
PLACES = ("Oslo/B-LOC", "Rome/B-LOC", "Kyiv/B-LOC")
EASY = [
    *(f"{person} {verb} {place} ." for person in PEOPLE for verb in ("likes", "left") for place in PLACES),
    *(f"In {place} , {person} , and {other} ." for person in PEOPLE for place in PLACES for other in PLACES),
    *(text for entity in PEOPLE + PLACES for text in (entity, f"{entity} .", f"here {entity}", f"x {entity} x")),
    *(f"{person} likes {place} . {person} left {place} ." for person in PEOPLE for place in PLACES),
    *("nothing here .", "It likes nothing", "and x , In x ."),
]
LEARN = ("trainer.max_epochs=8", "optim.head_lr=0.1", "optim.encoder_lr=1e-3", "optim.crf_lr=0.1", "data.limit=null")


def composed(root: str, folder: Path, *overrides: str) -> DictConfig:
    """The configuration of a command that writes below `folder`, to `folder/run` unless told otherwise."""
    places = [f"paths.outputs={folder}", f"paths.output_dir={folder / 'run'}"]
    with hydra_session(root) as hydra:
        config = compose(hydra, root, [*places, *overrides])
    with open_dict(config):
        del config["hydra"]
    return config


def train_config(folder: Path, encoder: Path, *overrides: str) -> DictConfig:
    """One epoch on a few sentences of the English sample."""
    return composed("train", folder, f"model.encoder.name={encoder}", *QUICK, *overrides)


def trained(folder: Path, encoder: Path, *overrides: str, whole: bool = False) -> dict[str, Any]:
    """Train; the run folder is `folder/run` unless told otherwise.

    Args:
        folder: of everything that is written.
        encoder: of `write_tiny_encoder`.
        overrides: as a user would type them.
        whole: with pictures and the list of packages too, which take longer than the training.
    """
    from ner_lightning.train import train

    config = train_config(folder, encoder, *overrides)
    with nullcontext() if whole else _plainly():
        return train(config, list(overrides))


def evaluated(folder: Path, *overrides: str) -> dict[str, Any]:
    """Evaluate; results go to `folder/run`."""
    from ner_lightning.evaluate import evaluate

    with _plainly():
        return evaluate(composed("evaluate", folder, *overrides))


@contextmanager
def _plainly() -> Iterator[None]:
    with (
        patch("ner_lightning.training.summary.draw_run_pictures"),
        patch("ner_lightning.run.record.distributions", return_value=[]),
    ):
        yield


def records(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSON lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write_corpus(folder: Path, **splits: Iterable[str]) -> Path:
    """A column corpus: each sentence as `Ann/B-PER lives in Oslo/B-LOC`, a word without tag being outside."""
    folder.mkdir(parents=True, exist_ok=True)
    for split, sentences in splits.items():
        lines = []
        for sentence in sentences:
            for token in sentence.split(" "):
                word, _, tag = token.partition("/")
                lines.append(f"{word}\t{tag or 'O'}\n")
            lines.append("\n")
        (folder / f"{split}.conll").write_text("".join(lines), encoding="utf-8")
    return folder


def without_dropout(encoder: Path, folder: Path) -> Path:
    """The same encoder in another folder, its dropout rates zero."""
    shutil.copytree(encoder, folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def saved(run: Path, name: str = "config.yaml") -> Any:
    """A YAML file of a run folder as plain containers."""
    return OmegaConf.to_container(OmegaConf.load(run / name))
