"""Run folders as a training leaves them, without a training: known settings, known quality."""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from ner_lightning.run.predictions import StoredSentence
from ner_lightning.statistics.counts import f1, sentence_counts
from ner_lightning.tagging.spans import EntitySpan, ScoredSpan

CONFIG: dict[str, Any] = {
    "name": "crf",
    "seed": 1,
    "monitor": "val/f1",
    "paths": {"outputs": "outputs", "output_dir": "outputs/crf/1"},
    "data": {"_target_": "ner_lightning.data.datamodule.CorpusDataModule", "dir": "corpus", "scheme": "BIOES"},
    "model": {"decoder": {"_target_": "ner_lightning.model.decoder.crf.CRF", "constrain": "both", "init": "uniform"}},
    "optim": {"encoder_lr": 1e-4, "crf_lr": 0.01},
    "trainer": {"precision": "32-true"},
    "logger": {},
}
SOFTMAX = {"_target_": "ner_lightning.model.decoder.softmax.Softmax", "constrain": "none"}
TYPES = ("LOC", "ORG", "PER")


def gold_sentences(n: int = 60, seed: int = 0) -> list[tuple[tuple[str, ...], tuple[EntitySpan, ...]]]:
    """Words and entities of a test set."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(n):
        words = tuple(f"w{number}" for number in rng.integers(200, size=6 + i % 9))
        starts = (0, 2, 5)[: 1 + i % 3]
        found.append((words, tuple(EntitySpan(s, s + 1 + (s + i) % 2, TYPES[(s + i) % 3]) for s in starts)))
    return found


def predicted(gold: Sequence[Any], share: float, seed: int, document: str = "") -> list[StoredSentence]:
    """Stored predictions that find about a share of the entities; one in four of the missed has another type."""
    rng = np.random.default_rng(seed)
    sentences = []
    for i, (words, spans) in enumerate(gold):
        found = []
        for span in spans:
            luck = rng.random()
            if luck < share:
                found.append(ScoredSpan(span, round(0.6 + 0.4 * rng.random(), 6)))
            elif luck < share + (1 - share) / 4:
                other = TYPES[(TYPES.index(span.label) + 1) % 3]
                found.append(ScoredSpan(span._replace(label=other), round(0.3 + 0.4 * rng.random(), 6)))
        sentences.append(StoredSentence(f"test.conll:{i}", document, words, spans, tuple(found)))
    return sentences


def with_settings(**changes: Any) -> dict[str, Any]:
    """The configuration with dotted keys changed (`optim__encoder_lr=…`)."""
    config = deepcopy(CONFIG)
    for key, value in changes.items():
        *path, last = key.split("__")
        node = config
        for part in path:
            node = node[part]
        node[last] = value
    return config


def write_run(folder: Path, config: dict[str, Any], sentences: Sequence[StoredSentence] | None, **result: Any) -> Path:
    """A complete run folder; its scores are those of the sentences, on both splits."""
    folder.mkdir(parents=True)
    config = {**config, "paths": {"outputs": "outputs", "output_dir": str(folder)}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    record = {"seed": config["seed"], "packages": {"torch": "2.13.0"}, "git": {"commit": "0" * 40, "dirty": False}}
    (folder / "run.json").write_text(json.dumps(record))
    scores = {}
    if sentences is not None:
        (folder / "predictions").mkdir()
        for split, prefix in (("test", "test/"), ("dev", "val/")):
            (folder / "predictions" / f"{split}.jsonl").write_text("".join(s.to_json() + "\n" for s in sentences))
            scores |= scores_of(sentences, prefix)
    rows = [f"{epoch},{10 * epoch},{scores.get('val/f1', 0) * (epoch + 1) / 4}" for epoch in range(4)]
    (folder / "metrics.csv").write_text("\n".join(["epoch,step,val/f1", *rows]) + "\n")
    base = {"name": config["name"], "seed": config["seed"], "best": scores, "seconds": {"fit": 9.0, "total": 10.0}}
    (folder / "result.json").write_text(json.dumps({**base, **result}))
    return folder


def scores_of(sentences: Sequence[StoredSentence], prefix: str) -> dict[str, float]:
    """Micro scores as a training logs them."""
    correct, found, gold = sentence_counts(sentences, scheme="BIOES").sum(axis=0)
    scores = {
        "f1": float(f1([correct, found, gold])),
        "precision": correct / max(found, 1),
        "recall": correct / max(gold, 1),
        "f1/LOC": 0.5,
        "f1/PER": 0.25,
    }
    return {f"{prefix}{name}": float(np.float32(value)) for name, value in scores.items()}


def write_sweep(folder: Path, seeds: Sequence[int] = (1, 2, 3), n: int = 60) -> Path:
    """CRF (good) and softmax (bad) with some seeds each."""
    gold = gold_sentences(n)
    for seed in seeds:
        write_run(folder / f"crf-{seed}", with_settings(seed=seed), predicted(gold, 0.85, seed))
        softmax = with_settings(seed=seed, name="softmax", model__decoder=SOFTMAX)
        write_run(folder / f"softmax-{seed}", softmax, predicted(gold, 0.55, 100 + seed))
    return folder


def write_sets(folder: Path, shares: Sequence[tuple[float, float]] = ((0.85, 0.5), (0.8, 0.6))) -> Path:
    """CRF and softmax on two corpora, two seeds each; of each corpus how good the two are."""
    for number, (corpus, (crf, softmax)) in enumerate(zip(("news", "tweets"), shares, strict=True)):
        gold = gold_sentences(seed=number)
        for seed in (1, 2):
            config = with_settings(seed=seed, data__dir=f"/data/{corpus}")
            write_run(folder / f"{corpus}-crf-{seed}", config, predicted(gold, crf, seed))
            other = with_settings(seed=seed, data__dir=f"/data/{corpus}", name="softmax", model__decoder=SOFTMAX)
            write_run(folder / f"{corpus}-softmax-{seed}", other, predicted(gold, softmax, 100 + seed))
    return folder
