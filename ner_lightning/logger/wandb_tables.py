"""Tables and costs of a finished run, for W&B if it has such a logger."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pytorch_lightning.loggers import Logger, WandbLogger
from pytorch_lightning.utilities import rank_zero_only

from ner_lightning.errors import first_line

if TYPE_CHECKING:
    from wandb import Run

Table = tuple[Sequence[str], Sequence[Sequence[Any]]]

log = logging.getLogger(__name__)


def logs_to_wandb(loggers: Iterable[Logger]) -> bool:
    """Tell whether one of the loggers is W&B's."""
    return any(isinstance(logger, WandbLogger) for logger in loggers)


@rank_zero_only
def log_to_wandb(
    loggers: Iterable[Logger],
    tables: Mapping[str, Table],
    cost: Mapping[str, Any] | None,
) -> None:
    """Log tables as W&B Tables, and cost figures as `cost/…`.

    Args:
        loggers: of the trainer; only W&B's are used.
        tables: headings and rows by name, `test/errors`.
        cost: as in `result.json`; None: nothing was measured.
    """
    for logger in loggers:
        if isinstance(logger, WandbLogger):
            try:
                _log(logger.experiment, tables, cost)
            except Exception as error:  # of W&B or its server: the training is over, and its result is to be written
                log.warning("W&B did not take the tables of the run: %s", first_line(error))


def _log(run: Run, tables: Mapping[str, Table], cost: Mapping[str, Any] | None) -> None:
    import wandb

    run.log({f"cost/{name}": value for name, value in (cost or {}).items() if value is not None})
    run.log(
        {
            name: wandb.Table(columns=list(columns), data=[list(row) for row in rows])
            for name, (columns, rows) in tables.items()
        }
    )
