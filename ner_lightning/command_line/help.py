"""The text of `--help`."""

from __future__ import annotations

from argparse import Namespace


def help_text(command: str, arguments: Namespace) -> str:
    """What a command does."""
    return f"python -m ner_lightning.{command}\n"
