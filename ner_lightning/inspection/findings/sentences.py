"""Find sentences that occur more than once: within a split, in two splits, or with different annotations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ner_lightning.data.sentence import Sentence
from ner_lightning.inspection.finding import Cell, Finding, FindingKind, Listing, Part
from ner_lightning.inspection.findings.gather import Gathered
from ner_lightning.inspection.report.show import sentence_place, show_annotation, show_sentence

if TYPE_CHECKING:
    from ner_lightning.inspection.settings import InspectionSettings

Splits = Mapping[str, Sequence[Sentence]]
Numbers = Mapping[str, Gathered]

LATER_SPLITS = ("dev", "test")


DUPLICATES = FindingKind(
    name="duplicates",
    title="Repeated sentences",
    unit="sentences",
    meaning=(
        "Sentences that repeat an earlier one of the same split, word for word. In train they weigh more than "
        "others, in test they are scored again and again."
    ),
    limit=0.05,
)


def find_duplicates(splits: Splits, numbers: Numbers, settings: InspectionSettings, joiner: str) -> Finding:
    """Find sentences that repeat an earlier one of their split, word for word."""
    parts, found = [], []
    for split, gathered in numbers.items():
        _, first, counts = np.unique(gathered.text, return_index=True, return_counts=True)
        parts.append(Part(split, int((counts - 1).sum()), len(gathered)))
        repeated = counts > 1
        found += [(int(n), split, int(i)) for n, i in zip(counts[repeated], first[repeated], strict=True)]
    order = list(splits)
    found.sort(key=lambda item: (-item[0], order.index(item[1]), item[2]))
    rows: list[tuple[Cell, ...]] = [
        (
            show_sentence(splits[split][i], joiner),
            times,
            len(splits[split][i].words),
            sentence_place(split, splits[split][i]),
        )
        for times, split, i in found[: settings.listed]
    ]
    return Finding.of(
        settings,
        DUPLICATES,
        tuple(parts),
        listing=Listing.first(settings.listed, ("sentence", "times", "words", "first place"), rows, len(found)),
    )


LEAKAGE = FindingKind(
    name="leakage",
    title="Leakage",
    unit="sentences",
    meaning=(
        "Sentences of dev or test that also stand in train, word for word. A model can know their entities by "
        "heart, and scores are too good by that. Short ones (dates, headings) are often honest; the longest are "
        "listed first."
    ),
    limit=0.0,
)


def find_leakage(splits: Splits, numbers: Numbers, settings: InspectionSettings, joiner: str) -> Finding:
    """Find sentences of dev and test that also occur in train, word for word; the longest are listed first."""
    later = [split for split in LATER_SPLITS if split in numbers]
    judged = "train" in numbers and bool(later)
    parts, found = [], []
    if judged:
        texts, first = np.unique(numbers["train"].text, return_index=True)
        for split in later:
            known, where = _look_up(numbers[split].text, texts)
            parts.append(Part(f"{split} in train", int(known.sum()), len(known)))
            found += [
                (int(numbers[split].words[i]), split, int(i), int(first[where[i]])) for i in np.flatnonzero(known)
            ]
    found.sort(key=lambda item: -item[0])
    rows: list[tuple[Cell, ...]] = []
    for n_words, split, i, j in found[: settings.listed]:
        here, there = splits[split][i], splits["train"][j]
        same = "yes" if here.spans == there.spans else "no"
        rows.append(
            (show_sentence(here, joiner), n_words, same, sentence_place(split, here), sentence_place("train", there))
        )
    columns = ("sentence", "words", "same entities", "place", "place in train")
    return Finding.of(
        settings,
        LEAKAGE,
        tuple(parts),
        listing=Listing.first(settings.listed, columns, rows, len(found)),
        why_not="" if judged else "needs train and one of dev and test",
    )


DOCUMENTS = FindingKind(
    name="documents",
    title="Documents in two splits",
    unit="documents",
    meaning=(
        "Documents that have sentences in train and in dev or test: the names that a document repeats are known "
        "from training then."
    ),
    limit=0.0,
)


def find_documents(numbers: Numbers, splits: Splits, settings: InspectionSettings) -> Finding:
    """Find documents with sentences in train and in a later split."""
    later = [split for split in LATER_SPLITS if split in numbers]
    known = {split: _documents(gathered) for split, gathered in numbers.items()}
    judged = bool(known.get("train")) and any(known[split] for split in later)
    parts, rows, total = [], [], 0
    for split in later if judged else ():
        shared = [(i, known["train"][name]) for name, i in known[split].items() if name in known["train"]]
        parts.append(Part(f"{split} in train", len(shared), len(known[split])))
        total += len(shared)
        for i, j in sorted(shared)[: settings.listed]:
            here, there = splits[split][i], splits["train"][j]
            rows.append((here.document, sentence_place(split, here), sentence_place("train", there)))
    return Finding.of(
        settings,
        DOCUMENTS,
        tuple(parts),
        listing=Listing.first(settings.listed, ("document", "place", "place in train"), rows, total),
        why_not="" if judged else "needs train, one of dev and test, and files that tell documents apart",
    )


def _documents(gathered: Gathered) -> dict[int, int]:
    """Return the first sentence of each document, by the hash of its name."""
    names, first = np.unique(gathered.document, return_index=True)
    return {name: i for name, i in zip(names.tolist(), first.tolist(), strict=True) if name}


class _Repeated:
    """The fully annotated sentences of all splits, in the order of their texts and annotations."""

    def __init__(self, splits: Splits, numbers: Numbers) -> None:
        self.splits, self.names = splits, list(numbers)
        text = np.concatenate([gathered.text for gathered in numbers.values()])
        annotation = np.concatenate([gathered.annotation for gathered in numbers.values()])
        complete = np.flatnonzero(np.concatenate([gathered.complete for gathered in numbers.values()]))
        self.begins = np.concatenate(([0], np.cumsum([len(gathered) for gathered in numbers.values()])))
        self.order = complete[np.lexsort((complete, annotation[complete], text[complete]))]
        begins_text = _changes(text[self.order])
        self.begins_reading = begins_text | _changes(annotation[self.order])
        self.starts = np.append(np.flatnonzero(begins_text), len(self.order))
        self.times = np.diff(self.starts)
        readings = np.diff(np.append(0, np.cumsum(self.begins_reading))[self.starts])
        self.conflicting = np.flatnonzero(readings > 1)
        # By first places, since the order of hashes is different in every process.
        self.firsts = np.array([self.order[slice(*self.starts[t : t + 2])].min() for t in self.conflicting], np.int64)

    def readings(self, text: int) -> list[tuple[int, str, Sentence]]:
        """Return the annotations of a text: how often each occurs, and the split and sentence that has it first."""
        start, end = self.starts[text], self.starts[text + 1]
        heads = start + np.flatnonzero(self.begins_reading[start:end])
        counts = np.diff(np.append(heads, end)).tolist()
        found = [
            (int(self.order[head]), count, *self._at(int(self.order[head])))
            for count, head in zip(counts, heads, strict=True)
        ]
        return [reading[1:] for reading in sorted(found, key=lambda reading: (-reading[1], reading[0]))]

    def _at(self, index: int) -> tuple[str, Sentence]:
        number = int(np.searchsorted(self.begins, index, side="right")) - 1
        return self.names[number], self.splits[self.names[number]][index - int(self.begins[number])]


CONFLICTS = FindingKind(
    name="conflicts",
    title="Sentences annotated in two ways",
    unit="repeated texts",
    meaning=(
        "Texts that stand more than once, in whatever split, and not everywhere with the same entities. One of "
        "the annotations is wrong, or the text alone does not decide."
    ),
    limit=0.0,
)


def find_conflicts(splits: Splits, numbers: Numbers, settings: InspectionSettings, joiner: str) -> Finding:
    """Find texts that occur several times, fully annotated, but not always with the same entities."""
    repeated = _Repeated(splits, numbers)
    order = repeated.conflicting[np.lexsort((repeated.firsts, -repeated.times[repeated.conflicting]))]
    rows: list[tuple[Cell, ...]] = []
    for text in order[: settings.listed].tolist():
        readings = repeated.readings(text)
        said = [f"{show_annotation(s, joiner)} {times}× ({sentence_place(split, s)})" for times, split, s in readings]
        rows.append((show_sentence(readings[0][2], joiner), int(repeated.times[text]), " · ".join(said)))
    return Finding.of(
        settings,
        CONFLICTS,
        (Part("all splits", len(order), int((repeated.times > 1).sum())),),
        listing=Listing.first(settings.listed, ("sentence", "times", "annotations, first places"), rows, len(order)),
    )


def _changes(values: np.ndarray) -> np.ndarray:
    """Find where a value differs from the one before; the first always counts."""
    changed = np.ones(len(values), dtype=bool)
    changed[1:] = values[1:] != values[:-1]
    return changed


def _look_up(values: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find which values are among the sorted ones, and where."""
    where = np.minimum(np.searchsorted(known, values), len(known) - 1)
    return known[where] == values, where
