"""Whole runs, small ones: what a run folder holds, what resuming restores, what a seed decides."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.trainer.states import TrainerFn
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2

from ner_lightning.config.objects import resolve_config
from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.readers.conll import ConllReader
from ner_lightning.data.sample import folder as sample_folder
from ner_lightning.errors import UserError
from ner_lightning.inference.tagger import Tagger
from ner_lightning.run.checkpoints import find_checkpoint, resume_from
from ner_lightning.run.predictions import read_stored
from ner_lightning.task.tagging import TaggingTask
from ner_lightning.training.build import build
from ner_lightning.training.checkpoint import load
from ner_lightning.training.conclude import score
from tests.conf.tree import EXPERIMENTS
from tests.runs import EASY, LEARN, evaluated, records, saved, train_config, trained, without_dropout, write_corpus
from tests.tiny import write_tiny_encoder

Result = dict[str, Any]
TWO_EPOCHS = ("trainer.max_epochs=2", "trainer.log_every_n_steps=1")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> tuple[Path, Result]:
    """One run of two epochs, and what it returned; its encoder's folder is gone afterwards."""
    folder = tmp_path_factory.mktemp("finished")
    encoder = shutil.copytree(tiny_encoder, folder / "encoder")
    result = trained(folder, encoder, "+experiment=crf", *TWO_EPOCHS, whole=True)
    shutil.rmtree(encoder)
    return folder / "run", result


def weights(checkpoint: Path) -> dict[str, torch.Tensor]:
    return torch.load(checkpoint, weights_only=True)["state_dict"]


def assert_same_weights(ours: Path, theirs: Path, **tolerance: float) -> None:
    torch.testing.assert_close(weights(ours), weights(theirs), **tolerance)


def test_the_run_folder(finished: tuple[Path, Result]) -> None:
    run, result = finished
    files = {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}
    assert {"config.yaml", "run.json", "metrics.csv", "result.json"} <= files
    assert {path for path in files if path.startswith("predictions/")} == {
        "predictions/dev.jsonl",
        "predictions/test.jsonl",
    }
    assert {path for path in files if path.startswith("checkpoints/")} == {
        "checkpoints/best.ckpt",
        "checkpoints/last.ckpt",
    }
    assert not [path for path in files if path.endswith(".part")]
    assert json.loads((run / "result.json").read_text()) == result
    assert (result["name"], result["seed"], result["epochs"], result["steps"]) == ("crf", 1, 2, 4)
    assert result["best"]["checkpoint"] == str(run / "checkpoints" / "best.ckpt")
    assert {"val/f1", "test/f1", "test/lenient_f1", "test/f1/PER", "test/loss"} <= set(result["best"])
    assert result["seconds"]["total"] >= result["seconds"]["fit"] > 0


ODD_TYPES = ("support", "f1", "precision", "micro", "loss", "O", "a/b", "None", "1", "dataloader_idx_0", "人名", "$x$")


def test_entity_types_may_be_called_anything(tmp_path: Path, tiny_encoder: Path) -> None:
    sentences = [f"see w{number}/B-{name} ." for number, name in enumerate(ODD_TYPES)]
    corpus = write_corpus(tmp_path / "corpus", train=sentences, dev=sentences, test=sentences)
    words = ("+experiment=crf", "data=conll", f"data.dir={corpus}", "monitor='val/f1/support'")
    result = trained(tmp_path, tiny_encoder, *words, whole=True)
    scores = result["best"]
    assert {key.removeprefix("test/f1/") for key in scores if key.startswith("test/f1/")} == set(ODD_TYPES)
    assert {scores[f"test/support/{name}"] for name in ODD_TYPES} == {1.0}
    with (tmp_path / "run" / "metrics.csv").open(encoding="utf-8", newline="") as file:
        assert {f"val/recall/{name}" for name in ODD_TYPES} <= set(csv.DictReader(file).fieldnames or ())
    again = evaluated(tmp_path, f"ckpt={tmp_path / 'run'}", f"paths.output_dir={tmp_path / 'again'}")
    assert {key: value for key, value in scores.items() if key.startswith("test/f1")} == {
        key: value for key, value in again["scores"].items() if key.startswith("test/f1")
    }


def test_the_record_of_what_was_asked_for(finished: tuple[Path, Result]) -> None:
    run, _ = finished
    assert "${" not in (run / "config.yaml").read_text()
    config = saved(run)
    assert config["trainer"]["max_epochs"] == 2
    assert config["trainer"]["default_root_dir"] == str(run)
    record = json.loads((run / "run.json").read_text())
    assert record["overrides"] == ["+experiment=crf", *TWO_EPOCHS]
    assert record["seed"] == 1
    assert record["packages"]["torch"] == version("torch")
    assert {"command", "python", "platform", "git"} <= set(record)


def test_metrics_hold_the_loss_and_the_scores_of_each_epoch(finished: tuple[Path, Result]) -> None:
    run, result = finished
    with (run / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    scores = [float(row["val/f1"]) for row in rows if row["val/f1"]]
    assert len(scores) == 2 + 1  # two epochs, then the best weights
    assert max(scores[:2]) == scores[2] == result["best"]["val/f1"]
    assert len([row for row in rows if row.get("train/loss")]) == 4


@pytest.mark.parametrize("split", ["dev", "test"])
def test_predictions_hold_each_sentence_once_in_the_order_of_the_corpus(
    finished: tuple[Path, Result], split: str
) -> None:
    run, _ = finished
    corpus = list(ConllReader().read(sample_folder("en") / f"{split}.conll", ReadReport()))[:24]
    found = records(run / "predictions" / f"{split}.jsonl")
    assert [record["id"] for record in found] == [sentence.id for sentence in corpus]
    assert [record["words"] for record in found] == [list(sentence.words) for sentence in corpus]
    assert [record["gold"] for record in found] == [[list(span) for span in s.spans] for s in corpus]
    assert all(0 < p <= 1 for record in found for *_, p in record["predicted"])


@pytest.mark.parametrize(("split", "prefix"), [("dev", "val"), ("test", "test")])
def test_scores_are_those_of_seqeval_on_the_stored_predictions(
    finished: tuple[Path, Result], split: str, prefix: str
) -> None:
    run, result = finished
    stored = list(read_stored(run / "predictions" / f"{split}.jsonl"))
    gold, predicted = [s.gold_tags("IOB2") for s in stored], [s.found_tags("IOB2") for s in stored]
    assert any(tag != "O" for tags in predicted for tag in tags)
    strict = f1_score(gold, predicted, mode="strict", scheme=IOB2)
    assert result["best"][f"{prefix}/f1"] == pytest.approx(strict, abs=1e-7)
    assert result["best"][f"{prefix}/lenient_f1"] == pytest.approx(f1_score(gold, predicted), abs=1e-7)


def is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(is_plain(item) for pair in value.items() for item in pair)
    if isinstance(value, list | tuple):
        return type(value) in (list, tuple) and all(map(is_plain, value))
    return value is None or isinstance(value, torch.Tensor) or type(value) in (str, int, float, bool)


@pytest.mark.parametrize("name", ["best", "last"])
def test_checkpoints_hold_plain_containers_and_tensors(finished: tuple[Path, Result], name: str) -> None:
    checkpoint = torch.load(finished[0] / "checkpoints" / f"{name}.ckpt", weights_only=True)
    odd = [key for key, value in checkpoint.items() if not is_plain(value)]
    assert odd == []
    assert checkpoint["ner_lightning"]["config"]["trainer"]["max_epochs"] == 2


FRESH = """
import json, sys
from ner_lightning import Tagger
entities = Tagger.load(sys.argv[1]).tag_texts(json.loads(sys.stdin.read()))
print(json.dumps([[[e.char_start, e.char_end, e.label, e.probability] for e in found] for found in entities]))
"""


def test_a_checkpoint_predicts_the_same_in_a_fresh_process_without_the_encoder(
    finished: tuple[Path, Result],
) -> None:
    run, _ = finished
    assert not (run.parent / "encoder").exists()
    stored = records(run / "predictions" / "test.jsonl")
    texts = [" ".join(record["words"]) for record in stored]
    answer = subprocess.run(
        [sys.executable, "-c", FRESH, str(run)],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
        timeout=120,
        check=True,
    )
    fresh = json.loads(answer.stdout)
    here = Tagger.load(run).tag_texts(texts)
    assert fresh == [[[e.char_start, e.char_end, e.label, e.probability] for e in found] for found in here]
    spans = [[[*span[:3], pytest.approx(span[3], abs=1e-5)] for span in record["predicted"]] for record in stored]
    tagged = Tagger.load(run).tag(list(ConllReader().read(sample_folder("en") / "test.conll", ReadReport()))[:24])
    assert spans == [[[*one.span, one.probability] for one in found] for _, found in tagged]
    assert any(fresh)


def test_the_weights_of_the_best_epoch_are_scored(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoil(task: TaggingTask) -> None:
        if task.trainer.state.fn == TrainerFn.FITTING and task.current_epoch > 4:
            for parameter in [*task.model.projection.parameters(), *task.model.decoder.parameters()]:
                torch.nn.init.zeros_(parameter)

    monkeypatch.setattr(TaggingTask, "on_validation_epoch_start", spoil)
    corpus = write_corpus(tmp_path / "corpus", train=EASY, dev=EASY, test=EASY)
    result = trained(tmp_path, tiny_encoder, "data=conll", f"data.dir={corpus}", *LEARN)
    best = result["best"]
    assert best["val/f1"] == best["test/f1"] > 0.9
    run = tmp_path / "run"
    assert weights(run / "checkpoints/best.ckpt")["model.projection.weight"].any()
    with (run / "metrics.csv").open() as file:
        scores = [float(row["val/f1"]) for row in csv.DictReader(file) if row["val/f1"]]
    assert scores[-2] == 0  # the last epoch's
    assert scores[-1] == best["val/f1"]
    assert any(record["predicted"] for record in records(run / "predictions/test.jsonl"))


class Watch(pl.Callback):
    """Which sentences each step saw, and whether anything had left training mode."""

    def __init__(self) -> None:
        self.epochs: list[list[tuple[int, ...]]] = []
        self.asleep: set[str] = set()

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.epochs.append([])

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        self.epochs[-1].append(batch.index)
        self.asleep |= {name for name, module in pl_module.model.named_modules() if not module.training}


def test_training_is_shuffled_and_dropout_stays_on(tmp_path: Path, tiny_encoder: Path) -> None:
    run = build(resolve_config(train_config(tmp_path, tiny_encoder, "trainer.max_epochs=3", "data.batch_size=5")))
    watch = Watch()
    run.trainer.callbacks.append(watch)  # type: ignore[attr-defined]
    run.trainer.fit(run.task, datamodule=run.data)
    assert watch.asleep == set()
    drops = [module.p for module in run.task.modules() if isinstance(module, torch.nn.Dropout)]
    assert len(drops) > 5
    assert min(drops) == 0.1
    orders = [[i for indices in epoch for i in indices] for epoch in watch.epochs]
    assert [sorted(order) for order in orders] == [list(range(24))] * 3
    assert len({tuple(order) for order in [*orders, list(range(24))]}) == 4


def test_every_group_of_parameters_moves(tmp_path: Path, tiny_encoder: Path) -> None:
    run = build(resolve_config(train_config(tmp_path, tiny_encoder, "optim.warmup=0", "optim.crf_lr=0.05")))
    before = {name: parameter.detach().clone() for name, parameter in run.task.named_parameters()}
    run.trainer.fit(run.task, datamodule=run.data)
    still = [name for name, parameter in run.task.named_parameters() if torch.equal(parameter, before[name])]
    assert still == []
    rates = {group["name"]: group["initial_lr"] for group in run.trainer.optimizers[0].param_groups}
    assert rates == {"encoder": 1e-4, "encoder_no_decay": 1e-4, "head": 1e-3, "head_no_decay": 1e-3, "crf": 0.05}
    # Two steps of Adam: as far as the rate says, not as the encoder's.
    moved = (run.task.model.decoder.transitions - before["model.decoder.transitions"]).abs()
    assert 0.03 < float(moved.max()) < 0.11
    held = sum(len(group["params"]) for group in run.trainer.optimizers[0].param_groups)
    assert held == len(before)


def test_frozen_word_embeddings_stay(tmp_path: Path, tiny_encoder: Path) -> None:
    run = build(resolve_config(train_config(tmp_path, tiny_encoder, "model.encoder.freeze_word_embeddings=true")))
    embeddings = run.task.model.encoder.model.get_input_embeddings().weight
    before = embeddings.detach().clone()
    run.trainer.fit(run.task, datamodule=run.data)
    assert torch.equal(embeddings, before)


def test_accumulated_batches_take_the_steps_of_a_large_one(tmp_path: Path, tiny_encoder: Path) -> None:
    encoder = without_dropout(tiny_encoder, tmp_path / "encoder")
    same = ("model.dropout=0", "data.limit=22", "+trainer.limit_test_batches=1")
    for name, batch, accumulate in (("large", 6, 1), ("small", 3, 2)):
        options = (f"data.batch_size={batch}", f"trainer.accumulate_grad_batches={accumulate}")
        result = trained(tmp_path, encoder, *same, *options, f"paths.output_dir={tmp_path / name}")
        assert result["steps"] == 4
    assert_same_weights(*(tmp_path / n / "checkpoints/last.ckpt" for n in ("large", "small")), rtol=1e-3, atol=2e-5)


RESUME = (*LEARN, "model.dropout=0", "optim.schedule=constant", "optim.warmup=0", "data.batch_size=5", "data=conll")


@pytest.fixture(scope="module")
def resumed(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> dict[str, tuple[Path, Result]]:
    """`straight`: three epochs; `first`: one; `second`: the other two, gone on with where the encoder was another."""
    folder = tmp_path_factory.mktemp("resumed")
    encoder = without_dropout(tiny_encoder, folder / "encoder")
    other = without_dropout(write_tiny_encoder(folder / "with", seed=5), folder / "other")
    corpus = write_corpus(folder / "corpus", train=EASY, dev=EASY, test=EASY)
    runs = {}
    for name, epochs, more in (
        ("straight", 3, []),
        ("first", 1, []),
        ("second", 3, [f"ckpt_path={folder / 'first/checkpoints/last.ckpt'}"]),
    ):
        options = (*RESUME, f"data.dir={corpus}", f"trainer.max_epochs={epochs}", *more)
        result = trained(folder, other if more else encoder, *options, f"paths.output_dir={folder / name}")
        runs[name] = (folder / name, result)
    return runs


def test_resuming_goes_on_as_if_never_stopped(resumed: dict[str, tuple[Path, Result]]) -> None:
    straight, second = (torch.load(resumed[n][0] / "checkpoints/last.ckpt") for n in ("straight", "second"))
    assert (second["epoch"], second["global_step"]) == (straight["epoch"], straight["global_step"]) == (2, 51)
    torch.testing.assert_close(second["state_dict"], straight["state_dict"], rtol=0, atol=0)
    (ours,), (theirs,) = second["optimizer_states"], straight["optimizer_states"]
    assert ours["state"]
    torch.testing.assert_close(ours["state"], theirs["state"], rtol=0, atol=0)
    assert ours["param_groups"] == theirs["param_groups"]
    assert second["lr_schedulers"] == straight["lr_schedulers"]
    assert resumed["second"][1]["resumed_from"] == str(resumed["first"][0] / "checkpoints/last.ckpt")
    assert resumed["second"][1]["epochs"] == 3
    assert resumed["straight"][1]["resumed_from"] is None


def test_resuming_remembers_the_best_epoch(
    tmp_path: Path, resumed: dict[str, tuple[Path, Result]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the epochs after the resumption are worse, and where there are none."""
    first, result = resumed["first"]
    assert result["best"]["val/f1"] > 0

    def spoil(task: TaggingTask) -> None:
        if task.trainer.state.fn == TrainerFn.FITTING:
            for parameter in [*task.model.projection.parameters(), *task.model.decoder.parameters()]:
                torch.nn.init.zeros_(parameter)

    monkeypatch.setattr(TaggingTask, "on_validation_epoch_start", spoil)
    for epochs in (1, 2):
        folder = tmp_path / str(epochs)
        options = (f"trainer.max_epochs={epochs}", f"ckpt_path={first / 'checkpoints/last.ckpt'}")
        options = (f"data.dir={first.parent / 'corpus'}", *options)
        again = trained(tmp_path, first.parent / "encoder", *RESUME, *options, f"paths.output_dir={folder}")
        assert again["best"]["checkpoint"] == str(folder / "checkpoints/best.ckpt")
        assert again["best"]["test/f1"] == result["best"]["test/f1"]
        assert_same_weights(folder / "checkpoints/best.ckpt", first / "checkpoints/best.ckpt", rtol=0, atol=0)
    assert not weights(tmp_path / "2/checkpoints/last.ckpt")["model.projection.weight"].any()
    assert (first / "checkpoints/last.ckpt").exists()


def test_resuming_finds_the_newest_run_of_the_name(tmp_path: Path) -> None:
    config: dict[str, Any] = {"ckpt_path": "last", "paths": {"outputs": str(tmp_path)}, "name": "crf"}
    with pytest.raises(UserError, match=r"last: no run below .*/crf has a checkpoints/last.ckpt; start without ckpt_"):
        resume_from(config)
    for number, run in enumerate(("crf/old", "crf/new", "softmax/newer")):
        file = tmp_path / run / "checkpoints" / "last.ckpt"
        file.parent.mkdir(parents=True)
        file.touch()
        os.utime(file, (number, number))
    assert resume_from(config) == tmp_path / "crf/new/checkpoints/last.ckpt"
    assert resume_from(config | {"ckpt_path": None}) is None
    (tmp_path / "crf/old/checkpoints/best.ckpt").touch()
    assert resume_from(config | {"ckpt_path": str(tmp_path / "crf/old")}) == tmp_path / "crf/old/checkpoints/last.ckpt"
    with pytest.raises(UserError, match="no such checkpoint"):
        resume_from(config | {"ckpt_path": str(tmp_path / "crf/old/nothing.ckpt")})


def test_the_same_seed_gives_the_same_run_and_another_another(tmp_path: Path, tiny_encoder: Path) -> None:
    files = {}
    for name in ("one", "again"):
        trained(tmp_path, tiny_encoder, f"paths.output_dir={tmp_path / name}", "test=false")
        files[name] = tmp_path / name / "checkpoints/last.ckpt"
    assert_same_weights(files["one"], files["again"], rtol=0, atol=0)
    one, two = (build(resolve_config(train_config(tmp_path, tiny_encoder, f"seed={seed}"))) for seed in (1, 2))
    assert not torch.allclose(one.task.model.projection.weight, two.task.model.projection.weight)
    assert [b.index for b in one.data.train_dataloader()] != [b.index for b in two.data.train_dataloader()]
    assert sorted(path.name for path in (tmp_path / "one/predictions").iterdir()) == ["dev.jsonl"]  # test=false


@pytest.mark.parametrize(
    "options",
    [
        *(["+experiment=" + name] for name in EXPERIMENTS),
        ["+experiment=[crf,chinese]"],
        ["+experiment=softmax", "model.decoder.constrain=decode"],
        ["data.scheme=BIOES"],
        ["data.scheme=BIOES", "+experiment=softmax"],
        ["data.batching=length_bucket"],
        ["data.batching=random", "data.num_workers=1"],
        ["model.pooling=last"],
        ["model.pooling=mean"],
        ["model.decoder.init=bigrams"],
        ["model.decoder.constrain=none", "model.decoder.backend=reference"],
        ["optim.layer_decay=0.9", "optim.schedule=cosine"],
        ["trainer.precision=bf16-mixed"],
        ["callbacks=early_stopping"],
        ["logger=tensorboard"],
        ["+debug=fast"],
        ["+debug=overfit"],
        ["+debug=profile"],
    ],
    ids=" ".join,
)
def test_it_survives_a_step(tmp_path: Path, tiny_encoder: Path, options: list[str]) -> None:
    once = ["trainer.max_epochs=1", "++trainer.limit_train_batches=1"]
    if "+debug=fast" in options:
        once = []
    result = trained(tmp_path, tiny_encoder, *options, *once)
    assert result["steps"] == (2 if "+debug=fast" in options else 1)
    assert 0 <= result["best"]["test/f1"] <= 1
    tags = load(tmp_path / "run").task.tags
    assert tags.scheme == ("BIOES" if "data.scheme=BIOES" in options else "IOB2")


def test_there_are_experiments() -> None:
    assert {"crf", "softmax"} <= set(EXPERIMENTS)


def test_the_best_checkpoint_of_a_run_folder_is_found(finished: tuple[Path, Result], tmp_path: Path) -> None:
    run, _ = finished
    assert find_checkpoint(run) == run / "checkpoints/best.ckpt"
    assert find_checkpoint(run / "checkpoints/last.ckpt").name == "last.ckpt"
    with pytest.raises(UserError, match=r"best.ckpt: no such checkpoint; give ckpt=RUN_FOLDER or ckpt=FILE.ckpt"):
        find_checkpoint(tmp_path)


def test_the_dev_split_is_shown_where_there_is_no_test_split(
    tmp_path: Path, tiny_encoder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = write_corpus(tmp_path / "corpus", train=EASY[:4], dev=EASY[:4])
    result = trained(tmp_path, tiny_encoder, "data=conll", f"data.dir={corpus}")
    assert "val/f1" in result["best"]
    assert "test/f1" not in result["best"]
    assert "dev: entities, strict" in capsys.readouterr().out


def test_score_can_be_asked_for_alone(tmp_path: Path, tiny_encoder: Path) -> None:
    config = resolve_config(train_config(tmp_path, tiny_encoder))
    run = build(config)
    run.trainer.fit(run.task, datamodule=run.data)
    assert score(run, config)["test/support"] == sum(len(s.spans) for s in run.data.sentences["test"])
