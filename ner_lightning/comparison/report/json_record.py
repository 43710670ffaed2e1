"""A whole comparison as plain values, for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from ner_lightning.analysis.calibration import Calibration
from ner_lightning.analysis.changes import Illegal, Shift
from ner_lightning.comparison.comparison import Comparison
from ner_lightning.comparison.section import Section
from ner_lightning.comparison.why import Account, Why
from ner_lightning.run.predictions import StoredSentence
from ner_lightning.statistics.pairs import Pair
from ner_lightning.tagging.spans import EntitySpan

FORMAT = 1


def comparison_record(comparison: Comparison, whys: list[Why]) -> dict[str, Any]:
    """Convert the whole comparison, with F1 as fractions.

    Args:
        comparison: of `compare_runs`.
        whys: of each section.
    """
    overall = comparison.overall
    record = {
        "format": FORMAT,
        "settings": comparison.settings,
        "sections": [_section(section, why) for section, why in zip(comparison.sections, whys, strict=True)],
        "overall": None if overall is None else {
            "sets": overall.sets,
            "configurations": overall.rows,
            "pairs": overall.pairs,
            "corrected": overall.corrected,
            "notes": overall.notes,
        },
        "left_out": comparison.left_out,
        "notes": comparison.notes,
    }  # fmt: skip
    return {key: plain_value(value) for key, value in record.items()}


def _section(section: Section, why: Why) -> dict[str, Any]:
    return {
        "name": section.name,
        "varied": section.varied.keys,
        "also_different": section.varied.also,
        "sentences": section.sentences,
        "entities": section.entities,
        "configurations": [
            {
                **{name: getattr(row, name) for name in ("name", "n", "scores", "interval")},
                **row.costs,
                **{name: getattr(row, name) for name in ("mark", "folds", "fold_sd", "dev", "dev_choice", "settings")},
                "runs": [
                    {"name": run.name, "seed": run.config.get("seed"), "scores": run.scores}
                    for run in section.configurations[row.name].runs
                ],
            }
            for row in section.rows
        ],
        "pairs": section.pairs.pairs,
        "all_pairs": section.pairs.every,
        "corrected": section.pairs.corrected,
        "optimism": section.optimism,
        "why": {name: getattr(why, name) for name in ("accounts", "diff", "hardest", "notes")},
    }


def plain_value(value: Any) -> Any:
    """Turn whatever a comparison is made of into containers, texts and numbers; what has fields becomes a mapping.

    >>> plain_value(StoredSentence("1", "", ("Oslo",), (EntitySpan(0, 1, "LOC"),), ()))
    {'id': '1', 'words': ['Oslo'], 'gold': [[0, 1, 'LOC']]}
    """
    match value:
        case EntitySpan():
            return list(value)
        case StoredSentence():
            value = {"id": value.id, "words": value.words, "gold": value.gold}
        case Shift():
            value = {"id": value.sentence.id, "words": value.sentence.words, **_fields(value)}
            del value["sentence"]
        case Pair():
            value = {**_fields(value), "shown": value.shown}
        case Illegal():
            value = {**_fields(value), "moves": [[*move, count] for move, count in value.moves]}
        case Account():
            value = {"configuration" if name == "name" else name: item for name, item in _fields(value).items()}
        case Calibration():
            value = value.summary()
        case np.ndarray():
            value = value.tolist()
        case _ if is_dataclass(value) or hasattr(value, "_asdict"):
            value = _fields(value)
    if isinstance(value, Mapping):
        return {key: plain_value(item) for key, item in value.items()}
    return [plain_value(item) for item in value] if isinstance(value, list | tuple) else value


def _fields(value: Any) -> dict[str, Any]:
    names = value._fields if hasattr(value, "_fields") else [field.name for field in fields(value)]
    return {name: getattr(value, name) for name in names}
