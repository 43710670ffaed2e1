"""The report as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from markupsafe import Markup

from ner_lightning.data.corpus.division import SPLITS
from ner_lightning.inspection.inspection import Inspection
from ner_lightning.inspection.report.text import lengths_rows
from ner_lightning.page.charts import draw_bars, draw_histogram
from ner_lightning.page.render import render

TEMPLATE = Path(__file__).with_name("report.html")
COLOURS = {split: number for number, split in enumerate(SPLITS)}
MOST_TYPES = 40  # most types that a chart shows

HISTOGRAMS = {
    "words": ("words per sentence", "words"),
    "subwords": ("subwords per sentence", "subwords"),
    "entities": ("entities per sentence", "entities"),
    "words_per_entity": ("words per entity", "words"),
}


def render_inspection(inspection: Inspection) -> str:
    """Render the whole page."""
    return render(
        TEMPLATE,
        inspection=inspection,
        over=[finding for finding in inspection.findings if finding.is_over],
        within=[finding for finding in inspection.findings if finding.count and not finding.is_over],
        nothing=[finding for finding in inspection.findings if finding.parts and not finding.count],
        not_told=[finding for finding in inspection.findings if not finding.parts],
        colours=COLOURS,
        charts=list(_charts(inspection)),
        lengths=_lengths(inspection),
        splits=list(inspection.splits),
    )


def _charts(inspection: Inspection) -> list[tuple[str, list[str], Markup]]:
    """Yield title, series and picture of each chart."""
    splits = list(inspection.splits)
    found = []
    if inspection.types:
        names = list(inspection.types)[:MOST_TYPES]
        mentions = {split: [inspection.types[name][split] for name in names] for split in splits}
        more = len(inspection.types) - len(names)
        title = "Mentions by type" + (f", without the {more:,} rarest" if more else "")
        found.append((title, splits, draw_bars(names, mentions, unit="mentions", colours=COLOURS)))
    if unseen := _unseen(inspection):
        names, series = unseen
        found.append(
            (
                "Mentions unseen in training, by type",
                list(series),
                draw_bars(names, series, percent=True, colours=COLOURS),
            )
        )
    for name, values in inspection.histograms.items():
        title, unit = (_in_units(text, name, inspection.units) for text in HISTOGRAMS[name])
        if values["edges"]:
            window = inspection.encoder and (inspection.encoder["window"], "window")
            mark = window if name == "subwords" and window else None
            picture = draw_histogram(values["edges"], values["shares"], unit=unit, mark=mark, colours=COLOURS)
            found.append((title.capitalize(), list(values["shares"]), picture))
    return found


def _in_units(text: str, name: str, units: str) -> str:
    return text.replace("words", units) if name.startswith("words") else text


def _unseen(inspection: Inspection) -> tuple[list[str], dict[str, list[float]]] | None:
    rows = inspection.finding("unseen").listing.rows
    shares: dict[str, dict[str, float]] = {}
    for name, split, _, _, share in rows:
        shares.setdefault(str(split), {})[str(name)] = float(share or 0)
    names = [name for name in inspection.types if any(name in of_split for of_split in shares.values())][:MOST_TYPES]
    if not names:
        return None
    ordered = {split: [shares[split].get(name, 0.0) for name in names] for split in sorted(shares)}
    return names, ordered


def _lengths(inspection: Inspection) -> list[list[Any]]:
    return [[what, split, *values.values()] for what, split, values in lengths_rows(inspection)]
