"""What a person sees at the end: scores by type, and seqeval's own report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning.utilities import rank_zero_only

from ner_lightning.data.stored import read_stored
from ner_lightning.metric_keys import read_key
from ner_lightning.metrics.report import report_table, seqeval_report, source_table
from ner_lightning.page import terminal


@rank_zero_only
def show_scores(scores: Mapping[str, Any], stored: Path | None, split: str, scheme: str) -> None:
    """Print the table of a split, then what seqeval says of the stored predictions.

    Args:
        scores: of Lightning, `test/f1` and so on.
        stored: predictions of the split; None: there are none, and seqeval is not asked.
        split: `dev` or `test`.
        scheme: of the tags that seqeval is shown.
    """
    prefix = "val/" if split == "dev" else f"{split}/"
    named = {key.removeprefix(prefix): value for key, value in scores.items() if key.startswith(prefix)}
    console = terminal.console()
    console.print(report_table(named, title=f"{split}: entities, strict"))
    if any(read_key(key).source for key in named):
        console.print(source_table(named, title=f"{split}: sources, strict"))
    if stored is None:
        return
    tags = [(sentence.found_tags(scheme), sentence.gold_tags(scheme)) for sentence in read_stored(stored)]
    console.print(f"seqeval ({split}, mode=strict, {scheme})")
    console.print(seqeval_report([found for found, _ in tags], [gold for _, gold in tags], scheme))
