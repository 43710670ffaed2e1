"""Where on this machine is kept what was made once and can be made again."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """The folder for what we make once and keep: NER_LIGHTNING_CACHE, else the platform's user cache."""
    if chosen := os.environ.get("NER_LIGHTNING_CACHE"):
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        root = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        root = Path.home() / "Library" / "Caches"
    else:
        root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "ner_lightning"


def corpora_folder() -> Path:
    """The folder for corpora read and encoded: NER_LIGHTNING_CORPORA, else `corpora` in the cache folder."""
    chosen = os.environ.get("NER_LIGHTNING_CORPORA")
    return Path(chosen).expanduser() if chosen else cache_folder() / "corpora"
