"""Find mentions (the words of entities) with several types, not annotated elsewhere, or unseen in training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ner_lightning.data.sentence import Sentence
from ner_lightning.inspection.finding import Cell, Finding, FindingKind, Listing, Part
from ner_lightning.inspection.findings.gather import Gathered
from ner_lightning.inspection.findings.sentences import LATER_SPLITS, Numbers, Splits
from ner_lightning.inspection.report.show import reveal_invisible, sentence_place, show_mention

if TYPE_CHECKING:
    from ner_lightning.inspection.settings import InspectionSettings

LOOKED_FOR = 200_000
"""Most mentions that are searched for in unannotated words (the most frequent ones): a bound on memory."""


class _Entities:
    """The entities of all splits in one row, with the way back to their places."""

    def __init__(self, splits: Splits, numbers: Numbers) -> None:
        self.splits, self.numbers, self.names = splits, numbers, list(numbers)
        self.mention = np.concatenate([gathered.mention for gathered in numbers.values()])
        self.label = np.concatenate([gathered.label for gathered in numbers.values()])
        self.begins = np.concatenate(([0], np.cumsum([len(gathered.mention) for gathered in numbers.values()])))

    def at(self, entity: int) -> tuple[str, Sentence, int]:
        """Find split and sentence of an entity, and which of its entities it is."""
        number = int(np.searchsorted(self.begins, entity, side="right")) - 1
        split = self.names[number]
        sentence, which = self.numbers[split].place_of_entity(entity - int(self.begins[number]))
        return split, self.splits[split][sentence], which

    def words(self, entity: int) -> tuple[str, ...]:
        """Return the words of an entity."""
        _, sentence, which = self.at(entity)
        span = sentence.spans[which]
        return sentence.words[span.start : span.end]


AMBIGUOUS = FindingKind(
    name="ambiguous",
    title="Mentions of several types",
    unit="distinct mentions",
    meaning=(
        "The same words annotated with different types. Some are honest (Washington), some are slips; those whose "
        "rarer types count most are listed first."
    ),
    limit=0.1,
)


def find_ambiguous(splits: Splits, numbers: Numbers, settings: InspectionSettings, joiner: str) -> Finding:
    """Find mentions that are annotated with several types, the most evenly divided and frequent first."""
    entities = _Entities(splits, numbers)
    types = next(iter(numbers.values())).types
    pairs = np.stack([entities.mention, entities.label.astype(np.int64)], axis=1)
    distinct, first, counts = np.unique(pairs, axis=0, return_index=True, return_counts=True)
    mentions, starts, n_types = np.unique(distinct[:, 0], return_index=True, return_counts=True)
    several = np.flatnonzero(n_types > 1)
    rivals = {
        int(m): sorted(range(starts[m], starts[m] + n_types[m]), key=lambda k: (-counts[k], first[k])) for m in several
    }
    # How many would have to change: all but those of the most frequent type.
    order = sorted(rivals, key=lambda m: (-sum(int(counts[k]) for k in rivals[m][1:]), int(first[rivals[m][0]])))
    rows: list[tuple[Cell, ...]] = []
    for m in order[: settings.listed]:
        readings = []
        for k in rivals[m]:
            split, sentence, which = entities.at(int(first[k]))
            readings.append(f"{types[distinct[k, 1]]} {counts[k]}× ({sentence_place(split, sentence)})")
        shown = show_mention(sentence.words, sentence.spans[which], joiner)
        total = sum(int(counts[k]) for k in rivals[m])
        rows.append((shown, total, total - int(counts[rivals[m][0]]), " · ".join(readings)))
    return Finding.of(
        settings,
        AMBIGUOUS,
        (Part("all splits", len(several), len(mentions)),),
        listing=Listing.first(
            settings.listed, ("mention", "times", "in the minority", "types, first places"), rows, len(several)
        ),
    )


UNMARKED = FindingKind(
    name="unmarked",
    title="Mentions that are not annotated elsewhere",
    unit="distinct mentions",
    meaning=(
        "Words annotated at least twice as an entity that also stand outside of every entity: forgotten there, or "
        "words that mean something else (May, Mark)."
    ),
    limit=0.25,
)


def find_unmarked(splits: Splits, numbers: Numbers, settings: InspectionSettings, joiner: str) -> Finding:
    """Find mentions, annotated at least twice, that also occur where nothing is annotated."""
    entities = _Entities(splits, numbers)
    _, first, counts = np.unique(entities.mention, return_index=True, return_counts=True)
    twice = np.flatnonzero(counts > 1)
    looked_for = twice[np.argsort(-counts[twice], kind="stable")][:LOOKED_FOR]
    annotated = {entities.words(int(first[m])): int(counts[m]) for m in looked_for}
    missed, places = _unannotated(splits, annotated)
    order = sorted(missed, key=lambda words: (-min(missed[words], annotated[words]), -annotated[words], words))
    rows: list[tuple[Cell, ...]] = [
        (reveal_invisible(joiner.join(words)), annotated[words], missed[words], places[words])
        for words in order[: settings.listed]
    ]
    return Finding.of(
        settings,
        UNMARKED,
        (Part("all splits", len(missed), len(annotated)),),
        listing=Listing.first(
            settings.listed, ("mention", "annotated", "not annotated", "first place"), rows, len(order)
        ),
    )


def _unannotated(
    splits: Splits, mentions: Mapping[tuple[str, ...], int]
) -> tuple[Counter[tuple[str, ...]], dict[tuple[str, ...], str]]:
    """Count how often mentions occur wholly outside entities (the longest at each word), and where first."""
    lengths: dict[str, set[int]] = {}
    for words in mentions:
        lengths.setdefault(words[0], set()).add(len(words))
    tried = {word: sorted(sizes, reverse=True) for word, sizes in lengths.items()}
    missed: Counter[tuple[str, ...]] = Counter()
    places: dict[tuple[str, ...], str] = {}
    for split, sentences in splits.items():
        for sentence in sentences:
            for start, end in _gaps(sentence):
                i = start
                while i < end:
                    found = _match(sentence.words, i, end, tried.get(sentence.words[i], ()), mentions)
                    if found:
                        missed[found] += 1
                        places.setdefault(found, sentence_place(split, sentence))
                    i += len(found) or 1
    return missed, places


def _match(
    words: tuple[str, ...], start: int, end: int, sizes: Sequence[int], mentions: Mapping[tuple[str, ...], int]
) -> tuple[str, ...]:
    for size in sizes:
        if start + size <= end and (found := words[start : start + size]) in mentions:
            return found
    return ()


def _gaps(sentence: Sentence) -> list[tuple[int, int]]:
    """List the stretches of annotated words between entities."""
    taken = sorted([(s.start, s.end) for s in sentence.spans] + [(i, i + 1) for i in sentence.unknown])
    edges = [0, *(edge for pair in taken for edge in pair), len(sentence.words)]
    return [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end]


UNSEEN = FindingKind(
    name="unseen",
    title="Mentions unseen in training",
    unit="mentions",
    meaning=(
        "Mentions of dev and test whose words are no mention in train. The share says how far a score measures "
        "finding new entities, and how far remembering old ones."
    ),
    limit=1.0,
)


def find_unseen(numbers: Numbers, settings: InspectionSettings) -> Finding:
    """Find mentions of dev and test whose words are no mention in train: memory alone cannot find them."""
    later = [split for split in LATER_SPLITS if split in numbers and len(numbers[split].mention)]
    judged = "train" in numbers and bool(later)
    parts, rows = [], []
    for split in later if judged else ():
        gathered = numbers[split]
        unseen = ~np.isin(gathered.mention, numbers["train"].mention)
        parts.append(Part(split, int(unseen.sum()), len(unseen)))
        rows += _unseen_by_type(split, gathered, unseen)
    rows.sort(key=lambda row: -row[-1])
    return Finding.of(
        settings,
        UNSEEN,
        tuple(parts),
        listing=Listing.first(
            settings.listed, ("type", "split", "mentions", "unseen", "share unseen"), list(rows), len(rows)
        ),
        why_not="" if judged else "needs entities in train and in one of dev and test",
    )


def _unseen_by_type(split: str, gathered: Gathered, unseen: np.ndarray) -> list[tuple[str, str, int, int, float]]:
    size = len(gathered.types)
    totals = np.bincount(gathered.label, minlength=size)
    counts = np.bincount(gathered.label[unseen], minlength=size)
    return [
        (name, split, int(total), int(count), round(int(count) / int(total), 4))
        for name, total, count in zip(gathered.types, totals, counts, strict=True)
        if total
    ]
