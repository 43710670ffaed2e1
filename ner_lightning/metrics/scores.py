"""Precision, recall and F1 from entity counts, computed once after all counts have been summed."""

from __future__ import annotations

from collections.abc import Sequence

Counts = Sequence[Sequence[int]]  # one row per type: correct, predicted, gold


def entity_scores(strict: Counts, lenient: Counts, types: Sequence[str]) -> dict[str, float]:
    """Compute named scores from counts.

    P = c / p, R = c / g, F1 = 2c / (p + g) with c correct, p predicted and g gold entities; a ratio over zero is 0, as
    in seqeval. *Micro* sums the counts over types first. *Macro* is the mean over the types that occur in gold or
    predictions: a type of the tag set that neither side has does not enter as a zero, again as in seqeval.

    Args:
        strict: Counts of the strict reading (seqeval's `mode="strict"`), one row a type.
        lenient: Counts of conlleval's reading (seqeval's default mode), one row a type.
        types: Entity types, in the order of the rows.

    Returns:
        `f1`, `precision`, `recall`: strict, micro. `macro_f1` and so on: strict. `lenient_f1` and so on: lenient,
        micro. `support`: gold entities. For each type, whether it occurs or not, strict `f1/PER`, `precision/PER`,
        `recall/PER`, `support/PER`.

    Example:
        >>> scores = entity_scores([[1, 2, 1], [0, 0, 1]], [[1, 2, 1], [1, 1, 1]], ["LOC", "PER"])
        >>> scores["f1"], scores["macro_precision"], scores["lenient_f1"], scores["support/PER"]
        (0.5, 0.25, 0.8, 1)
    """
    per_type = [_ratios(*row) for row in strict]
    occurring = [ratios for ratios, row in zip(per_type, strict, strict=True) if any(row)]
    scores: dict[str, float] = _named(_ratios(*_total(strict)), "{}")
    scores["support"] = _total(strict)[2]
    scores |= _named([sum(column) / len(occurring) for column in zip(*occurring, strict=True)] or [0.0] * 3, "macro_{}")
    scores |= _named(_ratios(*_total(lenient)), "lenient_{}")
    for name, ratios, row in zip(types, per_type, strict, strict=True):
        scores |= _named(ratios, f"{{}}/{name}") | {f"support/{name}": row[2]}
    return scores


def _ratios(correct: int, predicted: int, gold: int) -> list[float]:
    """Compute F1, precision and recall; 0 where the divisor is."""
    return [_divide(2 * correct, predicted + gold), _divide(correct, predicted), _divide(correct, gold)]


def _divide(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _total(counts: Counts) -> list[int]:
    return [sum(row[i] for row in counts) for i in range(3)]


def _named(ratios: Sequence[float], pattern: str) -> dict[str, float]:
    return {
        pattern.replace("{}", key, 1): ratio for key, ratio in zip(("f1", "precision", "recall"), ratios, strict=True)
    }
