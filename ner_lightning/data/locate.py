"""Find the files of a corpus."""

from __future__ import annotations

import re
from pathlib import Path

from ner_lightning.data.formats import without_compression
from ner_lightning.errors import DataError

ALIASES = {
    "train": ("train", "training", "eng.train"),
    "dev": ("dev", "valid", "validation", "val", "testa", "eng.testa"),
    "test": ("test", "testb", "eng.testb"),
}
"""File names, without ending, that stand for a split."""

ABOUT = ("readme", "license", "licence", "copying", "notice", "citation", "changelog")
"""Names, without ending, of files that describe a corpus."""


def corpus_folder(name: str) -> Path:
    """Return the folder of a corpus: `sample:en` and `sample:zh` are embedded, anything else is a path.

    Raises:
        DataError: there is no such folder.
    """
    if name.startswith("sample:"):
        from ner_lightning.data.sample import folder

        return folder(name.removeprefix("sample:"))
    path = Path(name).expanduser()
    if not path.is_dir():
        what = "a file" if path.exists() else "nothing there"
        raise DataError(f"expected the folder of a corpus, found {what}; give data.dir=FOLDER", path)
    return path


def split_file(folder: Path, split: str, name: str | None = None, key: str = "data") -> Path | None:
    """Find the file of a split: the one given, or the one whose name says so; None if no name does.

    Args:
        folder: of the corpus.
        split: the split.
        name: of the file, if given.
        key: place of the corpus in a configuration, for errors.

    Raises:
        DataError: the given file is missing, or several files could be meant.
    """
    if name is not None:
        path = folder / name
        if not path.is_file():
            raise DataError(f"no such file ({key}.{split}={name}); {_listing(folder)}", path)
        return path
    found = [path for path in sorted(folder.iterdir()) if path.is_file() and _is_called(path, ALIASES[split])]
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise DataError(f"several files could be the {split} split: {names}; choose with {key}.{split}=FILE", folder)
    return found[0] if found else None


def lone_file(folder: Path, key: str = "data") -> Path:
    """Find the only file of a folder that is neither a split nor a description of the corpus.

    Raises:
        DataError: there is none, or there are several.
    """
    taken = tuple(name for names in ALIASES.values() for name in names)
    found = [
        path
        for path in sorted(folder.iterdir())
        if path.is_file() and not path.name.startswith((".", "_")) and not _is_called(path, (*taken, *ABOUT))
    ]
    if len(found) != 1:
        what = f"several could be it: {', '.join(path.name for path in found[:8])}" if found else "there is none"
        raise DataError(
            f"expected one file with the whole corpus, {what}; choose with {key}.train=FILE; {_listing(folder)}", folder
        )
    return found[0]


def shard_files(folder: Path, split: str, name: str | None = None) -> list[Path]:
    """Find the files that together are a split, in the order of their names.

    Args:
        folder: of the corpus.
        split: the split.
        name: a file, a folder or a pattern (`shards/*.conll.gz`) below `folder`. None: the folder with the name of the
            split, or else the files with its name and a number (`train-00003.jsonl.gz`), or the one file.

    Raises:
        DataError: there is none, or several files could be the one.
    """
    if name is None:
        named = [path for path in sorted(folder.iterdir()) if path.is_dir() and path.name.lower() in ALIASES[split]]
        numbered = [path for path in sorted(folder.iterdir()) if path.is_file() and _is_part(path, ALIASES[split])]
        if named:
            return _files(named[0])
        one = None if numbered else split_file(folder, split)
        found = numbered or ([] if one is None else [one])
    elif (folder / name).is_dir():
        return _files(folder / name)
    else:
        root = Path(Path(name).anchor) if Path(name).is_absolute() else folder
        found = sorted(path for path in root.glob(name.removeprefix(Path(name).anchor)) if path.is_file())
    if not found:
        what = f"no file matches data.{split}={name}" if name else f"no folder or files called {split}"
        raise DataError(
            f"{what}: give data.{split} a folder or a pattern (shards/*.conll.gz); {_listing(folder)}", folder
        )
    return found


def _files(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith((".", "_")))
    if not found:
        raise DataError("expected files of a corpus in the folder, found none", folder)
    return found


def _is_called(path: Path, names: tuple[str, ...]) -> bool:
    name = without_compression(path.name.lower())
    return name in names or Path(name).stem in names


def _is_part(path: Path, names: tuple[str, ...]) -> bool:
    match = re.match(r"(.+?)[-_.]?\d+(-of-\d+)?\.", path.name.lower())
    return match is not None and match[1] in names


def missing_split(name: str, split: str, key: str = "data") -> DataError:
    """Make the error for a split that is needed and does not exist."""
    folder = Path(name) if not name.startswith("sample:") else corpus_folder(name)
    whole, part = "splits={dev: 0.1, test: 0.1} and one file with the whole corpus", f"splits={{{split}: 0.1}}"
    made = f", or {key}.{whole}" if split == "train" else f", or {key}.{part} to take it from train"
    return DataError(
        f"no {split} split: expected a file called {split} (or {', '.join(ALIASES[split][1:])}) "
        f"with any ending, or {key}.{split}=FILE{made}; {_listing(folder)}",
        folder,
    )


def _listing(folder: Path, limit: int = 8) -> str:
    if not folder.is_dir():
        return f"{folder} is no folder"
    names = sorted(path.name for path in folder.iterdir())
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return f"{folder} holds {', '.join(names[:limit]) or 'nothing'}{more}"
