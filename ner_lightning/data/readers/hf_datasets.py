"""Open Hugging Face datasets, on disk or on the hub, and read their rows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ner_lightning.data.readers.hf_files import check_split, parquet_files
from ner_lightning.errors import DataError

_BATCH = 1000  # rows
_SHARD = re.compile(r"(?P<dataset>.+)#(?P<index>\d+)-of-(?P<number>\d+)")


def open_dataset(path: Path, name: str | None, revision: str | None) -> Any:
    """Open a dataset, or a part of one, that has `features`, `column_names`, `select_columns` and `iter`.

    Args:
        path: what `HuggingFaceReader.read` takes.
        name: configuration of a dataset that has several.
        revision: commit or tag of a hub dataset.

    Raises:
        DataError: `datasets` is not installed, or there is no such dataset or split.
    """
    datasets = _library(path)
    if part := _SHARD.fullmatch(path.name):
        streamed = _streamed(path.with_name(part["dataset"]), name, revision)
        with _told(path):
            return _Streamed(streamed.shard(num_shards=int(part["number"]), index=int(part["index"])))
    location, split = _place(path)
    with _told(location):
        if location.exists():
            return _local(datasets, location, split, name)
        return _chosen(datasets.load_dataset(str(location), name, split=split, revision=revision), split, location)


def list_parts(path: Path, name: str | None, revision: str | None) -> list[Path]:
    """List what can be read by itself of a split: its files, or `OWNER/NAME:SPLIT#2-of-8` of the hub.

    Raises:
        DataError: as `open_dataset`.
    """
    location, split = _place(path)
    if location.exists():
        return _local_files(location, split, name)
    number = _streamed(path, name, revision).num_shards
    return [path.with_name(f"{path.name}#{index}-of-{number}") for index in range(number)]


def iterate_rows(dataset: Any, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield row number, from 1, and row; a thousand rows are in memory at a time."""
    number, batches = 0, iter(dataset.iter(_BATCH))
    while True:
        with _told(path):
            batch = next(batches, None)
        if batch is None:
            return
        for values in zip(*batch.values(), strict=True):
            number += 1
            yield number, dict(zip(batch, values, strict=True))


def _library(path: Path) -> Any:
    try:
        import datasets
    except ImportError:
        raise DataError("reading a Hugging Face dataset needs: pip install 'ner-lightning[hf]'", path) from None
    return datasets


def _place(path: Path) -> tuple[Path, str | None]:
    """Split a path into folder, file or name of a dataset, and the split asked for."""
    if not path.exists() and ":" in path.name:
        stem, _, split = path.name.partition(":")
        return path.with_name(stem), split
    if not path.exists() and path.parent != Path() and path.parent.exists():
        return path.parent, path.name
    return path, None


@contextmanager
def _told(location: Path) -> Iterator[None]:
    """Turn whatever the library raises, whose types change, into one error."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(
            f"expected a folder, a file or a dataset on the hub, could load none ({type(error).__name__}: {reason}); "
            "check the path or name, the split (NAME:train) and the connection, or download it and give the folder",
            location,
        ) from None


def _streamed(path: Path, name: str | None, revision: str | None) -> Any:
    """Open a dataset of the hub that is fetched row by row."""
    datasets, (location, split) = _library(path), _place(path)
    with _told(location):
        loaded = datasets.load_dataset(str(location), name, split=split, revision=revision, streaming=True)
        return _chosen(loaded, split, location)


def _local(datasets: Any, location: Path, split: str | None, name: str | None) -> Any:
    check_split(location, split)
    if location.suffix == ".arrow":
        return datasets.Dataset.from_file(str(location))
    if any((location / name).is_file() for name in ("state.json", "dataset_dict.json")):
        return _chosen(datasets.load_from_disk(str(location)), split, location)
    return _Parquet(datasets, parquet_files(location, split, name))


def _local_files(location: Path, split: str | None, name: str | None) -> list[Path]:
    """List the files of a local split, each of which can be read by itself."""
    check_split(location, split)
    if location.suffix == ".arrow":
        return [location]
    saved = location / (split or "") if (location / "dataset_dict.json").is_file() else location
    if (saved / "state.json").is_file():
        state = json.loads((saved / "state.json").read_text("utf-8"))
        return [saved / file["filename"] for file in state["_data_files"]]
    return parquet_files(location, split, name)


def _chosen(loaded: Any, split: str | None, location: Path) -> Any:
    """Return the split asked for, if several were loaded."""
    if not isinstance(loaded, dict):
        return loaded
    if split is None and len(loaded) == 1:
        return next(iter(loaded.values()))
    if split not in loaded:
        raise DataError(f"expected the split to be named, one of {', '.join(loaded)} ({location}:train)", location)
    return loaded[split]


class _Parquet:
    """Parquet files read batch by batch, without the copy that `load_dataset` keeps in its cache."""

    def __init__(self, datasets: Any, files: Sequence[Path], columns: Sequence[str] | None = None) -> None:
        import pyarrow.parquet  # type: ignore[import-untyped]

        self._datasets, self._files = datasets, files
        schema = pyarrow.parquet.read_schema(files[0])
        self.features = datasets.Features.from_arrow_schema(schema)
        self.column_names = list(columns or self.features)

    def select_columns(self, columns: Sequence[str]) -> _Parquet:
        return _Parquet(self._datasets, self._files, columns)

    def iter(self, size: int) -> Iterable[dict[str, list[Any]]]:
        import pyarrow.parquet

        for file in self._files:
            for batch in pyarrow.parquet.ParquetFile(file).iter_batches(size, columns=self.column_names):
                yield batch.to_pydict()


class _Streamed:
    """A dataset fetched row by row, with its columns known."""

    def __init__(self, dataset: Any) -> None:
        # No public function returns the columns of a dataset before its files are opened.
        self._dataset = dataset if dataset.features else dataset._resolve_features()
        self.features = self._dataset.features
        self.column_names = list(self.features)

    def select_columns(self, columns: Sequence[str]) -> _Streamed:
        return _Streamed(self._dataset.select_columns(list(columns)))

    def iter(self, size: int) -> Iterable[dict[str, list[Any]]]:
        return self._dataset.iter(size)
