"""Which endings stand for which format: the one table of all commands that read or write corpora."""

from __future__ import annotations

from pathlib import Path

COMPRESSED = (".gz", ".bz2", ".xz")
"""Endings of files that are decompressed while they are read; the ending before them tells the format."""

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
    """A file's name without the ending that says how it is compressed.

    >>> without_compression("train.conll.gz"), without_compression("train.conll")
    ('train.conll', 'train.conll')
    """
    return next((name.removesuffix(ending) for ending in COMPRESSED if name.lower().endswith(ending)), name)


def ending_of(path: Path) -> str:
    """What shows the format of a file, in lower case.

    >>> ending_of(Path("TRAIN.CoNLL.gz")), ending_of(Path("eng.train")), ending_of(Path("train"))
    ('.conll', '.train', '')
    """
    return Path(without_compression(path.name.lower())).suffix


def format_by_ending(path: Path) -> str | None:
    """The format that a name stands for, None where it stands for none.

    >>> format_by_ending(Path("a.conllu.xz")), format_by_ending(Path("a.doc"))
    ('conll', None)
    """
    return _FORMATS.get(ending_of(path))


def known_endings() -> str:
    """All endings, for a message."""
    return " ".join(_FORMATS)
