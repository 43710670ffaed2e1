"""What was compared and what could be shown, in words, the same on the terminal, on the page and in Markdown."""

from __future__ import annotations

from statistics import median

from ner_lightning.analysis.pairs import Pair
from ner_lightning.comparison.comparison import Comparison
from ner_lightning.comparison.overall import MeanPair, Overall
from ner_lightning.comparison.section import Section

OVERALL = "All test sets together"


def every_pair(comparison: Comparison) -> list[tuple[str, Pair | MeanPair]]:
    """The tests of each section and those over all of them, with where they stand."""
    found: list[tuple[str, Pair | MeanPair]] = [(s.name, pair) for s in comparison.sections for pair in s.pairs.pairs]
    return found + [(OVERALL, pair) for pair in (comparison.overall.pairs if comparison.overall else [])]


def what_was_compared(section: Section, split: str) -> list[str]:
    """Runs, configurations, what varies, on how many sentences."""
    runs = sum(len(configuration.runs) for configuration in section.configurations.values())
    varied = f", which differ in {', '.join(section.varied)}" if section.varied else ""
    lines = [f"{counted(runs, 'run')} of {counted(len(section.rows), 'configuration')}{varied}."]
    if section.sentences:
        lines[0] += f" {section.sentences:,} {split} sentences with {section.entities:,} entities."
    if any(row.interval is not None for row in section.rows):
        several = any(len(configuration.replicates) > 1 for configuration in section.tested)
        over = "seeds alone" if not section.sentences else "sentences and seeds" if several else "sentences alone"
        lines.append(f"Intervals are over {over}.")
    if any(row.mark == "tie" for row in section.rows):
        lines.append("tie: no difference from the best was shown.")
    if any(row.mark == "untested" for row in section.rows):
        lines.append("untested: without predictions on these sentences; an interval there is over seeds alone.")
    return lines


def overall_notes(overall: Overall) -> list[str]:
    """What a mean over test sets is, and which difference it could have shown."""
    found = [100 * pair.detectable for pair in overall.pairs]
    return [
        "Each test set has the same weight. Intervals and tests are for new sentences and seeds of these sets, not for "
        "other sets; p values are corrected for the pairs of this list.",
        f"Power: the smallest true mean difference that such a pair shows four times in five is {_span(found)} F1, "
        "before correction for several pairs.",
    ]


def power_note(section: Section) -> list[str]:
    """The smallest differences that could have been shown, over all pairs of a section."""
    found = [100 * pair.detectable for pair in section.pairs.pairs]
    if not found:
        return []
    seeds = sorted({len(configuration.replicates) for configuration in section.tested})
    lines = [
        f"Power: with {section.sentences:,} sentences and {_range(seeds)} the smallest true difference that such a "
        f"pair shows four times in five is {_span(found)} F1, before correction for several pairs."
    ]
    if any(pair.difference.runs == (1, 1) for pair in section.pairs.pairs):
        lines.append("Pairs of one seed each say nothing of other seeds: their intervals are too narrow for that.")
    return lines


def _span(points: list[float]) -> str:
    low, high = f"{min(points):.1f}", f"{max(points):.1f}"
    return low if low == high else f"{low} to {high} (median {median(points):.1f})"


def _range(seeds: list[int]) -> str:
    return counted(seeds[0], "seed") if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]} seeds"


def counted(n: int, noun: str) -> str:
    """A number of things.

    >>> counted(1, "run"), counted(1200, "run")
    ('1 run', '1,200 runs')
    """
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"
