"""Train a tagger, test its best weights, record the run: `python -m ner_lightning.train +experiment=crf`."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ner_lightning.command_line.door import door
from ner_lightning.errors import Pruned
from ner_lightning.run.child_process import is_child
from ner_lightning.run.folder import check_free, writing_run

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from ner_lightning.training.build import Run

log = logging.getLogger(__name__)


@door("train")
def main(cfg: DictConfig) -> float:
    """Run one training; returns the best value of the monitored metric."""
    from hydra.core.hydra_config import HydraConfig

    return train(cfg, list(HydraConfig.get().overrides.task))["best"][cfg.monitor]


def train(cfg: DictConfig, overrides: list[str] | None = None) -> dict[str, Any]:
    """Fit, then score dev and test with the best weights and write the run folder, alone in it.

    Args:
        cfg: composed from `conf/train.yaml`.
        overrides: as typed, for the record.

    Returns:
        What `result.json` holds.
    """
    if not is_child():
        check_free(cfg.paths.output_dir, force=cfg.get("force", False), continues=cfg.ckpt_path)
    with writing_run(cfg.paths.output_dir):
        return _train(cfg, overrides or [])


def _train(cfg: DictConfig, overrides: list[str]) -> dict[str, Any]:
    from ner_lightning.config.objects import plain
    from ner_lightning.logger.wandb import finish
    from ner_lightning.run.record import write_run
    from ner_lightning.trainer.effective_batch import held
    from ner_lightning.trainer.hardware import check_hardware, with_devices_of_here
    from ner_lightning.training.build import build, check_resumption, resume_from

    started = time.monotonic()
    asked = plain(cfg)
    check_hardware(asked["trainer"])
    config = held(with_devices_of_here(asked))
    resumed = resume_from(config)
    write_run(config["paths"]["output_dir"], config, overrides)
    run = build(config)
    failed, pruned = True, False
    try:
        if resumed:
            check_resumption(resumed, run.task, force=config.get("force", False))
        run.trainer.fit(run.task, datamodule=run.data, ckpt_path=resumed, weights_only=True)
        result = conclude(run, config, resumed, started)
        failed = False
    except Pruned:
        pruned = True
        raise
    finally:
        finish(run.trainer.loggers, failed, pruned)
    return result


def conclude(run: Run, config: dict[str, Any], resumed: Path | None, started: float) -> dict[str, Any]:
    """Score a run after its fit, and write what came out.

    Args:
        run: just fitted.
        config: resolved, plain containers.
        resumed: the checkpoint it went on from.
        started: when, by the monotonic clock.
    """
    from ner_lightning.callbacks.closing import say_goodbye
    from ner_lightning.callbacks.cost import cost_of
    from ner_lightning.callbacks.overview import attention_in_use
    from ner_lightning.callbacks.predictions import stored_predictions
    from ner_lightning.data.corpus.content import contents_of
    from ner_lightning.run.record import write_result
    from ner_lightning.training.setup import setup_of
    from ner_lightning.training.summary import calibrate, draw

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
        draw(calibration, run.task.model.decoder, run.task.tags, output)
        say_goodbye(output, best, run.trainer.global_step)
    return result


def keep_for_comparison(run: Run, output: Path, cost: Mapping[str, Any] | None) -> None:
    """Write how often each mention stands in the training data; log errors, scores by type and costs to W&B."""
    from ner_lightning.analysis.run_tables import tables_of
    from ner_lightning.analysis.training_mentions import mention_counts, write_mentions
    from ner_lightning.callbacks.predictions import stored_predictions
    from ner_lightning.logger.wandb_tables import log_to_wandb, logs_to_wandb
    from ner_lightning.run.folder import MENTIONS

    if "train" in run.data.sentences:  # not where it is streamed
        write_mentions(output / MENTIONS, mention_counts(run.data.sentences["train"]))
    if logs_to_wandb(run.trainer.loggers):
        tables = tables_of(stored_predictions(run.trainer), run.task.tags.scheme)
        log_to_wandb(run.trainer.loggers, tables, cost)


def score(run: Run, config: dict[str, Any]) -> dict[str, Any]:
    """Dev and test scores of the best checkpoint; stores the predictions, prints the tables."""
    from ner_lightning.callbacks.checkpoint import best_checkpoint
    from ner_lightning.callbacks.predictions import stored_predictions
    from ner_lightning.callbacks.report import show_scores

    chooser = best_checkpoint(run.trainer)
    best = chooser.best_model_path or None if chooser else None
    if best is None:
        log.warning("no checkpoint of this run holds its best weights: those of the last step are scored")
    options: dict[str, Any] = {"datamodule": run.data, "ckpt_path": best, "verbose": False, "weights_only": True}
    scores = {"checkpoint": best, **run.trainer.validate(run.task, **options)[0]}
    split = "dev"
    if config["test"] and "test" in run.data.sentences and config["trainer"].get("limit_test_batches") != 0:
        scores |= run.trainer.test(run.task, **options)[0]
        split = "test"
    show_scores(scores, stored_predictions(run.trainer).get(split), split, run.task.tags.scheme)
    return scores


if __name__ == "__main__":
    main()
