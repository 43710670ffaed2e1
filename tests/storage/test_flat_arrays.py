import json
from pathlib import Path

import numpy as np
import pytest

from ner_lightning.storage.flat_arrays import (
    INDEX,
    ArrayType,
    BrokenArrays,
    FolderWriter,
    MemoryWriter,
    Unwritable,
    open_arrays,
)

SCHEMA = {"flat": ArrayType("i4"), "pairs": ArrayType("i8", 2), "nothing": ArrayType("u1")}
PARTS = [{"flat": np.arange(3), "pairs": np.arange(4).reshape(2, 2)}, {"flat": np.arange(2)}]


def written(folder: Path) -> Path:
    for writer in (FolderWriter(folder, SCHEMA), MemoryWriter(SCHEMA)):
        for part in PARTS:
            writer.append(**part)
        arrays = writer.finish({"note": "é"})
        assert arrays["flat"].tolist() == [0, 1, 2, 0, 1]
        assert arrays["pairs"].tolist() == [[0, 1], [2, 3]]
        assert arrays["nothing"].tolist() == []
        assert [arrays[name].dtype.str[1:] for name in SCHEMA] == ["i4", "i8", "u1"]
        assert arrays.about == {"note": "é"}
    return folder


def test_a_folder_and_memory_hold_the_same(tmp_path: Path) -> None:
    arrays = open_arrays(written(tmp_path / "a"), SCHEMA)
    assert arrays["pairs"].tolist() == [[0, 1], [2, 3]]
    assert arrays.about == {"note": "é"}
    with pytest.raises(ValueError, match="read-only"):
        arrays["flat"][0] = 1


def flip(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def grow(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


@pytest.mark.parametrize("harm", [flip, cut, grow, Path.unlink], ids=["flip", "cut", "grow", "unlink"])
@pytest.mark.parametrize("name", [INDEX, "flat.bin", "pairs.bin"])
def test_a_harmed_folder_is_not_trusted(tmp_path: Path, name: str, harm) -> None:
    folder = written(tmp_path / "a")
    harm(folder / name)
    if name == INDEX and harm is grow:
        harm = cut  # JSON does not mind a space behind it, but a NUL it does
    with pytest.raises(BrokenArrays):
        open_arrays(folder, SCHEMA)


@pytest.mark.parametrize("content", ["", "[]", "{}", "null", '{"body": 1, "checksum": 2}', '{"body": {}}', "\xff"])
def test_any_header_is_refused_that_is_none(tmp_path: Path, content: str) -> None:
    folder = written(tmp_path / "a")
    (folder / INDEX).write_text(content, "latin-1")
    with pytest.raises(BrokenArrays):
        open_arrays(folder, SCHEMA)


def test_a_header_of_other_sizes_is_refused(tmp_path: Path) -> None:
    folder = written(tmp_path / "a")
    content = json.loads((folder / INDEX).read_text())
    content["body"]["arrays"]["flat"][0] = 16
    (folder / INDEX).write_text(json.dumps(content))
    with pytest.raises(BrokenArrays, match="has changed"):
        open_arrays(folder, SCHEMA)


def test_arrays_of_another_kind_are_refused(tmp_path: Path) -> None:
    folder = written(tmp_path / "a")
    with pytest.raises(BrokenArrays, match="other arrays"):
        open_arrays(folder, {**SCHEMA, "flat": ArrayType("i8")})


def test_without_reading_all_only_sizes_are_seen(tmp_path: Path) -> None:
    folder = written(tmp_path / "a")
    flip(folder / "flat.bin")
    open_arrays(folder, SCHEMA, verify=False)
    cut(folder / "flat.bin")
    with pytest.raises(BrokenArrays, match=r"flat\.bin has 19 bytes, not 20"):
        open_arrays(folder, SCHEMA, verify=False)


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unwritable, match="Not a directory"):
        FolderWriter(tmp_path / "file" / "a", SCHEMA)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_said(tmp_path: Path) -> None:
    writer = FolderWriter(tmp_path / "a", SCHEMA)
    writer._files["flat"].close()
    writer._files["flat"] = Path("/dev/full").open("wb")  # noqa: SIM115  (the writer closes it)
    with pytest.raises(Unwritable, match="No space left"):
        writer.append(flat=np.arange(1 << 16))
    writer.append(flat=np.arange(2))  # stays in the file's buffer
    with pytest.raises(Unwritable, match="No space left"):
        writer.finish({})
    writer.close()
