from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ner_lightning.storage.archives import is_whole


def test_a_checkpoint_is_whole_as_torch_writes_it(tmp_path: Path) -> None:
    torch.save({"weights": torch.randn(100, 100), "epoch": 3}, tmp_path / "a.ckpt")
    assert is_whole(tmp_path / "a.ckpt")


@pytest.mark.parametrize("kept", [0, 1, 4_000, -1, "hole"])
def test_what_is_cut_off_or_has_a_hole_is_not(kept: int | str, tmp_path: Path) -> None:
    file = tmp_path / "a.ckpt"
    torch.save({"weights": torch.randn(100, 100)}, file)
    content = file.read_bytes()
    hole = content[:5000] + bytes(4096) + content[9096:]
    file.write_bytes(hole if kept == "hole" else content[: int(kept)])
    assert not is_whole(file)


def test_a_folder_and_another_file_are_none(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("text")
    assert not is_whole(tmp_path)
    assert not is_whole(tmp_path / "text")
