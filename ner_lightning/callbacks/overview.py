"""What a person should see before and after a fit: data, parameter groups, and whether the CRF moved."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
from rich.table import Table
from torch import nn

from ner_lightning.optim.groups import group_table
from ner_lightning.page.wording import format_count
from ner_lightning.run.log import show_tables
from ner_lightning.vendors.lightning import data_of

if TYPE_CHECKING:
    from ner_lightning.data.datamodule import CorpusDataModule
    from ner_lightning.data.read_report import ReadReport
    from ner_lightning.task.tagging import TaggingTask

DECIDED = ("repaired", "misaligned", "left out")

log = logging.getLogger(__name__)


class Overview(pl.Callback):
    """Shows the data and the optimiser's groups before a fit, and after it how far the CRF moved.

    Args:
        still: mean movement of the transitions, in nats, below which a warning says that the CRF has learned nothing.
    """

    def __init__(self, still: float = 0.01) -> None:
        self.still = still

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show the data and the groups."""
        if trainer.is_global_zero:
            data = data_of(trainer)
            log.info("data: %s", data.folder)  # a title would be wrapped to the width of its table
            show_tables(data_table(data), optimiser_table(trainer.optimizers[0].param_groups, pl_module))
            each = f" in each of {trainer.world_size} processes" if trainer.world_size > 1 else ""
            log.info("batches: %s, of %s%s", data.batching, format_count(data.batch_size, "sentence"), each)
            log.info("attention: %s", attention_in_use(trainer))

    def on_fit_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Log how far the decoder moved, and warn if it did not."""
        if not trainer.is_global_zero:
            return
        task: TaggingTask = pl_module
        kind, moved = type(task.model.decoder).__name__, task.model.decoder.movement()
        for name, distance in moved.items():
            log.info("%s %s moved by %.3f nats on average, %.3f at most", kind, name, *distance)
        if "transitions" in moved and moved["transitions"].mean < self.still:
            log.warning(
                "The %s's transitions have hardly moved (%.4f nats): it decides nothing yet; try optim.crf_lr=%g",
                *(kind, moved["transitions"].mean, 10 * _crf_rate(trainer.optimizers[0].param_groups)),
            )


def _crf_rate(groups: list[dict[str, Any]]) -> float:
    """Return the peak rate of the transitions; of all parameters if the optimiser has no group called `crf`."""
    rates = {str(group.get("name")): float(group.get("initial_lr", group["lr"])) for group in groups}
    return rates.get("crf", max(rates.values()))


def data_table(data: CorpusDataModule) -> Table:
    """Lay out sentences, words and entities of each split, and any decisions its reader had to make."""
    table = Table(title="data")
    sources = data.sources.counts() if data.sources.names else {}
    rows = {split: _counts(report) for split, report in data.reports.items()}
    always = ("sentences", "words", "entities", "types")
    shown = [name for name in next(iter(rows.values())) if name in always or any(row[name] for row in rows.values())]
    for column in ("split", *shown, "scheme"):
        table.add_column(column, justify="left" if column in ("split", "scheme") else "right")
    for split, row in rows.items():
        table.add_row(split, *(f"{row[name]:,}" for name in shown), data.reports[split].scheme or "spans")
        for source, counts in sources.get(split, {}).items():
            table.add_row(f"  {source}", *(f"{counts[name]:,}" if name in counts else "" for name in shown), "")
    if not data.sources.are_files and (files := _files(data)):
        table.caption = files
    return table


def _files(data: CorpusDataModule) -> str:
    """List the files that splits were made of, with those decisions of their readers that belong to no split."""
    told = []
    for name, report in data.sources.files().items():
        decided = {what: count for what, count in _counts(report).items() if what in DECIDED and count}
        told.append(" ".join([name, f"({report.sentences:,})", *(f"{what} {n:,}" for what, n in decided.items())]))
    return f"of {', '.join(told)}" if told else ""


def _counts(report: ReadReport) -> dict[str, int]:
    return {
        "sentences": report.sentences,
        "words": report.words,
        "entities": report.entities,
        "types": len(report.types),
        "repaired": report.repaired,
        "misaligned": report.misaligned,
        "left out": report.overlapping + report.nested + report.rejected + report.empty_sentences,
        "unknown": report.unknown_words,
    }


def attention_in_use(trainer: pl.Trainer) -> str:
    """Describe how a run computes attention."""
    task: TaggingTask = trainer.lightning_module  # type: ignore[assignment]
    data = data_of(trainer)
    half_on_gpu = trainer.strategy.root_device.type == "cuda" and "32" not in str(trainer.precision)
    return task.model.encoder.attention_in_use(packed=data.packs, half_on_gpu=half_on_gpu)


def optimiser_table(groups: list[dict[str, Any]], model: nn.Module) -> Table:
    """Lay out the parameter groups: tensors, parameters, rate, weight decay; below them frozen parameters, if any."""
    table = Table(title="optimiser")
    for column in ("group", "tensors", "parameters", "rate", "weight decay"):
        table.add_column(column, justify="left" if column == "group" else "right")
    for row in group_table(groups):
        table.add_row(row.name, f"{row.tensors}", f"{row.parameters:,}", f"{row.lr:g}", f"{row.weight_decay:g}")
    if frozen := [parameter for parameter in model.parameters() if not parameter.requires_grad]:
        table.add_row("frozen", f"{len(frozen)}", f"{sum(p.numel() for p in frozen):,}", "–", "–")
    return table
