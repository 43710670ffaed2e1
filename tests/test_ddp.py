"""Two processes for real, over gloo: they train and score what one process would."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from pytorch_lightning.plugins.environments import LightningEnvironment

from tests.runs import EASY, LEARN, evaluated, records, trained, without_dropout, write_corpus
from tests.test_resume import assert_equal

ROOT = Path(__file__).parents[1]
# 33 sentences in steps of 8: in the last one a single sentence is left for two processes.
SENTENCES = [*EASY[:31], "Oslo/B-LOC", "Ann/B-PER Lee/I-PER"]
SAME = (
    *(*LEARN, "trainer.max_epochs=2", "model.dropout=0", "model.encoder.freeze_word_embeddings=true"),
    # Clipping would hide a sentence that counts twice, and so would a small rate at the last step.
    *("trainer.gradient_clip_val=null", "optim.schedule=constant"),
)


def clean_environment() -> dict[str, str]:
    """Ours, without traces of other distributed runs."""
    leaked = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "NODE_RANK")
    environment = {key: value for key, value in os.environ.items() if key not in leaked}
    return environment | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def command(name: str, folder: Path, *overrides: str) -> subprocess.CompletedProcess[str]:
    """A command on two processes, as a user would start it."""
    return subprocess.run(
        [sys.executable, "-m", f"ner_lightning.{name}", "trainer=ddp_cpu", f"paths.outputs={folder}", *overrides],
        cwd=folder,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


class Trained(NamedTuple):
    options: list[str]
    answer: subprocess.CompletedProcess[str]
    folder: Path

    @property
    def run(self) -> Path:
        (run,) = (self.folder / "crf").iterdir()
        return run


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Trained:
    folder = tmp_path_factory.mktemp("two")
    encoder = without_dropout(tiny_encoder, folder / "encoder")
    corpus = write_corpus(folder / "corpus", train=SENTENCES, dev=SENTENCES, test=[*EASY, "Ann ran to Bergen/B-LOC"])
    options = [*SAME, "data=conll", f"data.dir={corpus}", f"model.encoder.name={encoder}"]
    outputs = folder / "outputs"
    outputs.mkdir()
    return Trained(options, command("train", outputs, *options, "data.batch_size=4"), outputs)


def test_two_processes_finish_in_one_folder(two: Trained) -> None:
    assert two.answer.returncode == 0, two.answer.stderr
    assert {path.name for path in (two.run / "checkpoints").iterdir()} == {"best.ckpt", "last.ckpt"}
    result = json.loads((two.run / "result.json").read_text())
    assert result["steps"] == 2 * 5
    assert result["best"]["test/support"] == sum(len(record["gold"]) for record in stored(two.run))
    assert two.answer.stdout.count("test: entities, strict") == 1


def stored(run: Path, split: str = "test") -> list[dict]:
    return records(run / f"predictions/{split}.jsonl")


def test_predictions_hold_each_sentence_once_in_order(two: Trained) -> None:
    for split, count in (("dev", len(SENTENCES)), ("test", len(EASY) + 1)):
        lines = [int(record["id"].partition(":")[2]) for record in stored(two.run, split)]
        assert len(lines) == count
        assert lines == sorted(set(lines))


def test_the_weights_are_those_of_one_process_with_twice_the_batch(two: Trained, tmp_path: Path) -> None:
    encoder = two.folder.parent / "encoder"
    one = trained(tmp_path, encoder, *two.options, "data.batch_size=8")
    ours, theirs = (torch.load(run / "checkpoints/last.ckpt") for run in (two.run, tmp_path / "run"))
    assert ours["global_step"] == theirs["global_step"] == 10
    torch.testing.assert_close(ours["state_dict"], theirs["state_dict"], rtol=1e-3, atol=2e-4)
    result = json.loads((two.run / "result.json").read_text())
    assert result["best"]["test/loss"] == pytest.approx(one["best"]["test/loss"], rel=1e-2)


def test_two_processes_score_exactly_what_one_does(two: Trained, tmp_path: Path) -> None:
    said = json.loads((two.run / "result.json").read_text())["best"]
    alone = evaluated(tmp_path, f"ckpt={two.run}", "trainer=cpu")
    answer = command("evaluate", two.folder, f"ckpt={two.run}")
    assert answer.returncode == 0, answer.stderr
    (folder,) = (two.folder / "evaluate").iterdir()
    together = json.loads((folder / "result.json").read_text())["scores"]
    assert 0 < alone["scores"]["test/f1"] < 1
    counted = [key for key in alone["scores"] if key != "test/loss"]
    assert len(counted) > 10
    assert {key: together[key] for key in counted} == {key: alone["scores"][key] for key in counted}
    assert {key: said[key] for key in counted} == {key: alone["scores"][key] for key in counted}
    assert together["test/loss"] == pytest.approx(alone["scores"]["test/loss"], rel=1e-5)
    spans = [
        [[span[:3] for span in record["predicted"]] for record in stored(run)] for run in (folder, tmp_path / "run")
    ]
    assert spans[0] == spans[1]


def test_the_loss_of_an_odd_number_of_sentences_is_that_of_one_process(two: Trained, tmp_path: Path) -> None:
    assert len(SENTENCES) % 2 == 1  # 33 of two processes were once 16 each
    said = json.loads((two.run / "result.json").read_text())["best"]
    alone = evaluated(tmp_path, f"ckpt={two.run}", "trainer=cpu", "split=dev")["scores"]
    assert said["val/loss"] == pytest.approx(alone["val/loss"], rel=1e-5)


@pytest.mark.slow
def test_a_budget_of_each_process_is_one_process_with_twice_the_budget(two: Trained, tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    outputs.mkdir()
    budget = [*two.options, "data.batching=token_budget"]
    answer = command("train", outputs, *budget, "data.max_subwords=100")
    assert answer.returncode == 0, answer.stderr
    (run,) = (outputs / "crf").iterdir()
    one = trained(tmp_path, two.folder.parent / "encoder", *budget, "data.max_subwords=200")
    ours, theirs = (torch.load(folder / "checkpoints/last.ckpt") for folder in (run, tmp_path / "run"))
    assert ours["global_step"] == theirs["global_step"] > 5
    torch.testing.assert_close(ours["state_dict"], theirs["state_dict"], rtol=1e-3, atol=2e-4)
    result = json.loads((run / "result.json").read_text())
    assert result["best"]["test/f1"] == one["best"]["test/f1"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_two_processes_that_are_ended_go_on_exactly(
    two: Trained, tmp_path: Path, tiny_encoder: Path, number: signal.Signals
) -> None:
    """With dropout, of which each process has its own; in the same folder."""
    corpus = two.folder.parent / "corpus"
    options = [f"data.dir={corpus}", f"model.encoder.name={tiny_encoder}", "data=conll", "data.batch_size=4"]
    options += ["trainer.max_epochs=6", "trainer.accumulate_grad_batches=2", "callbacks.last.steps=1", "test=false"]
    whole, ended = tmp_path / "whole", tmp_path / "ended"
    tmp_path.joinpath("outputs").mkdir()
    answer = command("train", tmp_path / "outputs", *options, f"hydra.run.dir={whole}")
    assert answer.returncode == 0, answer.stderr
    code = end_when_it_has_begun("train", tmp_path / "outputs", number, ended, *options)
    assert code == (143 if number == signal.SIGTERM else -number)
    before = torch.load(ended / "checkpoints/last.ckpt")
    assert 0 < before["global_step"] < torch.load(whole / "checkpoints/last.ckpt")["global_step"]
    answer = command("train", tmp_path / "outputs", *options, f"hydra.run.dir={ended}", f"ckpt_path={ended}")
    assert answer.returncode == 0, answer.stderr
    states = [torch.load(folder / "checkpoints/last.ckpt") for folder in (whole, ended)]
    for name in ("state_dict", "optimizer_states", "lr_schedulers", "global_step"):
        assert_equal(states[1][name], states[0][name])
    assert len(states[0]["callbacks"]["LastCheckpoint"]["random"]) == 2
    assert [(f / "metrics.csv").read_text() for f in (ended, whole)] == [(whole / "metrics.csv").read_text()] * 2


def end_when_it_has_begun(name: str, cwd: Path, number: signal.Signals, folder: Path, *overrides: str) -> int:
    """Send a signal after the first checkpoint, and return the exit code; nothing is left behind."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"ner_lightning.{name}", "trainer=ddp_cpu", f"hydra.run.dir={folder}", *overrides],
        cwd=cwd,
        env=clean_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        limit = time.monotonic() + 300
        while not (folder / "checkpoints/last.ckpt").exists():
            assert process.poll() is None
            assert time.monotonic() < limit
            time.sleep(0.002)
        process.send_signal(number)
        return process.wait(120)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def test_no_port_is_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two jobs on one machine each find a free one; the second would fail on the port of the first."""
    monkeypatch.delenv("MASTER_PORT", raising=False)
    sources = [*(ROOT / "ner_lightning").rglob("*.py"), *(ROOT / "conf").rglob("*.yaml")]
    assert len(sources) > 50
    fixed = re.compile(r"(main|master)_port\W{1,4}\d", re.IGNORECASE)
    assert fixed.search('{"MASTER_PORT": "29500"}')
    assert not [path for path in sources if fixed.search(path.read_text("utf-8"))]
    ports = {LightningEnvironment().main_port for _ in range(4)}
    assert len(ports) > 1
