"""Two processes that stream, for real: as many steps on both, and on from the right sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.data.shard_corpus import SIZES, write_shards
from tests.runs import EASY, without_dropout, write_corpus
from tests.test_ddp import command


@pytest.mark.slow
def test_a_resumed_run_of_two_processes_ends_like_the_whole_one(tmp_path: Path, tiny_encoder: Path) -> None:
    encoder = without_dropout(tiny_encoder, tmp_path / "encoder")
    write_shards(tmp_path / "corpus" / "train")
    write_corpus(tmp_path / "corpus", dev=EASY[:8])
    asked = [
        *("data=conll", "data.streaming=true", f"data.dir={tmp_path / 'corpus'}", f"model.encoder.name={encoder}"),
        *("data.batch_size=4", "data.shuffle_buffer=12", "data.num_workers=1", "data.epoch_steps=5", "test=false"),
        *("model.dropout=0", "optim.schedule=constant", "optim.warmup=0", "optim.head_lr=0.1", "trainer.max_epochs=-1"),
    ]

    def run(name: str, steps: int, *more: str) -> tuple[Path, dict[str, Any]]:
        (tmp_path / name).mkdir()
        answer = command("train", tmp_path / name, *asked, f"+trainer.max_steps={steps}", *more)
        assert answer.returncode == 0, answer.stderr
        (folder,) = (tmp_path / name / "crf").iterdir()
        file = folder / "checkpoints" / "last.ckpt"
        return file, torch.load(file, weights_only=True)

    assert sum(SIZES) // 2 // 4 > 5, "five steps are less than a pass"
    _, whole = run("whole", 12)
    file, part = run("part", 5)
    _, resumed = run("resumed", 12, f"ckpt_path={file}")
    state = part["CorpusDataModule"]["stream"]
    assert state["given"] == part["global_step"] == 5
    assert [len(places) for places in state["places"]] == [1, 1]
    assert whole["global_step"] == resumed["global_step"] == 12
    assert whole["CorpusDataModule"] == resumed["CorpusDataModule"]
    assert any((part["state_dict"][key] != value).any() for key, value in whole["state_dict"].items())
    torch.testing.assert_close(resumed["state_dict"], whole["state_dict"], rtol=0, atol=0)
