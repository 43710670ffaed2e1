"""Tables and costs of a finished run in W&B, where it has a logger there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytorch_lightning.loggers import Logger, WandbLogger
from pytorch_lightning.utilities import rank_zero_only


def logs_to_wandb(loggers: Iterable[Logger]) -> bool:
    """Whether one of them is W&B's."""
    return any(isinstance(logger, WandbLogger) for logger in loggers)


@rank_zero_only
def log_to_wandb(
    loggers: Iterable[Logger],
    tables: Mapping[str, tuple[Sequence[str], Sequence[Sequence[Any]]]],
    cost: Mapping[str, Any] | None,
) -> None:
    """Log tables as W&B Tables, and figures of the cost as `cost/…`.

    Args:
        loggers: of the trainer; others than W&B's are passed over.
        tables: headings and rows by name, `test/errors`.
        cost: what `result.json` has; None: nothing was measured.
    """
    for logger in loggers:
        if isinstance(logger, WandbLogger):
            import wandb

            found: dict[str, Any] = {
                name: wandb.Table(columns=list(columns), data=[list(row) for row in rows])
                for name, (columns, rows) in tables.items()
            }
            found |= {f"cost/{name}": value for name, value in (cost or {}).items() if value is not None}
            logger.experiment.log(found)
