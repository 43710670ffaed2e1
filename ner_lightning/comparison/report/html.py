"""The report: one self-contained HTML page."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from markupsafe import Markup, escape

from ner_lightning.analysis.changes import Hard, Illegal, Shift
from ner_lightning.analysis.error_kinds import ALL, KINDS
from ner_lightning.comparison.columns import PAIRS
from ner_lightning.comparison.comparison import Comparison
from ner_lightning.comparison.overall import Overall
from ner_lightning.comparison.pictures.pictures import Picture, Pictures
from ner_lightning.comparison.report.grid import overall_grid, section_grid
from ner_lightning.comparison.report.prose import OVERALL, overall_notes, power_note, what_was_compared
from ner_lightning.comparison.section import Section
from ner_lightning.comparison.why import HARDEST_OF, Account, Why
from ner_lightning.page.render import render
from ner_lightning.run.predictions import StoredSentence
from ner_lightning.tagging.spans import EntitySpan

TEMPLATE = Path(__file__).with_name("report.html")
LARGEST_SVG = 400_000  # bytes; of larger ones the PNG is smaller and looks the same
MOST_PAIRS = 60  # described in words
PAIR_COLUMNS = [column for column in PAIRS if column.title is not None]
KIND_NAMES = [kind.replace("_", " ") for kind in KINDS]


class Inlined(NamedTuple):
    """A picture as the page contains it."""

    title: str
    source: str


def render_comparison(comparison: Comparison, whys: Sequence[Why], pictures: Pictures) -> str:
    """Render the whole page.

    Args:
        comparison: of `compare`.
        whys: of each section.
        pictures: the pictures that were drawn.
    """
    parts = [
        _section(comparison, section, why, [inline_picture(picture) for picture in drawn])
        for section, why, drawn in zip(comparison.sections, whys, pictures.sections, strict=True)
    ]
    overall = comparison.overall
    return render(
        TEMPLATE,
        split=comparison.settings.split,
        hardest_of=HARDEST_OF,
        level=f"{100 * comparison.settings.level:g} %",
        n_runs=comparison.n_runs,
        n_configurations=len({name for section in comparison.sections for name in section.configurations}),
        overall=None
        if overall is None
        else _overall(overall, [inline_picture(picture) for picture in pictures.overall]),
        sections=parts,
        notes=comparison.notes,
        left_out=[[item.name, item.reason] for item in comparison.left_out],
    )


def inline_picture(picture: Picture) -> Inlined:
    """Turn a picture into a data URI, from the SVG unless it is too large."""
    svg, png = picture.svg, picture.svg.with_suffix(".png")
    file, kind = (svg, "svg+xml") if svg.stat().st_size <= LARGEST_SVG or not png.is_file() else (png, "png")
    return Inlined(picture.title, f"data:image/{kind};base64,{base64.b64encode(file.read_bytes()).decode()}")


def _overall(overall: Overall, pictures: Sequence[Inlined]) -> dict[str, Any]:
    return {
        "title": OVERALL,
        "grid": overall_grid(overall),
        "verdicts": [(pair.shown, pair.sentence) for pair in overall.pairs[:MOST_PAIRS]],
        "notes": overall_notes(overall),
        "pictures": pictures,
    }


def _section(comparison: Comparison, section: Section, why: Why, pictures: Sequence[Inlined]) -> dict[str, Any]:
    best = next((row for row in section.rows if row.mark in ("best", "baseline")), None)
    return {
        "name": section.name,
        "grid": section_grid(comparison, section),
        "best": best,
        "shown": any(pair.shown for pair in section.pairs.pairs),
        "untested": any(row.mark == "untested" for row in section.rows),
        "ties": [row.name for row in section.rows if row.mark == "tie"],
        "about": what_was_compared(section, comparison.settings.split),
        "verdicts": [(pair.shown, pair.sentence) for pair in section.pairs.pairs[:MOST_PAIRS]],
        "pairs": [[column.shown(column.value(pair)) for column in PAIR_COLUMNS] for pair in section.pairs.pairs],
        "pair_columns": [column.title for column in PAIR_COLUMNS],
        "power": power_note(section),
        "pictures": pictures,
        "why": why,
        "kinds": [[account.name, *_rounded(account.errors_by_kind())] for account in why.accounts],
        "kind_names": KIND_NAMES,
        "accounts": [_account(account) for account in why.accounts],
        "illegal": _illegal(why),
        "calibration": _calibration(why),
        "fixed": [] if why.diff is None else _shifts(why.diff.fixed, why.diff.runs),
        "broken": [] if why.diff is None else _shifts(why.diff.broken, why.diff.runs),
        "hardest": [_hard(item, why.hardest_runs) for item in why.hardest],
    }


def _account(account: Account) -> dict[str, Any]:
    found = account.confusion
    return {
        "name": account.name,
        "runs": account.runs,
        "errors": [[name, *_rounded(account.errors_by_kind(name))] for name in (ALL, *found.types[:-1])],
        "error_columns": ["type", *KIND_NAMES],
        "confusion": [[name, *map(int, row)] for name, row in zip(found.types, found.counts, strict=True)],
        "confusion_columns": ["annotated as", *found.types],
        "slices": [
            [
                row.slice,
                row.bin,
                round(row.gold, 1),
                round(100 * row.f1, 1),
                _interval(row.f1_interval),
                None if row.recall is None else round(100 * row.recall, 1),
            ]
            for row in account.slices
        ],
    }


def _interval(interval: tuple[float, float]) -> str:
    return f"{100 * interval[0]:.0f} to {100 * interval[1]:.0f}"


def _rounded(values: Iterable[float], digits: int = 1) -> list[float]:
    return [round(value, digits) for value in values]


def _illegal(why: Why) -> list[list[Any]]:
    rows = []
    for account in why.accounts:
        found = account.illegal
        if any(item.sentences for item in found):
            moves = [f"{one or 'start'} → {two or 'end'} ({count})" for (one, two), count in found[0].moves[:3]]
            means = [_mean(found, name) for name in ("sentences", "steps", "dropped", "right")]
            points = [100 * _mean(found, name) for name in ("strict_f1", "lenient_f1")]
            rows.append([account.name, *_rounded(means), *_rounded(points, 2), ", ".join(moves)])
    return rows


def _mean(found: Sequence[Illegal], name: str) -> float:
    return fmean(getattr(item, name) for item in found)


def _calibration(why: Why) -> list[list[Any]]:
    rows = []
    for account in why.accounts:
        found = account.calibration.summary()
        if found["n"]:
            names = ("mean_probability", "share_correct", "ece", "ece_equal_mass", "brier")
            rows.append(
                [account.name, round(found["n"] / account.runs, 1), *_rounded((found[name] for name in names), 4)]
            )
    return rows


def _shifts(shifts: Sequence[Shift], runs: tuple[int, int]) -> list[list[Any]]:
    return [
        [
            highlight_entities(s.sentence, s.entity),
            s.entity.label,
            _in_words(s.sentence, s.instead),
            f"{s.before} of {runs[0]}",
            f"{s.after} of {runs[1]}",
            s.sentence.id,
        ]
        for s in shifts
    ]


def _in_words(sentence: StoredSentence, spans: Sequence[EntitySpan]) -> str:
    found = [f"{' '.join(sentence.words[start:end])} ({label})" for start, end, label in spans]
    return "; ".join(found) or "nothing"


def _hard(item: Hard, runs: int) -> list[Any]:
    return [
        highlight_entities(item.sentence, *item.sentence.gold),
        f"{item.wrong} of {runs}",
        round(item.misses, 1),
        round(item.false_alarms, 1),
        item.sentence.id,
    ]


def highlight_entities(sentence: StoredSentence, *entities: EntitySpan) -> Markup:
    """Mark entities in a sentence.

    >>> print(highlight_entities(StoredSentence("", "", ("<In", "Oslo"), (), ()), EntitySpan(1, 2, "LOC")))
    &lt;In <mark>Oslo <small>LOC</small></mark>
    """
    words = [escape(word) for word in sentence.words]
    for start, end, label in entities:
        words[start] = Markup("<mark>") + words[start]
        words[end - 1] += Markup(" <small>{}</small></mark>").format(label)
    return Markup(" ").join(words)
