"""Checkpoints that appear in one piece: whoever is killed while writing leaves the one before."""

from __future__ import annotations

from pathlib import Path

import pytorch_lightning as pl

from ner_lightning.storage import atomic


def draft_of(path: str | Path) -> Path:
    """Where a checkpoint is written before it gets its name, in the same folder: a rename there is atomic.

    Its name is the same in all processes, which write it together; the run folder is locked, so that nobody else does.
    """
    return Path(path).with_name(f".{Path(path).name}.part")


def publish_checkpoint(path: str | Path) -> None:
    """Give a finished draft its name; a folder is that of a strategy that writes one file a process."""
    atomic.publish(draft_of(path), Path(path))


def save_checkpoint(trainer: pl.Trainer, path: str | Path, *, weights_only: bool) -> None:
    """Write a checkpoint in one piece; every rank takes part."""
    trainer.save_checkpoint(draft_of(path), weights_only)
    if trainer.is_global_zero:
        publish_checkpoint(path)
    trainer.strategy.barrier("checkpoint published")
