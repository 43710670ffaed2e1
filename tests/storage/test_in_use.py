"""Files in use: nobody deletes them, and nobody begins to use what is being deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

from ner_lightning.storage.in_use import InUse, deleting


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "index"
    path.write_text("x")
    return path


def test_a_file_in_use_is_not_to_be_deleted(file: Path) -> None:
    first, second = InUse(file), InUse(file)
    for user in (first, second):
        with deleting(file) as unused:
            assert not unused
        user.close()
    with deleting(file) as unused:
        assert unused


def test_who_is_gone_uses_nothing(file: Path) -> None:
    user = InUse(file)
    del user
    with deleting(file) as unused:
        assert unused


def test_what_is_being_deleted_is_not_there(file: Path) -> None:
    with deleting(file) as unused:
        assert unused
        with pytest.raises(FileNotFoundError, match="being deleted"):
            InUse(file)
    InUse(file)


def test_what_was_replaced_before_the_lock_is_not_there(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def replaced(descriptor: int, kind: int) -> None:
        file.unlink()
        file.write_text("another")

    monkeypatch.setattr("ner_lightning.storage.in_use._lock", replaced)
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(FileNotFoundError, match="deleted meanwhile"):
        InUse(file)
    assert len(list(Path("/proc/self/fd").iterdir())) == open_before


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        InUse(tmp_path / "nothing")
    with deleting(tmp_path / "nothing") as unused:
        assert unused
