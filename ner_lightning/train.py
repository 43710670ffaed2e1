"""Train a tagger, test its best weights, record the run: `python -m ner_lightning.train +experiment=crf`."""

from __future__ import annotations

import math
import time
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from ner_lightning.command_line.door import door
from ner_lightning.errors import Pruned
from ner_lightning.run.child_process import is_child
from ner_lightning.run.folder import check_free, writing_run

if TYPE_CHECKING:
    from omegaconf import DictConfig

from ner_lightning.training.conclude import conclude


def _sweep(command: str, words: Namespace) -> int:
    from ner_lightning.sweep.command import run_sweep

    return run_sweep(command, words)


@door("train", sweep=_sweep)
def main(cfg: DictConfig) -> float:
    """Run one training; returns the best value of the monitored metric."""
    from hydra.core.hydra_config import HydraConfig

    from ner_lightning.vendors.hydra import typed_words

    return train(cfg, typed_words(HydraConfig.get()))["best"].get(cfg.monitor, math.nan)


def train(cfg: DictConfig, overrides: list[str] | None = None) -> dict[str, Any]:
    """Fit, score dev and test with the best weights, and write the run folder, holding its lock.

    Args:
        cfg: composed from `conf/train.yaml`.
        overrides: as typed, for the record.

    Returns:
        The content of `result.json`.
    """
    if not is_child():
        check_free(cfg.paths.output_dir, force=cfg.get("force", False), continues=cfg.ckpt_path)
    with writing_run(cfg.paths.output_dir):
        return _train(cfg, overrides or [])


def _train(cfg: DictConfig, overrides: list[str]) -> dict[str, Any]:
    from ner_lightning.config.objects import resolve_config
    from ner_lightning.logger.wandb import finish
    from ner_lightning.run.checkpoints import resume_from
    from ner_lightning.run.record import write_run
    from ner_lightning.trainer.effective_batch import with_effective_batch
    from ner_lightning.trainer.hardware import check_hardware, with_devices_of_here
    from ner_lightning.training.build import build
    from ner_lightning.training.checkpoint import check_resumption

    started = time.monotonic()
    asked = resolve_config(cfg)
    check_hardware(asked["trainer"])
    config = with_effective_batch(with_devices_of_here(asked))
    resumed = resume_from(config)
    write_run(config["paths"]["output_dir"], config, overrides)
    run = build(config, resumed)
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


if __name__ == "__main__":
    main()
