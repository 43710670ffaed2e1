"""Scores of each source of the data, in addition to those of all together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
import torch

from ner_lightning.metrics.entity_f1 import EntityF1
from ner_lightning.run.metric_keys import OF_TYPES
from ner_lightning.vendors.lightning import data_of

if TYPE_CHECKING:
    from ner_lightning.data.batches.collate import Batch
    from ner_lightning.tagging.tagset import TagSet
    from ner_lightning.task.tagging import Evaluated


class SourceScores(pl.Callback):
    """Logs `val/<source>/f1` and `test/<source>/f1`, and precision, recall and gold entities; strict, micro.

    Args:
        tags: the tags that are scored, the same as for the whole.
    """

    def __init__(self, tags: TagSet) -> None:
        self.tags = tags
        self._metrics: dict[str, EntityF1] = {}

    def on_validation_batch_end(
        self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Count the entities of one batch."""
        self._count(trainer, "dev", outputs, batch)

    def on_test_batch_end(
        self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Count the entities of one batch."""
        self._count(trainer, "test", outputs, batch)

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Log the scores of the epoch."""
        self._log(trainer, pl_module, "val", "dev")

    def on_test_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Log the scores of the test."""
        self._log(trainer, pl_module, "test", "test")

    def _count(self, trainer: pl.Trainer, split: str, outputs: Evaluated, batch: Batch) -> None:
        predicted, device = outputs["predicted"], outputs["predicted"].device
        data = data_of(trainer)
        sources = data.sources.names_of(split, batch.index)
        real = batch.mask & (batch.weight > 0)[:, None]
        for name in dict.fromkeys(sources):
            own = torch.tensor([source == name for source in sources]).to(device, non_blocking=True)
            self._metric(name, device).update(predicted, batch.tags, real & own[:, None], batch.unknown)

    def _log(self, trainer: pl.Trainer, pl_module: pl.LightningModule, prefix: str, split: str) -> None:
        data = data_of(trainer)
        for name in data.sources.extents[split]:  # the same on all ranks, since scores are summed over them
            metric = self._metric(name, pl_module.device)
            scores = metric.compute()
            pl_module.log_dict({f"{prefix}/{name}/{key}": float(scores[key]) for key in OF_TYPES})
            metric.reset()

    def _metric(self, name: str, device: torch.device) -> EntityF1:
        if name not in self._metrics:
            self._metrics[name] = EntityF1(self.tags)
        return self._metrics[name].to(device)
