"""Hydra's errors as one plain sentence that says what to type."""

from __future__ import annotations


def explain(error: Exception) -> str:
    """One sentence for an error of Hydra or OmegaConf."""
    return " ".join(str(error).split())
