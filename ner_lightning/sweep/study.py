"""An Optuna study in a file, opened alike by the sweep that asks for trials and the runs that report to it."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ner_lightning.errors import UserError
from ner_lightning.run.folder import keep_copy

if TYPE_CHECKING:
    import optuna

log = logging.getLogger(__name__)

FILE = "study.log"
"""Optuna's journal in the folder of a sweep; Optuna's own tools can read it."""

Pruner = Literal["median", "halving", "none"]
Sampler = Literal["tpe", "random", "gp"]


@dataclass(frozen=True)
class StudyFile:
    """The place of a study, and how it decides.

    Args:
        path: of its journal.
        name: of the study.
        mode: whether a large value (`max`) or a small one (`min`) is good.
        pruner: `median` of the earlier trials at the same epoch, `halving` (successive halving, Jamieson and Talwalkar
            2016), or `none`.
        warmup: epochs before a trial may be pruned.
        startup: trials that are drawn at random and never pruned.
    """

    path: str
    name: str
    mode: str
    pruner: Pruner = "median"
    warmup: int = 1
    startup: int = 5

    def open(self, sampler: Any = None) -> optuna.Study:
        """Open the study, or make it if there is none.

        Raises:
            UserError: when Optuna is not installed.
        """
        optuna = load_optuna()
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        Path(self.path).parent.mkdir(parents=True, exist_ok=True)
        mend_journal(Path(self.path))
        return optuna.create_study(
            storage=JournalStorage(JournalFileBackend(self.path)),
            study_name=self.name,
            direction="maximize" if self.mode == "max" else "minimize",
            pruner=self._pruner(),
            sampler=sampler,
            load_if_exists=True,
        )

    def _pruner(self) -> optuna.pruners.BasePruner:
        from optuna import pruners

        if self.pruner == "none":
            return pruners.NopPruner()
        if self.pruner == "median":
            return pruners.MedianPruner(self.startup, n_warmup_steps=self.warmup)
        # Rungs after warmup, 2 warmup, 4 warmup … epochs; each keeps half of the trials.
        return pruners.SuccessiveHalvingPruner(max(1, self.warmup), reduction_factor=2)


def mend_journal(path: Path) -> None:
    """Cut a journal before its first damaged line, as after a power cut; a copy of the old one is kept.

    Optuna reads no further than there, and would fail forever on anything after it.
    """
    from optuna.storages.journal import JournalFileSymlinkLock

    if not path.is_file() or _whole_lines(content := path.read_bytes()) == content:
        return
    lock = JournalFileSymlinkLock(str(path))
    lock.acquire()
    try:
        content = path.read_bytes()  # another process may have written meanwhile
        if (whole := _whole_lines(content)) != content:
            kept = keep_copy(path)
            log.warning("%s was damaged: it goes on from its last whole line, the old one is %s", path, kept)
            path.write_bytes(whole)
    finally:
        lock.release()


def _whole_lines(content: bytes) -> bytes:
    """Return the lines before the first one that is cut off or is no JSON."""
    end = 0
    for line in content.splitlines(keepends=True):
        try:
            json.loads(line)
        except ValueError:
            break
        if not line.endswith(b"\n"):
            break
        end += len(line)
    return content[:end]


def load_optuna() -> Any:
    """Import Optuna, and silence it.

    Raises:
        UserError: it is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise UserError("a search needs Optuna: pip install 'ner-lightning[optuna]'") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def make_sampler(kind: Sampler, seed: int, startup: int) -> optuna.samplers.BaseSampler:
    """Make the sampler that draws the values of the next trial."""
    from optuna import samplers

    if kind == "random":
        return samplers.RandomSampler(seed=seed)
    if kind == "gp":
        return samplers.GPSampler(seed=seed, n_startup_trials=startup)
    # The values interact. Running trials count as bad, so that workers side by side do not draw the same.
    return samplers.TPESampler(seed=seed, n_startup_trials=startup, multivariate=True, constant_liar=True)
