"""Checkpoints that appear in one piece: whoever is killed while writing leaves the one before."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytorch_lightning as pl


def draft_of(path: str | Path) -> Path:
    """Where a checkpoint is written before it gets its name, in the same folder: a rename there is atomic."""
    return Path(path).with_name(f".{Path(path).name}.part")


def publish(path: str | Path) -> None:
    """Give a finished draft its name."""
    path, draft = Path(path), draft_of(path)
    if path.is_dir():  # of a strategy that writes one file a process; a folder replaces nothing
        old = path.with_name(f".{path.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        path.rename(old)
        draft.rename(path)
        shutil.rmtree(old)
    else:
        draft.replace(path)


def save(trainer: pl.Trainer, path: str | Path, *, weights_only: bool) -> None:
    """Write a checkpoint in one piece; every rank takes part."""
    trainer.save_checkpoint(draft_of(path), weights_only)
    if trainer.is_global_zero:
        publish(path)
    trainer.strategy.barrier("checkpoint published")
