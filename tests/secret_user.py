"""A user's own callback that needs a secret."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytorch_lightning as pl


class Reporter(pl.Callback):
    """Reports to a service with a token; here it writes down a digest of it.

    Args:
        hub_token: of the service.
    """

    def __init__(self, hub_token: str) -> None:
        self.hub_token = hub_token

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        Path(str(trainer.loggers[0].log_dir), "reported").write_text(
            hashlib.sha256(self.hub_token.encode()).hexdigest()
        )
