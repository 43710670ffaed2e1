"""What a person sees at the end: scores by type, and seqeval's own report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning.utilities import rank_zero_only
from rich.console import Console

from ner_lightning.callbacks.predictions import tag_sequences
from ner_lightning.metrics.report import report_table, seqeval_report


@rank_zero_only
def show_scores(scores: Mapping[str, Any], predictions: Path, split: str, scheme: str) -> None:
    """Print the table of a split, then what seqeval says of the stored predictions.

    Args:
        scores: of Lightning, `test/f1` and so on.
        predictions: the folder of the stored predictions.
        split: `dev` or `test`.
        scheme: of the tags that seqeval is shown.
    """
    prefix = "val/" if split == "dev" else f"{split}/"
    named = {key.removeprefix(prefix): value for key, value in scores.items() if key.startswith(prefix)}
    console = Console()
    console.print(report_table(named, title=f"{split}: entities, strict"))
    gold, predicted = tag_sequences(predictions / f"{split}.jsonl", scheme)
    console.print(f"seqeval ({split}, mode=strict, {scheme})", highlight=False)
    console.print(seqeval_report(predicted, gold, scheme), highlight=False)
