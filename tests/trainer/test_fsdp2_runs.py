"""The encoder sharded over two processes, for real over gloo: what one process would have learned."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from ner_lightning.training.checkpoint import load
from tests.runs import EASY, LEARN, trained, without_dropout, write_corpus
from tests.test_ddp import SENTENCES, command

pytestmark = pytest.mark.slow

SAME = (
    *(*LEARN, "trainer.max_epochs=2", "model.dropout=0", "optim.schedule=constant"),
    "trainer.gradient_clip_val=0.3",  # well below the norms there are, so that it is felt at every step
)


def test_sharded_weights_are_those_of_one_process(tiny_encoder: Path, tmp_path: Path) -> None:
    encoder = without_dropout(tiny_encoder, tmp_path / "encoder")
    corpus = write_corpus(tmp_path / "corpus", train=SENTENCES, dev=[*EASY, "Ann ran to Bergen/B-LOC"])
    options = [*SAME, "data=conll", f"data.dir={corpus}", f"model.encoder.name={encoder}"]
    outputs = tmp_path / "outputs"
    outputs.mkdir()
    # The last `trainer=` counts: of tests/test_ddp.py's command only the two processes are wanted.
    answer = command("train", outputs, *options, "data.batch_size=4", "trainer=fsdp2_cpu")
    assert answer.returncode == 0, answer.stderr
    (run,) = (outputs / "crf").iterdir()
    result = json.loads((run / "result.json").read_text())
    assert (result["setup"]["strategy"], result["setup"]["world_size"]) == ("FSDP2", 2)
    assert result["setup"]["effective_batch"] == 8

    one = trained(tmp_path, encoder, *options, "data.batch_size=8")
    ours, theirs = (torch.load(folder / "checkpoints/last.ckpt") for folder in (run, tmp_path / "run"))
    assert ours["state_dict"].keys() == theirs["state_dict"].keys()
    torch.testing.assert_close(ours["state_dict"], theirs["state_dict"], rtol=1e-3, atol=2e-4)
    assert ours["state_dict"]["model.projection.weight"].shape == theirs["state_dict"]["model.projection.weight"].shape
    scores = {key: value for key, value in one["best"].items() if isinstance(value, float)}
    assert {key: result["best"][key] for key in scores} == pytest.approx(scores, abs=0.02)

    loaded = load(run)
    best = torch.load(run / "checkpoints/best.ckpt")["state_dict"]
    torch.testing.assert_close(dict(loaded.task.state_dict()), dict(best))

    longer = [option.replace("max_epochs=2", "max_epochs=3") for option in options]
    again = command("train", outputs, *longer, "data.batch_size=4", "trainer=fsdp2_cpu", f"ckpt_path={run}")
    assert again.returncode == 0, again.stderr
    (resumed,) = (folder for folder in (outputs / "crf").iterdir() if folder != run)
    assert json.loads((resumed / "result.json").read_text())["steps"] == result["steps"] * 3 // 2
