"""The report as tables on a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ner_lightning.inspection.finding import Finding
from ner_lightning.inspection.inspection import Inspection
from ner_lightning.page.render import format_number, format_percent
from ner_lightning.page.terminal import escape_line

SHOWN = 3  # rows shown of each finding beyond its limit
LENGTHS = {
    "words": "words per sentence",
    "subwords": "subwords per sentence",
    "entities": "entities per sentence",
    "words_per_entity": "words per entity",
}
NUMBERS = {
    *("sentences", "words", "subwords", "entities", "types", "documents", "train", "dev", "test"),
    *("min", "mean", "p50", "p90", "p95", "p99", "max", "count", "of", "share", "limit", "times", "in the minority"),
    *("annotated", "not annotated", "mentions", "unseen", "share unseen", "in train", "elsewhere"),
}
"""Columns of numbers."""

FERTILITY = {
    "fertility": "subwords per word",
    "fertility_in_entities": "in entities",
}


def show_inspection(inspection: Inspection, console: Console) -> None:
    """Print counts, types, lengths and findings; of those beyond their limit, the first places."""
    console.print(Text(f"data: {escape_line(inspection.data)}"), soft_wrap=True)
    console.print(counts_table(inspection))
    console.print(lengths_table(inspection))
    if inspection.types:
        console.print(types_table(inspection))
    console.print(findings_table(inspection))
    for finding in inspection.findings:
        if finding.is_over and finding.listing.rows:
            console.print(places_table(finding))
    for note in inspection.notes:
        console.print(Text(escape_line(note)))


def counts_table(inspection: Inspection) -> Table:
    """Lay out one row per split: sentences, words, entities, types, documents, tag scheme."""
    columns = ("sentences", "words", "entities", "types", "documents", "scheme")
    table = _table("counts", "split", *columns)
    for split, facts in inspection.splits.items():
        cells = [facts[name] for name in columns[:-1]]
        table.add_row(split, *map(format_number, cells), facts["scheme"] or "spans")
        for source, counts in inspection.sources.get(split, {}).items():
            table.add_row(f"  {source}", *(format_number(counts.get(name)) for name in columns[:-1]), "")
    return table


def lengths_rows(inspection: Inspection) -> Iterator[tuple[str, str, dict[str, float]]]:
    """Yield quantity, split, and minimum, mean, percentiles and maximum."""
    for name, what in LENGTHS.items():
        title = what.replace("words", inspection.units) if name.startswith("words") else what
        for split, facts in inspection.splits.items():
            if (values := facts["lengths"][name]) is not None:
                yield title, split, values


def lengths_table(inspection: Inspection) -> Table:
    """Lay out percentiles of words, subwords and entities per sentence and of words per entity."""
    rows = list(lengths_rows(inspection))
    encoder = inspection.encoder
    title = f"lengths (encoder: {encoder['name']}, window {encoder['window']} subwords)" if encoder else "lengths"
    table = _table(title, "what", "split", *(rows[0][2] if rows else ()))
    for what, split, values in rows:
        table.add_row(what, split, *map(format_number, values.values()))
    for name, what in FERTILITY.items() if encoder else ():
        for split, facts in inspection.splits.items():
            table.add_row(what, split, "", format_number(facts["encoder"][name]))
    return table


def types_table(inspection: Inspection) -> Table:
    """Lay out the mentions of each type by split."""
    table = _table("mentions by type", "type", *inspection.splits)
    for name, counts in inspection.types.items():
        table.add_row(name, *map(format_number, counts.values()))
    return table


def findings_table(inspection: Inspection) -> Table:
    """Lay out the findings: counts by part, shares, limit, and a mark beyond it; those without counts below."""
    table = _table("findings", "finding", "in", "count", "of", "share", "limit", "")
    for finding in sorted(inspection.findings, key=lambda finding: not finding.is_over):
        names: list[str | Text] = [finding.name, Text(f"({finding.kind.unit})", "dim")]
        for part in finding.parts if finding.count else ():
            mark = Text("over", "bold red") if part.share > finding.limit else ""
            counts = (
                format_number(part.count),
                format_number(part.total),
                format_percent(part.share),
                format_percent(finding.limit),
            )
            table.add_row(names.pop(0) if names else "", part.name, *counts, mark)
        if finding.count and names:
            table.add_row(names[0])
    none = [finding.name for finding in inspection.findings if finding.parts and not finding.count]
    not_told: dict[str, list[str]] = {}
    for finding in inspection.findings:
        if not finding.parts:
            not_told.setdefault(finding.why_not, []).append(finding.name)
    said = [f"none: {', '.join(none)}"] if none else []
    said += [f"not told: {', '.join(names)} ({why_not})" for why_not, names in not_told.items()]
    table.caption = Text("\n".join(said), "dim")
    return table


def places_table(finding: Finding) -> Table:
    """Lay out the first places of a finding."""
    rows, beyond = finding.listing.rows[:SHOWN], finding.listing.unlisted + len(finding.listing.rows) - SHOWN
    table = _table(f"{finding.name}: {finding.kind.title.lower()}", *finding.listing.columns)
    for row in rows:
        table.add_row(*(Text(cell if isinstance(cell, str) else format_number(cell)) for cell in row))
    if beyond > 0:
        table.caption = f"and {beyond:,} more: html=FILE or output=FILE lists them"
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", caption_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in columns:
        is_number = column in NUMBERS
        whole = is_number or "place" in column.split() or column in ("finding", "in", "")
        table.add_column(column, justify="right" if is_number else "left", overflow="fold", no_wrap=whole)
    return table
