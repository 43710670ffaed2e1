"""Entity scores as a table for people."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytorch_lightning.utilities import rank_zero_only
from rich.table import Table
from rich.text import Text
from seqeval.metrics import classification_report
from seqeval.scheme import IOB2, IOBES, Entities

from ner_lightning.run.log import log_table, show_tables
from ner_lightning.run.metric_keys import is_further, read_key
from ner_lightning.run.predictions import read_stored

log = logging.getLogger(__name__)

SEQEVAL_SCHEMES = {"IOB2": IOB2, "BIOES": IOBES}
_COLUMNS = ("precision", "recall", "f1")


def report_table(scores: Mapping[str, float], title: str | None = None) -> Table:
    """Lay out scores in percent: a row per type, then the averages.

    Args:
        scores: What `entity_scores` returns.
        title: Shown above the table.

    Returns:
        A table for a rich console.

    Example:
        >>> from ner_lightning.metrics.scores import entity_scores
        >>> table = report_table(entity_scores([[1, 2, 1]], [[1, 2, 1]], ["PER"]))
        >>> [[str(cell) for cell in column.cells] for column in table.columns][:2]
        [['PER', 'micro', 'macro', 'micro, lenient'], ['50.00', '50.00', '50.00', '50.00']]
    """
    table = Table(title=title)
    table.add_column("type")
    for heading in ("precision", "recall", "F1", "entities"):
        table.add_column(heading, justify="right")
    types = [score.entity_type for score in map(read_key, scores) if score.name == "f1" and score.entity_type]
    rows = [(name, "{}/" + name, scores[f"support/{name}"]) for name in types]
    averages = [("micro", "{}"), ("macro", "macro_{}"), ("micro, lenient", "lenient_{}")]
    rows += [(name, pattern, scores["support"]) for name, pattern in averages]
    for number, (name, pattern, support) in enumerate(rows, start=1):
        cells = [f"{100 * scores[pattern.replace('{}', column, 1)]:.2f}" for column in _COLUMNS]
        table.add_row(Text(name), *cells, f"{support:.0f}", end_section=number == len(types))
    return table


def source_table(scores: Mapping[str, float], title: str | None = None) -> Table:
    """Lay out the scores of several corpora in percent, a row each.

    Args:
        scores: `news/f1`, `news/precision`, `news/recall` and `news/support` for a corpus called `news`.
        title: Shown above the table.

    Example:
        >>> table = source_table({"news/f1": 0.5, "news/precision": 0.5, "news/recall": 0.5, "news/support": 2.0})
        >>> [[str(cell) for cell in column.cells] for column in table.columns]
        [['news'], ['50.00'], ['50.00'], ['50.00'], ['2']]
    """
    table = Table(title=title)
    table.add_column("source")
    for heading in ("precision", "recall", "F1", "entities"):
        table.add_column(heading, justify="right")
    for name in (score.source for score in map(read_key, scores) if score.name == "support" and score.source):
        cells = [f"{100 * scores[f'{name}/{column}']:.2f}" for column in _COLUMNS]
        table.add_row(Text(name), *cells, f"{scores[f'{name}/support']:.0f}")
    return table


def seqeval_report(predicted: Sequence[Sequence[str]], gold: Sequence[Sequence[str]], scheme: str) -> str:
    """Write seqeval's own strict report, for comparison with other projects.

    Args:
        predicted: Predicted tags of every sentence.
        gold: Gold tags of every sentence.
        scheme: Scheme of the tags: `IOB2` or `BIOES`.

    Returns:
        The text of `seqeval.metrics.classification_report`; one sentence where neither side has an entity.

    Example:
        >>> "micro avg     1.0000    1.0000    1.0000         1" in seqeval_report([["B-PER"]], [["B-PER"]], "IOB2")
        True
    """
    sides = [[list(tags) for tags in side] for side in (gold, predicted)]
    token = SEQEVAL_SCHEMES[scheme]
    if not any(Entities(side, token).unique_tags for side in sides):
        return "No entity in gold or predictions."  # seqeval would take the longest of no names, and raise
    return classification_report(*sides, mode="strict", scheme=token, digits=4, zero_division=0)


@rank_zero_only
def show_scores(scores: Mapping[str, Any], stored: Path | None, split: str, scheme: str) -> None:
    """Show the table of a split and, below it, further metrics; seqeval's report goes only into the log.

    Args:
        scores: of Lightning, `test/f1` and so on.
        stored: predictions of the split; None: there are none, and no report of seqeval.
        split: `dev` or `test`.
        scheme: of the tags given to seqeval.
    """
    prefix = "val/" if split == "dev" else f"{split}/"
    named = {key.removeprefix(prefix): value for key, value in scores.items() if key.startswith(prefix)}
    show_tables(report_table(named, title=f"{split}: entities, strict"))
    if any(score.source and score.name == "support" for score in map(read_key, named)):
        show_tables(source_table(named, title=f"{split}: sources, strict"))
    if further := [f"{key} {float(value):.4g}" for key, value in named.items() if is_further(key)]:
        log.info("%s: %s", split, ", ".join(further))
    if stored is None:
        return
    tags = [(sentence.found_tags(scheme), sentence.gold_tags(scheme)) for sentence in read_stored(stored)]
    report = seqeval_report([found for found, _ in tags], [gold for _, gold in tags], scheme)
    log_table(f"seqeval ({split}, mode=strict, {scheme})\n{report}")
