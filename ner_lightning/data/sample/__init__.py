"""Two synthetic corpora that ship with the package, and the grammar that wrote them."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

LANGUAGES = ("en", "zh")


def folder(language: str) -> Path:
    """Return the folder of a sample corpus: ``train``, ``dev``, ``test``, as CoNLL columns (en) or JSON lines (zh).

    Args:
        language: ``en`` or ``zh``.

    Raises:
        ValueError: Another language.

    >>> sorted(path.name for path in folder("en").iterdir())
    ['dev.conll', 'test.conll', 'train.conll']
    """
    if language not in LANGUAGES:
        raise ValueError(f"expected a language of {LANGUAGES}, received {language!r}")
    return Path(str(files(__name__) / language))
