from pathlib import Path
from typing import Any

import pytest

from ner_lightning.callbacks.atomic_checkpoint import draft_of, publish_checkpoint, save_checkpoint


class Trainer:
    """Writes a file, or dies after its first half."""

    is_global_zero = True

    def __init__(self, text: str, dies: bool = False) -> None:
        self.text, self.dies, self.strategy = text, dies, self

    def save_checkpoint(self, path: Path, weights_only: bool) -> None:
        assert weights_only
        path.write_text(self.text[: len(self.text) // 2] if self.dies else self.text)
        if self.dies:
            raise ProcessLookupError

    def barrier(self, name: str) -> None:
        pass


def test_whoever_dies_while_writing_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    trainer: Any = Trainer("the first")
    save_checkpoint(trainer, path, weights_only=True)
    dying: Any = Trainer("the second", dies=True)
    with pytest.raises(ProcessLookupError):
        save_checkpoint(dying, path, weights_only=True)
    assert path.read_text() == "the first"
    assert draft_of(path).parent == path.parent, "a rename between file systems would be a copy"
    save_checkpoint(trainer, path, weights_only=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["last.ckpt"]


def test_a_folder_takes_the_place_of_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    for text in ("one", "two"):
        draft_of(path).mkdir()
        (draft_of(path) / "shard").write_text(text)
        publish_checkpoint(path)
        assert (path / "shard").read_text() == text
    assert [entry.name for entry in tmp_path.iterdir()] == ["last.ckpt"]
