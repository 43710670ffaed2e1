"""Find test sets that share sentences: their mean would count those twice."""

from __future__ import annotations

from collections.abc import Sequence

from ner_lightning.comparison.section import Section

MOST_SHARED = 0.02
"""Share of the smaller set's sentences that may be in both: short sentences occur everywhere, and the variance
of a mean grows by no more than that."""


def leave_out_overlapping(sections: Sequence[Section]) -> tuple[list[Section], list[str]]:
    """Leave out test sets that share sentences with another one, the smaller of two first.

    Returns:
        The remaining sets, in their order, and a sentence about each set left out.
    """
    kept: list[Section] = []
    said = []
    for section in sorted(sections, key=lambda section: -len(section.words)):
        other = next((other for other in kept if overlap_share(section, other) > MOST_SHARED), None)
        if other is None:
            kept.append(section)
        else:
            percent = f"{100 * overlap_share(section, other):.0f} %"
            said.append(
                f"{section.name} is left out of the mean over test sets: {percent} of its sentences are those of "
                f"{other.name}, which would count twice."
            )
    return [section for section in sections if section in kept], said


def overlap_share(one: Section, other: Section) -> float:
    """Compute the share of the smaller set's distinct sentences that the other has, whatever their annotation."""
    fewest = min(len(one.words), len(other.words))
    return len(one.words & other.words) / fewest if fewest else 0.0
