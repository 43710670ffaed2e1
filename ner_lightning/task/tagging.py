"""The LightningModule: what a step computes and what it logs, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import pytorch_lightning as pl
from pytorch_lightning.strategies import ModelParallelStrategy
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from pytorch_lightning.utilities.types import LRSchedulerConfigType, OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer
from torchmetrics import Metric

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


Stage = Literal["val", "test"]


class Evaluated(TypedDict):
    """The result of an evaluation step, as callbacks get it."""

    emissions: Tensor  # float32 [batch, W, tags]
    predicted: Tensor  # int64 [batch, W], 0 in the padding


class TaggingTask(pl.LightningModule):
    """Trains a tagger on sentences that all have the same weight.

    The loss is the sum of the sentences' negative log-likelihoods, divided by `sentences_per_batch`, a constant of the
    run. So a sentence in a short last batch, on another rank or in an accumulated step moves the weights as far as any
    other.

    A task of another kind derives from this one: with another `sentence_losses` it has another loss, in training and in
    validation, with another `training_step` another way to learn. Its own arguments are keys of the node `task`.

    Args:
        model: the network.
        tags: the tags the model was built for.
        scored_tags: the same, followed by the tags of entity types that occur only in evaluation data: the model
            cannot find them, and the metric counts them as missed.
        optim: the optimiser's recipe; None for evaluation.
        sentences_per_batch: nominal sentences of a training batch on one rank; may be set until the first step.
        about: what is stored in the checkpoint to describe it.
        metrics: further metrics by the name under which validation and test log them. Their `update` is given what that
            of `EntityF1` is, and `compute` returns a number, or a dict of numbers that are logged as `name_key`.
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
        metrics: Mapping[str, Metric] | None = None,
    ) -> None:
        super().__init__()
        self.model, self.tags, self.optim = model, tags, optim
        self.sentences_per_batch = sentences_per_batch
        self.about = about or {}
        scored = scored_tags or tags
        self.val_metric, self.test_metric = EntityF1(scored), EntityF1(scored)
        self.val_loss, self.test_loss = MeanLoss(), MeanLoss()
        self.metric_names = tuple(metrics or ())  # a ModuleDict would not take every name
        self.val_metrics = nn.ModuleList((metrics or {}).values())
        self.test_metrics = nn.ModuleList(metric.clone() for metric in (metrics or {}).values())

    def on_train_start(self) -> None:
        """Log at least once per epoch, however few steps it has, unless nothing is to be logged."""
        trainer: Any = self.trainer
        if not trainer.log_every_n_steps:
            return
        steps = trainer.num_training_batches / trainer.accumulate_grad_batches
        trainer.log_every_n_steps = max(1, int(min(trainer.log_every_n_steps, steps)))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Compute the loss of one batch, in nats per sentence."""
        losses = self._checked_losses(self.model(batch), batch)
        loss = (losses * batch.weight).sum() / self.sentences_per_batch
        self.log("train/loss", loss, on_step=True, on_epoch=False, prog_bar=True, batch_size=len(batch.index))
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> Evaluated:
        """Count the entities of one batch."""
        return self._evaluate(batch, "val")

    def test_step(self, batch: Batch, batch_idx: int) -> Evaluated:
        """Count the entities of one batch."""
        return self._evaluate(batch, "test")

    def on_validation_epoch_end(self) -> None:
        """Log the scores of the epoch."""
        self._log_scores("val")

    def on_test_epoch_end(self) -> None:
        """Log the scores of the test."""
        self._log_scores("test")

    def _evaluate(self, batch: Batch, stage: Stage) -> Evaluated:
        emissions = self.model(batch)
        real = batch.mask & (batch.weight > 0)[:, None]
        predicted = self.model.decoder.decode(emissions, batch.mask)
        metrics, mean_loss = self._metrics_of(stage)
        for metric in metrics.values():
            metric.update(predicted, batch.tags, real, batch.unknown)
        mean_loss.update(self._checked_losses(emissions, batch), batch.weight)
        return {"emissions": emissions, "predicted": predicted}

    def _checked_losses(self, emissions: Tensor, batch: Batch) -> Tensor:
        return one_per_sentence(self.sentence_losses(emissions, batch), batch, type(self), "sentence_losses")

    def _metrics_of(self, stage: Stage) -> tuple[dict[str, Any], MeanLoss]:
        """Return the metrics of a stage by name, our own under "", and its mean loss."""
        own, further, mean_loss = (getattr(self, f"{stage}_{kind}") for kind in ("metric", "metrics", "loss"))
        return {"": own, **dict(zip(self.metric_names, further, strict=True))}, mean_loss

    def sentence_losses(self, emissions: Tensor, batch: Batch) -> Tensor:
        """Compute the loss of each sentence: its negative log-likelihood, summed over the tags of unknown words."""
        free, n_tags = batch.unknown, len(self.tags)
        if not self.training and len(self.val_metric.tags) > n_tags:
            foreign = batch.tags >= n_tags  # types the model does not know
            free = foreign if free is None else free | foreign
        decoder = self.model.decoder
        if free is None:
            losses = decoder.loss(emissions, batch.tags, batch.mask)
        else:
            gold = batch.tags.masked_fill(free, 0)
            allowed = functional.one_hot(gold, n_tags).bool() | free.unsqueeze(-1)
            losses = decoder.loss(emissions, gold, batch.mask, allowed)
        return one_per_sentence(losses, batch, type(decoder), "loss")

    def _log_scores(self, stage: Stage) -> None:
        metrics, mean_loss = self._metrics_of(stage)
        self.log(f"{stage}/loss", mean_loss.compute())
        scores = {key: value for name, metric in metrics.items() for key, value in named_scores(name, metric).items()}
        # Lightning would mistake a type called dataloader_idx_0 for a name of its own.
        self.log(f"{stage}/f1", scores.pop("f1"), prog_bar=True, add_dataloader_idx=False)
        self.log_dict({f"{stage}/{name}": value for name, value in scores.items()}, add_dataloader_idx=False)
        for one in (mean_loss, *metrics.values()):
            one.reset()

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


def one_per_sentence(losses: Tensor, batch: Batch, owner: type, method: str) -> Tensor:
    """Return losses of sentences; a scalar would broadcast, and count for as many sentences as the batch has.

    Args:
        losses: what the method returned.
        batch: what it was given.
        owner: the class of the method.
        method: its name.

    Raises:
        UserError: there is not one number for each sentence.
    """
    shape = getattr(losses, "shape", None)
    if shape != batch.weight.shape:
        found = type(losses).__name__ if shape is None else f"the shape {list(shape)}"
        raise UserError(
            f"{owner.__module__}.{owner.__qualname__}.{method} must return one loss for each sentence, of the shape "
            f"[batch] = {list(batch.weight.shape)}; it returned {found}: sum over words only"
        )
    return losses


def named_scores(name: str, metric: Metric) -> dict[str, float]:
    """Return what a metric has computed, under the names by which it is logged.

    Args:
        name: of the metric; with a dict of numbers the beginning of each name. Empty: the keys are names themselves.
        metric: any.

    Raises:
        UserError: it has computed something else.
    """
    value = metric.compute()
    found = value if isinstance(value, Mapping) else {"": value}
    try:
        return {"_".join(part for part in (name, str(key)) if part): float(one) for key, one in found.items()}
    except (TypeError, ValueError, RuntimeError) as error:
        kind = type(metric).__name__
        raise UserError(
            f"task.metrics.{name}: {kind}.compute() returns a number or a dict of numbers ({first_line(error)})"
        ) from error
