"""Reduce the stored predictions of many runs to counts, one run at a time, and check that their sentences agree."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ner_lightning.comparison.runs.run import FinishedRun
from ner_lightning.comparison.settings import FOLD
from ner_lightning.comparison.vary import settings_of
from ner_lightning.errors import DataError
from ner_lightning.run.folder import RunFolder
from ner_lightning.run.predictions import StoredSentence
from ner_lightning.statistics.counts import Counts, document_groups, f1, sentence_counts
from ner_lightning.tagging.spans import EntitySpan, ScoredSpan

AGREEMENT = 2e-6
"""Largest difference between F1 of predictions and of `result.json`, which was a float32 once."""


class Counted(NamedTuple):
    """The counts of one run's predictions.

    Attributes:
        counts: int `[sentences, 3]`: correct, predicted, gold.
        sentences: digest of words and annotation of all sentences, in their order.
        documents: the document of each sentence, if documents can represent the test set.
        words: digests of the words of each sentence, without the annotation.
    """

    counts: Counts
    sentences: str
    documents: list[str] | None
    words: frozenset[bytes] = frozenset()


Known = dict[str, tuple[StoredSentence, bytes]]
"""Sentences of earlier runs, by the first part of their line, each with a digest of its words and annotation."""

WORDS = 12
"""Bytes of a digest that depend only on the words."""
BEFORE_PREDICTED = ', "predicted": '
MOST_KNOWN = 200_000


def count(path: Path, scheme: str | None, known: Known | None = None) -> Counted:
    """Read the stored predictions of a run and reduce them to counts.

    Args:
        path: the file.
        scheme: of the model.
        known: sentences of earlier runs, which need not be read again; those of this run are added.

    Raises:
        DataError: a line is not a stored prediction.
    """
    name = hashlib.sha256()
    sentences = []
    words = set()
    for sentence, digest in read_known(path, {} if known is None else known):
        name.update(digest)
        words.add(digest[:WORDS])
        if sentence.unknown:
            name.update(repr(sentence.unknown).encode())
        sentences.append(sentence)
    if not sentences:
        raise DataError("expected stored predictions, found an empty file; evaluate the run again", path)
    counts = sentence_counts(sentences, scheme=scheme)
    return Counted(counts, name.hexdigest(), document_groups(sentences), frozenset(words))


def read_known(path: Path, known: Known) -> Iterator[tuple[StoredSentence, bytes]]:
    """Read stored predictions as `read_stored` does, but words and annotation only if no earlier run had them.

    Hundreds of runs on one test set repeat them in every file, and they are most of its content.

    Raises:
        DataError: a line is not a stored prediction.
    """
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            # Words cannot contain this, since their quotes are escaped.
            head, _, tail = line.partition(BEFORE_PREDICTED)
            try:
                if (before := known.get(head)) is not None:
                    yield _with_predictions(before[0], json.loads(f'{{"predicted": {tail}')), before[1]
                    continue
                sentence = StoredSentence.from_json(line)
            except (ValueError, KeyError, TypeError) as error:
                raise DataError(
                    f"expected a stored prediction, found {line[:30]!r}; evaluate the run again", path, number
                ) from error
            words = hashlib.sha256(str(sentence.words).encode()).digest()[:WORDS]
            digest = words + hashlib.sha256(f"{sentence.words}{sentence.gold}".encode()).digest()
            if tail and len(known) < MOST_KNOWN:
                known[head] = sentence, digest
            yield sentence, digest


def _with_predictions(sentence: StoredSentence, record: dict[str, Any]) -> StoredSentence:
    tags = record.get("predicted_tags")
    return StoredSentence(
        sentence.id,
        sentence.document,
        sentence.words,
        sentence.gold,
        tuple([ScoredSpan(EntitySpan(a, b, label), p) for a, b, label, p in record["predicted"]]),
        None if tags is None else tuple(tags),
        tuple(record.get("unknown", ())),
        sentence.source,
    )


@dataclass(frozen=True)
class Replicate:
    """One run, or the folds of one seed taken together.

    Attributes:
        key: what distinguishes it within its configuration: the seed, and any other repeated setting.
        runs: in the order of their folds.
        counted: counts of all of them together.
    """

    key: Hashable
    runs: tuple[FinishedRun, ...]
    counted: Counted

    @property
    def f1(self) -> float:
        """Strict F1 of all its sentences together."""
        return float(f1(self.counted.counts.sum(axis=0)))


@dataclass(frozen=True)
class JudgedRuns:
    """The counts of the predictions of all runs.

    Attributes:
        by_run: counts by the name of the run.
        broken: runs without usable predictions, with the reason.
        odd: runs whose predictions do not give the F1 of their result.
    """

    by_run: Mapping[str, Counted]
    broken: Mapping[str, str]
    odd: Sequence[str]


def judge(runs: Sequence[FinishedRun], split: str, prefix: str) -> JudgedRuns:
    """Count the predictions of all runs, one in memory at a time.

    Args:
        runs: the runs.
        split: the split of the predictions.
        prefix: prefix of that split's scores in a result.
    """
    by_run, broken, odd = {}, {}, []
    known: Known = {}
    for run in runs:
        path = run.predictions(split)
        if path is None:
            broken[run.name] = f"no {RunFolder('').predictions_of(split)}"
            continue
        try:
            counted = count(path, run.scheme, known)
        except (DataError, OSError, UnicodeDecodeError) as error:
            broken[run.name] = str(error).removeprefix(f"{path.parent}{os.sep}")
            continue
        by_run[run.name] = counted
        score = run.scores.get(f"{prefix}f1")
        if score is not None and abs(float(f1(counted.counts.sum(axis=0))) - score) > AGREEMENT:
            odd.append(run.name)
    return JudgedRuns(by_run, broken, odd)


def replicates(runs: Sequence[FinishedRun], judged: JudgedRuns, repetition: Sequence[str]) -> list[Replicate]:
    """Collect the runs of a configuration with predictions, the folds of a repetition as one.

    Args:
        runs: of one configuration, the folds of a repetition in their order.
        judged: their predictions.
        repetition: settings that repeat; folds have sentences of their own, all others use the same ones again.
    """
    found = []
    for key, group in group_by_repetition([run for run in runs if run.name in judged.by_run], repetition).items():
        parts = [judged.by_run[run.name] for run in group]
        found.append(Replicate(key, tuple(group), parts[0] if len(parts) == 1 else _joined(parts)))
    return found


def group_by_repetition(
    runs: Sequence[FinishedRun], repetition: Sequence[str]
) -> dict[tuple[Hashable, ...], list[FinishedRun]]:
    """Group the runs of one configuration by their repetition, its folds together."""
    found: dict[tuple[Hashable, ...], list[FinishedRun]] = {}
    keys = [key for key in repetition if key != FOLD]
    for run in runs:
        settings = settings_of(run.config)
        found.setdefault(tuple(settings.get(key) for key in keys), []).append(run)
    return found


def _joined(parts: Sequence[Counted]) -> Counted:
    documents = [part.documents for part in parts]
    known = all(names is not None for names in documents)
    return Counted(
        np.concatenate([part.counts for part in parts]),
        hashlib.sha256("".join(part.sentences for part in parts).encode()).hexdigest(),
        [name for names in documents for name in names or ()] if known else None,
        frozenset().union(*(part.words for part in parts)),
    )
