"""Where the files of a corpus are."""

from __future__ import annotations

from pathlib import Path

from ner_lightning.data.report import DataError

ALIASES = {
    "train": ("train", "training", "eng.train"),
    "dev": ("dev", "valid", "validation", "val", "testa", "eng.testa"),
    "test": ("test", "testb", "eng.testb"),
}
"""File names, without ending, that stand for a split."""


def corpus_folder(name: str) -> Path:
    """The folder of a corpus: `sample:en` and `sample:zh` are embedded, anything else is a path.

    Raises:
        DataError: when there is no such folder.
    """
    if name.startswith("sample:"):
        from ner_lightning.data.sample import folder

        return folder(name.removeprefix("sample:"))
    path = Path(name).expanduser()
    if not path.is_dir():
        what = "a file" if path.exists() else "nothing there"
        raise DataError(f"expected the folder of a corpus, found {what}; give data.dir=FOLDER", path)
    return path


def split_file(folder: Path, split: str, name: str | None = None) -> Path | None:
    """The file of a split: the one named, or the one whose name says so; None when no name says so.

    Raises:
        DataError: when the named file is missing, or several files could be meant.
    """
    if name is not None:
        path = folder / name
        if not path.is_file():
            raise DataError(f"no such file (data.{split}={name}); {_listing(folder)}", path)
        return path
    found = [
        path
        for path in sorted(folder.iterdir())
        if path.is_file() and (path.stem.lower() in ALIASES[split] or path.name.lower() in ALIASES[split])
    ]
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise DataError(f"several files could be the {split} split: {names}; choose with data.{split}=FILE", folder)
    return found[0] if found else None


def missing_split(name: str, split: str) -> DataError:
    """The error for a split that is needed and not there."""
    folder = Path(name) if not name.startswith("sample:") else corpus_folder(name)
    return DataError(
        f"no {split} split: expected a file called {split} (or {', '.join(ALIASES[split][1:])}) "
        f"with any ending, or data.{split}=FILE; {_listing(folder)}",
        folder,
    )


def _listing(folder: Path, limit: int = 8) -> str:
    if not folder.is_dir():
        return f"{folder} is no folder"
    names = sorted(path.name for path in folder.iterdir())
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return f"{folder} holds {', '.join(names[:limit]) or 'nothing'}{more}"
