"""The last lines of a run: where it is, what to type next, and what to try if it learned nothing."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


def say_goodbye(folder: Path, best: Mapping[str, Any], steps: int) -> None:
    """Log the last lines of a run.

    Args:
        folder: the run's.
        best: scores of the best weights, and their checkpoint.
        steps: optimiser steps it has taken.
    """
    if advice := advice_on_nothing(best, steps):
        log.warning("%s", advice)
    log.info("run folder: %s", folder)
    for command in next_commands(folder, best):
        log.info("next: %s", command)


def next_commands(folder: Path, best: Mapping[str, Any]) -> list[str]:
    """List the commands that most people type after a run.

    >>> next_commands(Path("outputs/crf/1"), {"checkpoint": None})
    ['python -m ner_lightning.compare outputs/crf/1 OTHER_RUN']
    """
    name = shlex.quote(str(folder))
    predict = [f"python -m ner_lightning.predict ckpt={name} input=FILE output=FILE"] if best.get("checkpoint") else []
    return [*predict, f"python -m ner_lightning.compare {name} OTHER_RUN"]


def advice_on_nothing(best: Mapping[str, Any], steps: int) -> str | None:
    """Suggest what to try if no entity was predicted right; None if some were, or there are none to find.

    >>> advice_on_nothing({"val/f1": 0.5, "val/support": 9}, 10)
    >>> print(advice_on_nothing({"val/f1": 0.0, "val/support": 9}, 10)[:72])
    No entity of the dev split was found right: F1 is 0 after 10 optimiser s
    """
    if best.get("val/f1") != 0 or not best.get("val/support"):
        return None
    return (
        f"No entity of the dev split was found right: F1 is 0 after {steps:,} optimiser steps. Try more of them "
        "(trainer.max_epochs), ten times optim.head_lr and optim.crf_lr, +debug=overfit, which shows whether a few "
        "sentences can be learned at all, and python -m ner_lightning.inspect, which shows what the data hold."
    )
