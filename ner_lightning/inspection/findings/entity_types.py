"""Find entity types that training lacks, that are rare there, or that are spelt alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ner_lightning.inspection.finding import Cell, Finding, FindingKind, Listing, Part
from ner_lightning.inspection.findings.sentences import LATER_SPLITS, Numbers, Splits
from ner_lightning.inspection.report.show import sentence_place

if TYPE_CHECKING:
    from ner_lightning.inspection.settings import InspectionSettings

Counts = Mapping[str, Mapping[str, int]]


def count_types(numbers: Numbers) -> dict[str, dict[str, int]]:
    """Count mentions by type and split, the most frequent type first; 0 if a split has none."""
    found = {split: gathered.type_counts() for split, gathered in numbers.items()}
    totals = {
        name: sum(counts.get(name, 0) for counts in found.values()) for counts in found.values() for name in counts
    }
    names = sorted(totals, key=lambda name: (-totals[name], name))
    return {name: {split: counts.get(name, 0) for split, counts in found.items()} for name in names}


FOREIGN = FindingKind(
    name="foreign",
    title="Types that training lacks",
    unit="mentions",
    meaning=(
        "Mentions in dev or test of types that train does not have: no model can find them, and they count as "
        "missed. A misspelt type looks like this too."
    ),
    limit=0.0,
)


def find_foreign(splits: Splits, numbers: Numbers, settings: InspectionSettings) -> Finding:
    """Find mentions of dev and test whose type train does not have at all."""
    later = [split for split in LATER_SPLITS if split in numbers]
    judged = "train" in numbers and bool(later)
    parts: list[Part] = []
    rows: list[tuple[Cell, ...]] = []
    known = numbers["train"].type_counts() if judged else {}
    for split in later if judged else ():
        gathered = numbers[split]
        foreign = {name: count for name, count in gathered.type_counts().items() if name not in known}
        parts.append(Part(split, sum(foreign.values()), len(gathered.mention)))
        for name, count in foreign.items():
            first = int(np.argmax(gathered.label == gathered.types.index(name)))
            sentence = splits[split][gathered.place_of_entity(first)[0]]
            rows.append((name, split, count, sentence_place(split, sentence)))
    rows.sort(key=lambda row: -int(row[2] or 0))
    return Finding.of(
        settings,
        FOREIGN,
        tuple(parts),
        listing=Listing.first(settings.listed, ("type", "split", "mentions", "first place"), rows, len(rows)),
        why_not="" if judged else "needs train and one of dev and test",
    )


RARE = FindingKind(
    name="rare",
    title="Rare types",
    unit="types of train",
    meaning=(
        "Types with fewer mentions in train than inspection.rare: too few to learn from, and their scores are noise."
    ),
    limit=0.0,
)


def find_rare(counts: Counts, settings: InspectionSettings) -> Finding:
    """Find types with few mentions in train."""
    judged = any("train" in by_split for by_split in counts.values())
    known = {name: by_split for name, by_split in counts.items() if by_split.get("train")}
    rare = sorted((name for name in known if known[name]["train"] < settings.rare), key=lambda n: known[n]["train"])
    rows: list[tuple[Cell, ...]] = [
        (name, known[name]["train"], sum(known[name].values()) - known[name]["train"]) for name in rare
    ]
    return Finding.of(
        settings,
        RARE,
        (Part("train", len(rare), len(known)),) if judged else (),
        listing=Listing.first(settings.listed, ("type", "in train", "elsewhere"), rows, len(rows)),
        why_not="" if judged else "needs entities in train",
    )


ALIKE = FindingKind(
    name="alike",
    title="Types spelt alike",
    unit="types",
    meaning="Types that differ only by case, spaces, hyphens or underscores: most likely one type.",
    limit=0.0,
)


def find_alike(counts: Counts, settings: InspectionSettings) -> Finding:
    """Find types that differ only by case, spaces, hyphens or underscores."""
    groups: dict[str, list[str]] = {}
    for name in counts:
        groups.setdefault(re.sub(r"[\W_]+", "", name).casefold() or name, []).append(name)
    alike = [names for names in groups.values() if len(names) > 1]
    rows: list[tuple[Cell, ...]] = [
        (" · ".join(f"{name} ({sum(counts[name].values()):,})" for name in names),) for names in alike
    ]
    return Finding.of(
        settings,
        ALIKE,
        (Part("all splits", sum(map(len, alike)), len(counts)),),
        listing=Listing.first(settings.listed, ("types (mentions)",), rows, len(rows)),
    )
