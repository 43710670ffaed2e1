"""Score a checkpoint: `python -m ner_lightning.evaluate ckpt=RUN_FOLDER [data=conll data.dir=DIR]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ner_lightning.command_line.door import door
from ner_lightning.run.child_process import is_child
from ner_lightning.run.folder import RunFolder, check_free, writing_run

if TYPE_CHECKING:
    from omegaconf import DictConfig


@door("evaluate")
def main(cfg: DictConfig) -> None:
    """Print the scores of one split and store predictions and scores."""
    evaluate(cfg)


def evaluate(cfg: DictConfig) -> dict[str, Any]:
    """Score one split with the weights of a checkpoint, holding the lock of the run folder.

    Args:
        cfg: composed from `conf/evaluate.yaml`.

    Returns:
        The content of `result.json`.
    """
    if not is_child():
        check_free(cfg.paths.output_dir, force=cfg.get("force", False), evaluates=True)
    with writing_run(cfg.paths.output_dir):
        return _evaluate(cfg)


def _evaluate(cfg: DictConfig) -> dict[str, Any]:
    from pathlib import Path

    from ner_lightning.callbacks.predictions import SavePredictions
    from ner_lightning.config.objects import resolve_config
    from ner_lightning.metrics.score_tables import show_scores
    from ner_lightning.run.record import write_result
    from ner_lightning.training.build import build_evaluation
    from ner_lightning.training.summary import calibrate, draw_run_pictures

    config = resolve_config(cfg)
    output = Path(config["paths"]["output_dir"])
    predictions = SavePredictions(str(RunFolder(output).predictions))
    run, checkpoint = build_evaluation(config, [predictions])
    step = run.trainer.test if config["split"] == "test" else run.trainer.validate
    scores = dict(step(run.task, datamodule=run.data, verbose=False)[0])
    show_scores(scores, predictions.files.get(config["split"]), config["split"], run.task.tags.scheme)
    calibration = calibrate(predictions.files, output)
    result = {
        "checkpoint": str(checkpoint),
        "data": run.data.folder,
        "split": config["split"],
        "scores": scores,
        "calibration": {split: found.summary() for split, found in calibration.items()},
    }
    write_result(output, result)
    if run.trainer.is_global_zero:
        draw_run_pictures(calibration, run.task.model.decoder, run.task.tags, output)
    return result


if __name__ == "__main__":
    main()
