"""Checkpoints written in one piece: if the process is killed while writing, the previous one remains."""

from __future__ import annotations

from pathlib import Path

import pytorch_lightning as pl

from ner_lightning.storage import atomic


def draft_of(path: str | Path) -> Path:
    """Return the path to which a checkpoint is written before it is renamed, atomically, in the same folder.

    The name is the same in all processes, which write it together; no other run does, since the run folder is locked.
    """
    return Path(path).with_name(f".{Path(path).name}.part")


def publish_checkpoint(path: str | Path) -> None:
    """Rename a finished draft; it is a folder where a strategy writes one file per process."""
    atomic.publish(draft_of(path), Path(path))


def save_checkpoint(trainer: pl.Trainer, path: str | Path, *, weights_only: bool) -> None:
    """Write a checkpoint in one piece; every rank takes part."""
    trainer.save_checkpoint(draft_of(path), weights_only)
    if trainer.is_global_zero:
        publish_checkpoint(path)
    trainer.strategy.barrier("checkpoint published")
