"""The LightningModule: what a step computes and what it logs, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

import pytorch_lightning as pl
from pytorch_lightning.strategies import ModelParallelStrategy
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from pytorch_lightning.utilities.types import LRSchedulerConfigType, OptimizerLRSchedulerConfig
from torch import Tensor
from torch.nn import functional
from torch.optim import Optimizer

from ner_lightning.errors import UserError, first_line
from ner_lightning.metrics.entity_f1 import EntityF1
from ner_lightning.metrics.mean_loss import MeanLoss
from ner_lightning.tagging.tagset import TagSet
from ner_lightning.trainer.fsdp2 import clip_by_norm, shard

if TYPE_CHECKING:
    from ner_lightning.data.batches.collate import Batch
    from ner_lightning.model.tagger import TaggingModel
    from ner_lightning.optim.adamw import AdamW

CHECKPOINT_KEY = "ner_lightning"
"""The key under which a checkpoint keeps all that is needed to rebuild the run, in plain containers."""


class Evaluated(TypedDict):
    """The result of an evaluation step, as callbacks get it."""

    emissions: Tensor  # float32 [batch, W, tags]
    predicted: Tensor  # int64 [batch, W], 0 in the padding


class TaggingTask(pl.LightningModule):
    """Trains a tagger on sentences that all have the same weight.

    The loss is the sum of the sentences' negative log-likelihoods, divided by `sentences_per_batch`, a constant of the
    run. So a sentence in a short last batch, on another rank or in an accumulated step moves the weights as far as any
    other.

    Args:
        model: the network.
        tags: the tags the model was built for.
        scored_tags: the same, followed by the tags of entity types that occur only in evaluation data: the model
            cannot find them, and the metric counts them as missed.
        optim: the optimiser's recipe; None for evaluation.
        sentences_per_batch: nominal sentences of a training batch on one rank; may be set until the first step.
        about: what is stored in the checkpoint to describe it.
    """

    def __init__(
        self,
        model: TaggingModel,
        tags: TagSet,
        *,
        scored_tags: TagSet | None = None,
        optim: AdamW | None = None,
        sentences_per_batch: float = 1,
        about: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.model, self.tags, self.optim = model, tags, optim
        self.sentences_per_batch = sentences_per_batch
        self.about = about or {}
        scored = scored_tags or tags
        self.val_metric, self.test_metric = EntityF1(scored), EntityF1(scored)
        self.val_loss, self.test_loss = MeanLoss(), MeanLoss()

    def on_train_start(self) -> None:
        """Log at least once per epoch, however few steps it has, unless nothing is to be logged."""
        trainer: Any = self.trainer
        if not trainer.log_every_n_steps:
            return
        steps = trainer.num_training_batches / trainer.accumulate_grad_batches
        trainer.log_every_n_steps = max(1, int(min(trainer.log_every_n_steps, steps)))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Compute the loss of one batch, in nats per sentence."""
        loss = (self._nll(self.model(batch), batch) * batch.weight).sum() / self.sentences_per_batch
        self.log("train/loss", loss, on_step=True, on_epoch=False, prog_bar=True, batch_size=len(batch.index))
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> Evaluated:
        """Count the entities of one batch."""
        return self._evaluate(batch, self.val_metric, self.val_loss)

    def test_step(self, batch: Batch, batch_idx: int) -> Evaluated:
        """Count the entities of one batch."""
        return self._evaluate(batch, self.test_metric, self.test_loss)

    def on_validation_epoch_end(self) -> None:
        """Log the scores of the epoch."""
        self._log_scores(self.val_metric, self.val_loss, "val")

    def on_test_epoch_end(self) -> None:
        """Log the scores of the test."""
        self._log_scores(self.test_metric, self.test_loss, "test")

    def _evaluate(self, batch: Batch, metric: EntityF1, mean_loss: MeanLoss) -> Evaluated:
        emissions = self.model(batch)
        real = batch.mask & (batch.weight > 0)[:, None]
        predicted = self.model.decoder.decode(emissions, batch.mask)
        metric.update(predicted, batch.tags, real, batch.unknown)
        mean_loss.update(self._nll(emissions, batch), batch.weight)
        return {"emissions": emissions, "predicted": predicted}

    def _nll(self, emissions: Tensor, batch: Batch) -> Tensor:
        """Compute the negative log-likelihood of each sentence, summed over the tags of unknown words."""
        free, n_tags = batch.unknown, len(self.tags)
        if not self.training and len(self.val_metric.tags) > n_tags:
            foreign = batch.tags >= n_tags  # types the model does not know
            free = foreign if free is None else free | foreign
        if free is None:
            return self.model.decoder.loss(emissions, batch.tags, batch.mask)
        gold = batch.tags.masked_fill(free, 0)
        allowed = functional.one_hot(gold, n_tags).bool() | free.unsqueeze(-1)
        return self.model.decoder.loss(emissions, gold, batch.mask, allowed)

    def _log_scores(self, metric: EntityF1, mean_loss: MeanLoss, prefix: str) -> None:
        scores = metric.compute()
        self.log(f"{prefix}/loss", mean_loss.compute())
        mean_loss.reset()
        # Lightning would mistake a type called dataloader_idx_0 for a name of its own.
        self.log(f"{prefix}/f1", scores.pop("f1"), prog_bar=True, add_dataloader_idx=False)
        self.log_dict({f"{prefix}/{name}": float(value) for name, value in scores.items()}, add_dataloader_idx=False)
        metric.reset()

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Build the optimiser, and its schedule over the real number of steps."""
        if self.optim is None:
            raise RuntimeError("this task was built for evaluation: it has no optimiser")
        optimizer, scheduler = self.optim.build(self.model, self._steps())
        return OptimizerLRSchedulerConfig(
            optimizer=optimizer, lr_scheduler=LRSchedulerConfigType(scheduler=scheduler, interval="step")
        )

    def _steps(self) -> int:
        """Count the optimiser steps of the run; this is where the training data are asked for their batches."""
        try:
            return int(self.trainer.estimated_stepping_batches)
        except UserError:  # of the data, whose message is complete
            raise
        except (MisconfigurationException, ValueError, OverflowError) as error:  # of options that the data do not fit
            interval = getattr(self.trainer, "val_check_interval", None)
            if "val_check_interval" not in str(error) or not isinstance(interval, int):
                raise UserError(f"trainer: {first_line(error)}") from error
            raise UserError(
                f"trainer.val_check_interval={interval}: an epoch has fewer batches; give a smaller number, a share of "
                "an epoch such as 0.5, or +trainer.check_val_every_n_epoch=null to count batches over epochs"
            ) from error

    def configure_model(self) -> None:
        """Shard the encoder if the strategy does so; called before every stage."""
        if isinstance(self.trainer.strategy, ModelParallelStrategy):
            assert self.device_mesh is not None
            shard(self.model, self.device_mesh["data_parallel"])

    def configure_gradient_clipping(
        self,
        optimizer: Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip as the Trainer is told, by the norm over all shards."""
        by_norm = gradient_clip_algorithm in (None, "norm") and isinstance(self.trainer.strategy, ModelParallelStrategy)
        if gradient_clip_val and by_norm:
            clip_by_norm([p for group in optimizer.param_groups for p in group["params"]], gradient_clip_val)
        else:
            super().configure_gradient_clipping(optimizer, gradient_clip_val, gradient_clip_algorithm)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store what rebuilds this model in a fresh process."""
        checkpoint[CHECKPOINT_KEY] = self.about
