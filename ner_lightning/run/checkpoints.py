"""Find the checkpoint that a path, a run folder or the word `last` stands for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from ner_lightning.errors import UserError
from ner_lightning.run.folder import CHECKPOINTS, LAST, RunFolder


def find_checkpoint(path: str | Path, which: Literal["best", "last"] = "best") -> Path:
    """Return the checkpoint at a path, or one of the two in a run folder.

    Raises:
        UserError: there is none.
    """
    file = Path(path).expanduser()
    if file.is_dir():
        file = file if is_in_pieces(file) else (RunFolder(file).best if which == "best" else RunFolder(file).last)
    if is_in_pieces(file):
        raise UserError(
            f"{file}: a checkpoint in pieces, one for each process, as DeepSpeed writes it, which only the "
            "strategy that wrote it can read; trainer=fsdp2 shards too, and its checkpoints are like any other"
        )
    if not file.is_file():
        raise UserError(f"{file}: no such checkpoint; give ckpt=RUN_FOLDER or ckpt=FILE.ckpt")
    return file


def is_in_pieces(path: Path) -> bool:
    """Tell whether a path is what DeepSpeed or another distributed strategy leaves instead of a single file."""
    return (path / "checkpoint").is_dir() or (path / ".metadata").is_file()


def resume_from(config: Mapping[str, Any]) -> Path | None:
    """Find the checkpoint to resume from.

    It is the one named, or the last of the run folder named; for `last`, that of the newest run under `outputs/<name>`.

    Raises:
        UserError: there is none.
    """
    asked = config["ckpt_path"]
    if asked is None:
        return None
    if asked != "last":
        return find_checkpoint(asked, "last")
    home = Path(config["paths"]["outputs"]) / config["name"]
    found = sorted(home.glob(f"*/{CHECKPOINTS}/{LAST}"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise UserError(f"ckpt_path=last: no run below {home} has a {CHECKPOINTS}/{LAST}; start without ckpt_path")
    return found[-1]
