"""Find the files of a split, and of a configuration, in the folder of a Hugging Face dataset."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path

from ner_lightning.data.locate import ALIASES
from ner_lightning.errors import DataError

USUAL = tuple(name for names in ALIASES.values() for name in names)
"""Usual names of splits, if nobody chose other ones."""


def lone_split(location: Path) -> str | None:
    """Name the split that a single dataset is: by its own statement, otherwise train; None if there are several."""
    if location.is_file():
        return "train"
    if (location / "dataset_dict.json").is_file() or not (location / "state.json").is_file():
        return None
    try:
        said = json.loads((location / "state.json").read_text("utf-8")).get("_split")
    except (OSError, ValueError, AttributeError):
        said = None
    match = re.match(r"[\w.]+", said) if isinstance(said, str) else None
    return match[0] if match else "train"


def check_split(location: Path, split: str | None) -> None:
    """Refuse to take a single dataset for a split that it is not.

    Raises:
        DataError: it is another one.
    """
    own = lone_split(location)
    if split is not None and own is not None and split != own:
        raise DataError(
            f"expected the split {split}, found one dataset without splits, which counts as {own}; give it another "
            f"name (data.{split}=.), or have splits made of it: data.splits={{dev: 0.1, test: 0.1}}",
            location,
        )


def parquet_files(location: Path, split: str | None, name: str | None) -> list[Path]:
    """Find the files of a split in one configuration.

    The name of a file (`train-00000-of-00002.parquet`) or of its folder shows the split, the name of a folder shows the
    configuration.

    Raises:
        DataError: there is none, or several configurations could be meant.
    """
    if location.is_file():
        check_split(location, split)
        return [location]
    every = [path for path in sorted(location.rglob("*.parquet")) if path.is_file()]
    found = [path for path in every if split is None or _is_of(path.relative_to(location), split)]
    if not found:  # `trainset.parquet`
        found = [path for path in every if split is not None and path.name.startswith(split)]
    groups = _configurations(found, location, split)
    if name is not None:
        return _configuration(groups, name, location, split)
    if len(groups) > 1:
        names = sorted("/".join(key) or "." for key in groups)
        raise DataError(
            f"expected one configuration, found several: {', '.join(names[:8])}; choose with name={names[-1]}", location
        )
    if not found:
        wanted = "a dataset (save_to_disk, .arrow, .parquet)" + (f" with the split {split}" if split else "")
        raise DataError(f"expected {wanted}, found none", location)
    return found


def _configuration(
    groups: dict[tuple[str, ...], list[Path]], name: str, location: Path, split: str | None
) -> list[Path]:
    chosen = [path for key, paths in groups.items() if name in key or "/".join(key) == name for path in paths]
    if not chosen:
        there = ", ".join(sorted("/".join(key) for key in groups if key)) or "none"
        wanted = f" with the split {split}" if split else ""
        raise DataError(f"expected a configuration called {name}{wanted} (name={name}), found {there}", location)
    return chosen


def _configurations(paths: list[Path], location: Path, split: str | None) -> dict[tuple[str, ...], list[Path]]:
    """Group files by their folders, ignoring folder names that mean only data, or the split."""
    found = defaultdict(list)
    for path in paths:
        parts = path.relative_to(location).parent.parts
        found[tuple(part for part in parts if part not in ("data", split))].append(path)
    return dict(found)


def _is_of(path: Path, split: str) -> bool:
    return split in path.parent.parts or re.fullmatch(rf"{re.escape(split)}([^a-zA-Z].*)?", path.stem) is not None
