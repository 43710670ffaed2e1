"""What a person sees at the end: scores by type; and seqeval's own report, in the log."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning.utilities import rank_zero_only

from ner_lightning.metrics.report import report_table, seqeval_report, source_table
from ner_lightning.run.metric_keys import read_key
from ner_lightning.run.predictions import read_stored
from ner_lightning.run.shown import note, show


@rank_zero_only
def show_scores(scores: Mapping[str, Any], stored: Path | None, split: str, scheme: str) -> None:
    """Show the table of a split; what seqeval says of the stored predictions goes into the log alone.

    Args:
        scores: of Lightning, `test/f1` and so on.
        stored: predictions of the split; None: there are none, and seqeval is not asked.
        split: `dev` or `test`.
        scheme: of the tags that seqeval is shown.
    """
    prefix = "val/" if split == "dev" else f"{split}/"
    named = {key.removeprefix(prefix): value for key, value in scores.items() if key.startswith(prefix)}
    show(report_table(named, title=f"{split}: entities, strict"))
    if any(read_key(key).source for key in named):
        show(source_table(named, title=f"{split}: sources, strict"))
    if stored is None:
        return
    tags = [(sentence.found_tags(scheme), sentence.gold_tags(scheme)) for sentence in read_stored(stored)]
    report = seqeval_report([found for found, _ in tags], [gold for _, gold in tags], scheme)
    note(f"seqeval ({split}, mode=strict, {scheme})\n{report}")
