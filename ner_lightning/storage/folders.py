"""The cache folders of this machine."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path


def cache_folder() -> Path:
    """Return the folder for what we make once and keep: NER_LIGHTNING_CACHE, else the user's cache folder."""
    if chosen := os.environ.get("NER_LIGHTNING_CACHE"):
        return Path(chosen).expanduser()
    return user_cache_path("ner_lightning", appauthor=False, opinion=False)


def corpora_folder() -> Path:
    """Return the folder for encoded corpora: NER_LIGHTNING_CORPORA, else `corpora` in the cache folder."""
    chosen = os.environ.get("NER_LIGHTNING_CORPORA")
    return Path(chosen).expanduser() if chosen else cache_folder() / "corpora"
