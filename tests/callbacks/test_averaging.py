"""An average of the weights is what is validated, kept, used and resumed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from ner_lightning.callbacks.averaging import check_strategy
from ner_lightning.config.objects import make
from ner_lightning.errors import UserError
from ner_lightning.training.checkpoint import load
from tests.runs import EASY, evaluated, train_config, trained, write_corpus
from tests.test_resume import Kept, assert_equal, keeping, metrics, state

EPOCHS = 3
OPTIONS = (
    *("data=conll", "data.limit=null", "data.batch_size=4", f"trainer.max_epochs={EPOCHS}", "callbacks=ema"),
    *("callbacks.last.steps=1", "optim.head_lr=0.05", "optim.crf_lr=0.05", "callbacks.ema.decay=0.9"),
)


class Average:
    """A run with an average, and every checkpoint to resume from that it wrote."""

    def __init__(self, folder: Path, encoder: Path) -> None:
        corpus = write_corpus(folder / "corpus", train=EASY[:20], dev=EASY[::3])
        self.folder, self.encoder, self.options = folder, encoder, [*OPTIONS, f"data.dir={corpus}"]
        self.kept, self.result = self.train(folder)

    def train(self, folder: Path, *more: str) -> tuple[Kept, dict[str, Any]]:
        with keeping(folder / "kept") as kept:
            result = trained(folder, self.encoder, *self.options, *more)
        return kept, result


@pytest.fixture(scope="module")
def average(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Average:
    return Average(tmp_path_factory.mktemp("average"), tiny_encoder)


def weights(file: Path, key: str = "state_dict") -> dict[str, torch.Tensor]:
    return dict(torch.load(file, weights_only=True)[key])


def test_the_average_is_that_of_the_steps(average: Average) -> None:
    files = [average.kept.files[step] for step in sorted(average.kept.files)]
    name = "model.projection.weight"
    expected = weights(files[0], "current_model_state")[name]
    for file in files[1:]:
        expected = 0.9 * expected + 0.1 * weights(file, "current_model_state")[name]
    torch.testing.assert_close(weights(files[-1])[name], expected)
    assert not torch.equal(weights(files[-1])[name], weights(files[-1], "current_model_state")[name])


def test_buffers_are_taken_over_as_they_are(average: Average) -> None:
    model = load(average.folder / "run").task.model
    positions = model.encoder.model.embeddings.position_ids
    assert positions.equal(torch.arange(positions.shape[1])[None])


def test_the_best_checkpoint_holds_the_average(average: Average) -> None:
    epochs = [row["val/f1"] for row in metrics(average.folder / "run") if "val/f1" in row][:EPOCHS]
    best = epochs.index(max(epochs)) + 1
    last_of_epoch = average.kept.files[best * len(average.kept.files) // EPOCHS]
    assert_equal(weights(average.folder / "run/checkpoints/best.ckpt"), weights(last_of_epoch))
    assert average.result["best"]["val/f1"] == pytest.approx(float(max(epochs)))


def test_evaluating_it_gives_what_validation_said(average: Average, tmp_path: Path) -> None:
    scores = evaluated(tmp_path, f"ckpt={average.folder / 'run'}", "split=dev")["scores"]
    before = average.result["best"]
    assert {name: before[name] for name in scores} == pytest.approx(scores)
    (said,) = {
        float(r["val/loss"]) for r in metrics(average.folder / "run") if float(r.get("val/f1", -1)) == before["val/f1"]
    }
    assert said == pytest.approx(scores["val/loss"])


@pytest.mark.parametrize("steps", [3, 5, 8])
def test_a_resumed_run_is_the_uninterrupted_one(average: Average, steps: int, tmp_path: Path) -> None:
    kept, result = average.train(tmp_path, f"ckpt_path={average.kept.files[steps]}")
    last = max(average.kept.files)
    assert sorted(kept.files) == list(range(steps + 1, last + 1))
    for step, file in kept.files.items():
        assert_equal(state(file), state(average.kept.files[step]))
        for key in ("current_model_state", "averaging_state"):
            assert_equal(weights(file, key), weights(average.kept.files[step], key))
    assert result["best"]["val/f1"] == average.result["best"]["val/f1"]
    best = "run/checkpoints/best.ckpt"
    assert_equal(weights(tmp_path / best), weights(average.folder / best))


def test_weights_that_are_spread_over_processes_are_not_averaged(tmp_path: Path, tiny_encoder: Path) -> None:
    node = train_config(tmp_path, tiny_encoder, "callbacks=ema").callbacks.ema
    callback = make(dict(node), "callbacks.ema")
    for strategy in ("fsdp2", "deepspeed_stage_2"):
        with pytest.raises(UserError, match=rf"trainer\.strategy={strategy}: weights that are spread"):
            check_strategy([callback], strategy)
        check_strategy([], strategy)
    check_strategy([callback], "ddp")
