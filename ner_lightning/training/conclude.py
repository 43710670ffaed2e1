"""The end of a run after its fit: scores, predictions, the result."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ner_lightning.training.build import TrainingRun

log = logging.getLogger(__name__)


def conclude(run: TrainingRun, config: dict[str, Any], resumed: Path | None, started: float) -> dict[str, Any]:
    """Score a run after its fit, and write the result.

    Args:
        run: just fitted.
        config: resolved, plain containers.
        resumed: the checkpoint it was resumed from.
        started: its start, by the monotonic clock.
    """
    from ner_lightning.callbacks.closing import say_goodbye
    from ner_lightning.callbacks.cost import cost_of
    from ner_lightning.callbacks.overview import attention_in_use
    from ner_lightning.callbacks.predictions import stored_predictions
    from ner_lightning.data.corpus.content import contents_of
    from ner_lightning.run.record import write_result
    from ner_lightning.training.setup import setup_of
    from ner_lightning.training.summary import calibrate, draw_run_pictures

    fitted = time.monotonic()
    output = Path(config["paths"]["output_dir"])
    best = score(run, config)
    calibration = calibrate(stored_predictions(run.trainer), output)
    result = {
        "name": config["name"],
        "seed": config["seed"],
        "best": best,
        "calibration": {split: found.summary() for split, found in calibration.items()},
        "epochs": run.trainer.current_epoch,
        "steps": run.trainer.global_step,
        "setup": setup_of(run.trainer, run.data.batch_size),
        "attention": attention_in_use(run.trainer),
        "cost": cost_of(run.trainer),
        "data": contents_of(run.data.sentences),
        "sentences": run.data.sources.sentences(),
        "resumed_from": str(resumed) if resumed else None,
        "seconds": {
            "fit": round(fitted - started, 2),
            "total": round(time.monotonic() - started, 2),
            "cpu": round(time.process_time(), 2),
        },
    }
    if run.trainer.is_global_zero:
        keep_for_comparison(run, output, result["cost"])
    write_result(output, result)
    if run.trainer.is_global_zero:
        draw_run_pictures(calibration, run.task.model.decoder, run.task.tags, output)
        say_goodbye(output, best, run.trainer.global_step)
    return result


def keep_for_comparison(run: TrainingRun, output: Path, cost: Mapping[str, Any] | None) -> None:
    """Write how often each mention occurs in training; log errors, scores by type and costs to W&B."""
    from ner_lightning.analysis.run_tables import make_run_tables
    from ner_lightning.analysis.training_mentions import mention_counts, write_mentions
    from ner_lightning.callbacks.predictions import stored_predictions
    from ner_lightning.logger.wandb_tables import log_to_wandb, logs_to_wandb
    from ner_lightning.run.folder import RunFolder

    if "train" in run.data.sentences:  # not if it is streamed
        write_mentions(RunFolder(output).mentions, mention_counts(run.data.sentences["train"]))
    if logs_to_wandb(run.trainer.loggers):
        tables = make_run_tables(stored_predictions(run.trainer), run.task.tags.scheme)
        log_to_wandb(run.trainer.loggers, tables, cost)


def score(run: TrainingRun, config: dict[str, Any]) -> dict[str, Any]:
    """Score dev and test with the best checkpoint, store the predictions, and print the tables."""
    from ner_lightning.callbacks.averaging import forget_averages
    from ner_lightning.callbacks.checkpoint import best_checkpoint
    from ner_lightning.callbacks.predictions import stored_predictions
    from ner_lightning.metrics.score_tables import show_scores

    forget_averages(run.trainer)
    chooser = best_checkpoint(run.trainer)
    best = chooser.best_model_path or None if chooser else None
    if best is None:
        log.warning("no checkpoint of this run holds its best weights: those of the last step are scored")
    options: dict[str, Any] = {"datamodule": run.data, "ckpt_path": best, "verbose": False, "weights_only": True}
    scores = {"checkpoint": best, **run.trainer.validate(run.task, **options)[0]}
    if chooser and chooser.best_model_score is not None:  # for a metric that only a fit logs
        scores.setdefault(str(chooser.monitor), float(chooser.best_model_score))
    split = "dev"
    if config["test"] and "test" in run.data.sentences and config["trainer"].get("limit_test_batches") != 0:
        scores |= run.trainer.test(run.task, **options)[0]
        split = "test"
    show_scores(scores, stored_predictions(run.trainer).get(split), split, run.task.tags.scheme)
    return scores
