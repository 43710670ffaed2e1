"""Named flat arrays, in memory or in a folder of memory-mapped files that can prove it is complete."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol

import numpy as np

from ner_lightning.storage.in_use import InUse

INDEX = "index.json"
"""The header of a folder, written last."""

_BLOCK = 1 << 20  # bytes


class ArrayType(NamedTuple):
    """The type of an array, and its number of values per row (1: the array is flat)."""

    dtype: str
    width: int = 1

    def empty(self) -> np.ndarray:
        """Make an array of this kind without rows."""
        return np.empty(0 if self.width == 1 else (0, self.width), dtype=self.dtype)


Schema = Mapping[str, ArrayType]


class BrokenArrays(Exception):
    """The folder is not what it was when it was written."""


class NoArrays(BrokenArrays):
    """The folder no longer exists."""


class Unwritable(Exception):
    """The folder cannot be written: no permission, or no space."""


@dataclass(frozen=True)
class Arrays:
    """Arrays by name, further facts about them (plain containers), and their folder if they have one.

    As long as they live their folder is marked as in use, and is not deleted. When arrays of a folder are pickled, as
    for a worker process that is not forked, only the folder's name is stored.
    """

    values: Mapping[str, np.ndarray]
    about: dict[str, Any]
    folder: Path | None = None
    schema: Schema = field(default_factory=dict)
    in_use: InUse | None = field(default=None, repr=False, compare=False)

    def __getitem__(self, name: str) -> np.ndarray:
        return self.values[name]

    def __reduce__(self) -> tuple[Any, ...]:
        if self.folder is None:
            return Arrays, (dict(self.values), self.about, None, self.schema)
        return open_arrays, (self.folder, self.schema, False)


class ArrayWriter(Protocol):
    """A writer that takes arrays piece by piece."""

    def append(self, **parts: np.ndarray) -> None:
        """Append rows to each array."""
        ...

    def finish(self, about: dict[str, Any]) -> Arrays:
        """Close the writer; `about` is what JSON can hold."""
        ...


class MemoryWriter:
    """A writer that keeps arrays in memory."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._parts: dict[str, list[np.ndarray]] = {name: [column.empty()] for name, column in schema.items()}

    def append(self, **parts: np.ndarray) -> None:
        """Append rows to each array."""
        for name, part in parts.items():
            self._parts[name].append(np.asarray(part, dtype=self._schema[name].dtype))

    def finish(self, about: dict[str, Any]) -> Arrays:
        """Return the arrays."""
        values = {}
        for name in self._schema:
            values[name] = np.concatenate(self._parts.pop(name))
        return Arrays(values, about, None, self._schema)


class FolderWriter:
    """A writer of arrays to a new folder, one file each, that never holds them whole.

    Raises:
        Unwritable: the folder cannot be written; its methods raise it too.
    """

    def __init__(self, folder: Path, schema: Schema) -> None:
        self.folder, self._schema = folder, schema
        self._files: dict[str, IO[bytes]] = {}
        self._seen = {name: [0, 0] for name in schema}  # bytes, checksum
        try:
            folder.mkdir(parents=True)
            for name in schema:
                self._files[name] = (folder / f"{name}.bin").open("wb")
        except OSError as error:
            self.close()
            raise Unwritable(error.strerror or str(error)) from error

    def append(self, **parts: np.ndarray) -> None:
        """Append rows to each array."""
        for name, part in parts.items():
            raw = np.ascontiguousarray(part, dtype=self._schema[name].dtype).tobytes()
            size, checksum = self._seen[name]
            self._seen[name] = [size + len(raw), zlib.crc32(raw, checksum)]
            try:
                self._files[name].write(raw)
            except OSError as error:
                raise Unwritable(error.strerror or str(error)) from error

    def finish(self, about: dict[str, Any]) -> Arrays:
        """Write the header and map the arrays."""
        body = {"arrays": self._seen, "schema": _plain(self._schema), "about": about}
        try:
            for file in self._files.values():
                file.close()
            (self.folder / INDEX).write_text(json.dumps({"body": body, "checksum": _checksum(body)}), "utf-8")
        except OSError as error:
            raise Unwritable(error.strerror or str(error)) from error
        return open_arrays(self.folder, self._schema, verify=False)

    def close(self) -> None:
        """Close the files, whatever is in them."""
        for file in self._files.values():
            with suppress(OSError):  # closing tries again to write what could not be written
                file.close()


def open_arrays(folder: Path, schema: Schema, verify: bool = True) -> Arrays:
    """Map the arrays of a folder.

    Args:
        folder: written by a `FolderWriter`.
        schema: the arrays it should hold.
        verify: read every byte and compare checksums; otherwise compare only sizes.

    Raises:
        BrokenArrays: something is missing, cut off or changed.
    """
    try:
        in_use = InUse(folder / INDEX)
    except FileNotFoundError as error:
        raise NoArrays(f"{INDEX} is missing") from error
    except OSError as error:
        raise BrokenArrays(f"{type(error).__name__}: {error}") from None
    try:
        content = json.loads((folder / INDEX).read_text("utf-8"))
        body = content["body"]
        if _checksum(body) != content["checksum"]:
            raise BrokenArrays(f"{INDEX} has changed")
        if body["schema"] != _plain(schema) or set(body["arrays"]) != set(schema):
            raise BrokenArrays("other arrays than expected")
        values = {name: _mapped(folder / f"{name}.bin", schema[name], body["arrays"][name], verify) for name in schema}
    except FileNotFoundError as error:
        raise BrokenArrays(f"{Path(error.filename).name} is missing") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BrokenArrays(f"{type(error).__name__}: {error}") from None
    return Arrays(values, body["about"], folder, schema, in_use)


def _mapped(path: Path, column: ArrayType, seen: list[int], verify: bool) -> np.ndarray:
    size, checksum = seen
    if (found := path.stat().st_size) != size:
        raise BrokenArrays(f"{path.name} has {found} bytes, not {size}")
    if verify and _checksum_of_file(path) != checksum:
        raise BrokenArrays(f"{path.name} has changed")
    if not size:  # nothing to map
        return column.empty()
    flat = np.memmap(path, dtype=column.dtype, mode="r")
    # A plain array over the same pages, since slicing a memmap object costs several times as much.
    array = np.asarray(flat).view(np.ndarray)
    return array if column.width == 1 else array.reshape(-1, column.width)


def _checksum_of_file(path: Path) -> int:
    checksum = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            checksum = zlib.crc32(block, checksum)
    return checksum


def _plain(schema: Schema) -> dict[str, list[Any]]:
    return {name: list(column) for name, column in schema.items()}


def _checksum(body: Any) -> int:
    return zlib.crc32(json.dumps(body, sort_keys=True).encode())
