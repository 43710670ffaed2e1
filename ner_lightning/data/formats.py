"""Map file endings to formats: the one table for all commands that read or write corpora."""

from __future__ import annotations

from pathlib import Path

COMPRESSED = (".gz", ".bz2", ".xz")
"""Endings of files that are decompressed while they are read; the ending before shows the format."""

ENDINGS = {
    "conll": (".conll", ".iob", ".iob2", ".bio", ".bioes", ".bmes", ".bilou", ".tsv", ".conllu", ".conllup"),
    "csv": (".csv",),
    "jsonl": (".json", ".jsonl", ".ndjson"),
    "brat": (".ann",),
    "spacy": (".spacy",),
    "hf": (".parquet", ".arrow"),
    "text": (".txt",),
}
"""Endings by the format they stand for, an option of `data/reader`. Columns and JSON come in several kinds, which the
beginning of a file tells apart; a `.txt` may be plain text, columns, or brat's where an `.ann` stands beside it."""

_FORMATS = {ending: name for name, endings in ENDINGS.items() for ending in endings}


def without_compression(name: str) -> str:
    """Drop the ending of a file's name that shows its compression.

    >>> without_compression("train.conll.gz"), without_compression("train.conll")
    ('train.conll', 'train.conll')
    """
    return next((name.removesuffix(ending) for ending in COMPRESSED if name.lower().endswith(ending)), name)


def ending_of(path: Path) -> str:
    """Return the ending that shows the format of a file, in lower case.

    >>> ending_of(Path("TRAIN.CoNLL.gz")), ending_of(Path("eng.train")), ending_of(Path("train"))
    ('.conll', '.train', '')
    """
    return Path(without_compression(path.name.lower())).suffix


def format_by_ending(path: Path) -> str | None:
    """Return the format that a name stands for; None if there is none.

    >>> format_by_ending(Path("a.conllu.xz")), format_by_ending(Path("a.doc"))
    ('conll', None)
    """
    return _FORMATS.get(ending_of(path))


def known_endings() -> str:
    """List all endings, for a message."""
    return " ".join(_FORMATS)
