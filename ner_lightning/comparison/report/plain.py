"""Everything of a comparison as plain values, for JSON."""

from __future__ import annotations

from dataclasses import asdict
from math import isinf
from typing import Any

from ner_lightning.analysis.changes import Hard, Illegal, Shift
from ner_lightning.analysis.errors import Confusion
from ner_lightning.comparison.comparison import Comparison
from ner_lightning.comparison.overall import Overall
from ner_lightning.comparison.section import Section
from ner_lightning.comparison.why import Account, Diff, Why
from ner_lightning.run.predictions import StoredSentence
from ner_lightning.statistics.paired import Difference
from ner_lightning.statistics.pairs import Pair
from ner_lightning.tagging.spans import EntitySpan

FORMAT = 1


def comparison_record(comparison: Comparison, whys: list[Why]) -> dict[str, Any]:
    """The whole, F1 as fractions.

    Args:
        comparison: of `compare`.
        whys: of each section.
    """
    return {
        "format": FORMAT,
        "settings": asdict(comparison.settings),
        "sections": [_section(section, why) for section, why in zip(comparison.sections, whys, strict=True)],
        "overall": None if comparison.overall is None else _overall(comparison.overall),
        "left_out": [item._asdict() for item in comparison.left_out],
        "notes": comparison.notes,
    }


def _overall(overall: Overall) -> dict[str, Any]:
    return {
        "sets": overall.sets,
        "configurations": [row._asdict() for row in overall.rows],
        "pairs": [_pair(pair) for pair in overall.pairs],
        "corrected": overall.corrected,
        "notes": overall.notes,
    }


def _pair(pair: Pair) -> dict[str, Any]:
    return {
        **pair._asdict(),
        "difference": _difference(pair.difference),
        "each": [_difference(difference) for difference in pair.each],
        "shown": pair.shown,
    }


def _difference(difference: Difference) -> dict[str, Any]:
    df = None if isinf(difference.df) else difference.df  # JSON has no infinity
    return {**asdict(difference), "df": df}


def _section(section: Section, why: Why) -> dict[str, Any]:
    return {
        "name": section.name,
        "varied": section.varied,
        "sentences": section.sentences,
        "entities": section.entities,
        "configurations": [
            {
                "name": row.name,
                "n": row.n,
                "scores": {name: score._asdict() for name, score in row.scores.items()},
                "interval": row.interval,
                **row.costs,
                **{name: getattr(row, name) for name in ("mark", "folds", "fold_sd")},
                "dev": None if row.dev is None else row.dev._asdict(),
                "dev_choice": row.dev_choice,
                "settings": dict(row.settings),
                "runs": [
                    {"name": run.name, "seed": run.config.get("seed"), "scores": dict(run.scores)}
                    for run in section.configurations[row.name].runs
                ],
            }
            for row in section.rows
        ],
        "pairs": [_pair(pair) for pair in section.pairs.pairs],
        "all_pairs": section.pairs.every,
        "corrected": section.pairs.corrected,
        "optimism": section.optimism,
        "why": {
            "accounts": [_account(account) for account in why.accounts],
            "diff": None if why.diff is None else _diff(why.diff),
            "hardest": [_hard(item) for item in why.hardest],
            "notes": why.notes,
        },
    }


def _account(account: Account) -> dict[str, Any]:
    return {
        "configuration": account.name,
        "runs": account.runs,
        "errors": [row._asdict() for row in account.errors],
        "confusion": _confusion(account.confusion),
        "slices": [row._asdict() for row in account.slices],
        "illegal": [_illegal(item) for item in account.illegal],
        "calibration": account.calibration.summary(),
    }


def _confusion(found: Confusion) -> dict[str, Any]:
    return {"types": found.types, "counts": found.counts.tolist(), "hits": found.hits.tolist()}


def _illegal(found: Illegal) -> dict[str, Any]:
    return {**found._asdict(), "moves": [[*move, count] for move, count in found.moves]}


def _diff(diff: Diff) -> dict[str, Any]:
    return {
        "before": diff.before,
        "after": diff.after,
        "runs": diff.runs,
        "totals": dict(zip(("found", "lost", "cleared", "raised"), diff.totals, strict=True)),
        "n_fixed": diff.n_fixed,
        "n_broken": diff.n_broken,
        "fixed": [_shift(shift) for shift in diff.fixed],
        "broken": [_shift(shift) for shift in diff.broken],
    }


def _shift(shift: Shift) -> dict[str, Any]:
    return {
        "id": shift.sentence.id,
        "words": shift.sentence.words,
        "entity": shift.entity,
        "before": shift.before,
        "after": shift.after,
        "instead": shift.instead,
    }


def _hard(item: Hard) -> dict[str, Any]:
    return {
        **item._asdict(),
        "sentence": {"id": item.sentence.id, "words": item.sentence.words, "gold": item.sentence.gold},
    }


def mark_entities(sentence: StoredSentence, *entities: EntitySpan) -> str:
    """Write a sentence with entities in brackets, as the notebooks show it.

    >>> mark_entities(StoredSentence("", "", ("In", "New", "York", "."), (), ()), EntitySpan(1, 3, "LOC"))
    'In [New York LOC] .'
    """
    words = list(sentence.words)
    for start, end, label in entities:
        words[start] = f"[{words[start]}"
        words[end - 1] += f" {label}]"
    return " ".join(words)
