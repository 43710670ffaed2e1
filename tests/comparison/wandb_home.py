"""A machine on which nobody has ever logged in to W&B."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import wandb


def fresh(monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[None]:
    """For a fixture: no key, no settings, no run left open."""
    for name in [name for name in os.environ if name.startswith("WANDB_") or name == "NETRC"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MPLCONFIGDIR", os.environ.get("MPLCONFIGDIR", str(Path.home() / ".cache" / "matplotlib")))
    monkeypatch.setenv("HOME", str(home))
    wandb.teardown()
    yield
    if wandb.run is not None:
        wandb.run.finish()
    wandb.teardown()
