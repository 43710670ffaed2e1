"""Describe what was compared and what could be shown, in the same words on terminal, page and in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from ner_lightning.comparison.comparison import Comparison
from ner_lightning.comparison.overall import Overall
from ner_lightning.comparison.section import Section
from ner_lightning.comparison.vary import difference_text
from ner_lightning.page.wording import format_count, list_first
from ner_lightning.statistics.pairs import FEWEST_SEEDS, Pair

MOST_FREEDOM = 999.0  # more make no visible difference
MOST_DIFFERENT = 8
OVERALL = "All test sets together"


def every_pair(comparison: Comparison) -> list[tuple[str, Pair]]:
    """List the tests of each section and those over all sections, each with its section's name."""
    found = [(section.name, pair) for section in comparison.sections for pair in section.pairs.pairs]
    return found + [(OVERALL, pair) for pair in (comparison.overall.pairs if comparison.overall else [])]


def what_was_compared(section: Section, split: str) -> list[str]:
    """Describe runs, configurations, what varies, and the number of sentences."""
    runs = sum(len(configuration.runs) for configuration in section.configurations.values())
    keys = section.varied.keys
    varied = f", which differ in {', '.join(keys)}" if keys else ""
    lines = [f"{format_count(runs, 'run')} of {format_count(len(section.rows), 'configuration')}{varied}."]
    if section.sentences:
        lines[0] += f" {section.sentences:,} {split} sentences with {section.entities:,} entities."
    marks = {row.mark for row in section.rows}
    lines += _also_different(section) + _intervals(section)
    if "tie" in marks:
        than = "baseline" if "baseline" in marks else "best"
        lines.append(f"tie: no difference from the {than} was shown.")
    if "untested" in marks:
        lines.append("untested: without predictions on these sentences; an interval there is over seeds alone.")
    return lines + choice_note(section, split)


def _also_different(section: Section) -> list[str]:
    """Name settings that differ besides those that name the configurations."""
    also = [difference_text(key, values) for key, values in section.varied.also.items()]
    return [f"Also different: {list_first(also, MOST_DIFFERENT)}."] if also else []


def _intervals(section: Section) -> list[str]:
    """Say whether the intervals of the table are over sentences, seeds, or both."""
    seeds = {len(section.configurations[row.name].replicates) for row in section.rows if row.interval is not None}
    if not seeds:
        return []
    if seeds == {0}:
        return ["Intervals are over seeds alone."]
    if max(seeds) == 1:
        return ["Intervals are over sentences alone."]
    single = "; those of a single seed over sentences alone" if 1 in seeds else ""
    return [f"Intervals are over sentences and seeds{single}."]


def choice_note(section: Section, split: str) -> list[str]:
    """Say what it costs to choose the best by the compared scores, and what the development set would choose."""
    best, chosen = next((row for row in section.rows if row.mark == "best"), None), section.dev_choice
    lines = []
    if section.optimism is not None and section.contest is not None:
        lines.append(
            f"Chosen on {split}, the best of {len(section.contest.names)} has about {100 * section.optimism:.1f} F1 "
            "too much, for having been chosen by these scores."
        )
    if chosen is not None and best is not None:
        apart = 100 * (best.f1 - chosen.f1)
        less = "the same one" if chosen is best else f"{apart:.1f} F1 less on {split}"
        lines.append(f"By dev F1 it would be {chosen.name} ({less}): no score on {split} has favoured that choice.")
    return lines


def overall_notes(overall: Overall) -> list[str]:
    """Explain what a mean over test sets is, and which difference it could have shown."""
    return [
        "Each test set has the same weight. Intervals and tests are for new sentences and seeds of these sets, not for "
        f"other sets; they hold for all {overall.corrected:,} pairs of the page together.",
        *_power(overall.pairs, "mean difference", ""),
        *overall.notes,
    ]


def power_note(section: Section) -> list[str]:
    """Give the smallest differences that could have been shown, over all pairs of a section."""
    if not section.pairs.pairs:
        return []
    seeds = sorted({len(configuration.replicates) for configuration in section.tested})
    lines = _power(
        section.pairs.pairs, "difference", f"with {format_count(section.sentences, 'sentence')} and {_range(seeds)} "
    )
    fewest = min(min(pair.difference.runs) for pair in section.pairs.pairs)
    if fewest == 1:
        lines.append("Pairs with a single seed say little or nothing of other seeds: their intervals are too narrow.")
    elif fewest < FEWEST_SEEDS:
        lines.append(
            "Two seeds hardly tell how much seeds matter: intervals are wide for that, and other seeds may say "
            "otherwise."
        )
    return lines


def _power(pairs: Sequence[Pair], what: str, where: str) -> list[str]:
    """Describe power for the pairs with enough seeds, corrected as their p values are."""
    known = [pair for pair in pairs if pair.detectable is not None]
    if not known:
        return []
    errors = _span([100 * pair.difference.standard_error for pair in known])
    freedom = sorted({min(pair.difference.df, MOST_FREEDOM) for pair in known})
    df = f"{freedom[0]:,.0f}" if freedom[0] == freedom[-1] else f"{freedom[0]:,.0f} to {freedom[-1]:,.0f}"
    found = _span([100 * pair.detectable for pair in known if pair.detectable is not None])
    return [
        f"Power: {where}the smallest true {what} that such a pair shows four times in five, corrected as its p value, "
        f"is {found} F1 (standard error {errors}, degrees of freedom {df})."
    ]


def _span(points: list[float]) -> str:
    low, high = f"{min(points):.1f}", f"{max(points):.1f}"
    return low if low == high else f"{low} to {high} (median {median(points):.1f})"


def _range(seeds: list[int]) -> str:
    return format_count(seeds[0], "seed") if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]} seeds"
