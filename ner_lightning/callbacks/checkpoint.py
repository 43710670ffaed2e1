"""The best checkpoint of a run, also of a run that was resumed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Literal

from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.utilities import rank_zero_only


class BestCheckpoint(ModelCheckpoint):
    """Keeps the checkpoint of the best epoch as `best.ckpt`.

    A resumed run has a folder of its own. Lightning would then forget how good the best epoch had been, and call the
    first one after the resumption the best; here the best checkpoint so far is copied over with its score.

    Args:
        dirpath: folder of the checkpoints.
        monitor: the metric that decides.
        mode: whether it should be large (`max`) or small (`min`).
    """

    def __init__(self, dirpath: str, monitor: str, mode: Literal["max", "min"] = "max") -> None:
        super().__init__(
            dirpath=dirpath,
            filename="best",
            monitor=monitor,
            mode=mode,
            auto_insert_metric_name=False,
            enable_version_counter=False,
        )

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from the best checkpoint of the run that is resumed, if it is still there."""
        before, here = Path(state_dict["best_model_path"]), Path(str(self.dirpath), "best.ckpt")
        if before != here and before.is_file():
            _copy(before, here)
            best, score = str(here), state_dict["best_model_score"]
            moved = {"best_model_path": best, "kth_best_model_path": best, "best_k_models": {best: score}}
            super().load_state_dict({**state_dict, **moved, "dirpath": self.dirpath})
        elif before == here:
            super().load_state_dict(state_dict)


@rank_zero_only
def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.part")
    shutil.copyfile(source, draft)
    draft.replace(target)
