"""The commands' own keys with their types and ranges; keys of a class are described by its constructor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ner_lightning.config.ranges import Count, Level, Share, Whole

Split = Literal["test", "dev"]


@dataclass
class Train:
    """The keys of `conf/train.yaml`."""

    name: str
    seed: Whole
    monitor: str
    ckpt_path: str | None
    force: bool
    test: bool


@dataclass
class Evaluate:
    """The keys of `conf/evaluate.yaml`."""

    name: str
    ckpt: str
    split: Split
    force: bool


@dataclass
class Predict:
    """The keys of `conf/predict.yaml`."""

    name: str
    ckpt: str
    input: str
    output: str
    output_format: Literal["auto", "jsonl", "conll"]
    units: Literal["auto", "words", "punctuation", "characters"]
    batch_size: Count
    device: str
    min_probability: Share
    force: bool


@dataclass
class Inspect:
    """The keys of `conf/inspect.yaml`."""

    name: str
    output: str | None
    html: str | None
    force: bool


@dataclass
class Convert:
    """The keys of `conf/convert.yaml`."""

    name: str
    input: str
    output: str | None
    force: bool
    report: str | None
    problems: str | None


@dataclass
class Compare:
    """The keys of `conf/compare.yaml`."""

    name: str
    runs: Sequence[str]
    output: str | None
    figures: bool
    split: Split
    columns: Sequence[str]
    repetition: Sequence[str]
    pairs: Literal["auto", "all", "best"]
    baseline: str | int | float | None
    paired_seeds: bool | None
    diff: Sequence[str]
    samples: Count
    level: Level
    seed: Whole
    listed: Whole
    to_wandb: bool
    wandb: Mapping[str, Any]
