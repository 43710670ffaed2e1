"""What composes and still cannot run is told before anything heavy is imported."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command_line.conftest import Say

TRAIN = {
    # what the user must give
    "data=conll": "data.dir is not given: write data=conll data.dir=FOLDER.",
    "data=jsonl": "data.dir is not given: write data=jsonl data.dir=FOLDER.",
    "data=corpus data.dir=/": "data.reader is not given: write data=conll, data=jsonl or data=hf",
    # keys nobody reads, keys that are missing
    "+experimen=crf": "experimen: nothing reads a key of that name; did you mean +experiment.",
    "~model": "model has been deleted, but train needs it: leave ~model out.",
    "~model.decoder": "model.decoder is missing: every model has one; choose it with model/decoder=OPTION.",
    "~model.encoder": "model.encoder is missing",
    "~model.encoder.name": "model.encoder.name is missing",
    "~data.dir": "data.dir is missing",
    "model.decoder=null": "model.decoder is missing",
    "model.encoder=3": "model/encoder is a group of files",
    "~optim": "optim has been deleted, but train needs it: leave ~optim out.",
    "model.decoder=softmax": "model/decoder is a group of files, written with a slash: model/decoder=softmax.",
    "data=conll data.reader=jsonl": "written with a slash: data/reader=jsonl.",
    # interpolations
    "'name=${nme}'": "name: Interpolation key 'nme' not found",
    "'name=${oc.env:NO_SUCH_VARIABLE}'": "Environment variable 'NO_SUCH_VARIABLE' not found",
    "'name=${foo:1}'": "name: Unsupported interpolation type foo",
    # classes and their arguments
    "data.reader._target_=os.system": "data.reader._target_: os.system is not allowed.",
    "model.decoder._target_=ner_lightning.model.decoder.crf.CFR": "ner_lightning.model.decoder.crf.CFR does not exist",
    "+model.decoder.bakend=x": "model.decoder.bakend: CRF takes no bakend; did you mean model.decoder.backend.",
    "+trainer.limit_val_batchs=2": "Trainer takes no limit_val_batchs; did you mean +trainer.limit_val_batches.",
    "+callbacks.mine=1": "callbacks.mine=1: expected a node with a _target_",
    "callbacks.checkpoint=null": "nothing is built from null; write ~callbacks.checkpoint to leave it out.",
    # closed lists and kinds of values
    "model.pooling=frist": "model.pooling=frist: expected one of first, last, mean; did you mean first.",
    "model.decoder.constrain=bth": "expected one of both, decode, none; did you mean both.",
    "data.batching=paked": "did you mean packed.",
    "data.units=chars": "data.units=chars: expected one of words, characters",
    "data.batch_size=many": "data.batch_size=many: expected a whole number from 1 on.",
    "data.batch_size=1.5": "data.batch_size=1.5: expected a whole number from 1 on.",
    "optim.encoder_lr=fast": "optim.encoder_lr=fast: expected a number.",
    "trainer.max_epochs=ten": "trainer.max_epochs=ten: expected a whole number or null.",
    "trainer.precision=32-tru": "did you mean 32-true.",
    "seed=abc": "seed=abc: expected a whole number from 0 on.",
    "seed=": "seed=: expected a whole number from 0 on.",
    "test=maybe": "test=maybe: expected true or false.",
    "name=2024": "name=2024: expected text; write \"name='2024'\" with both pairs of quotes.",
    # children of ddp would run the whole sweep again
    "-m trainer=ddp_cpu seed=1,2": "does not work in a sweep (-m): start one command for each run.",
    "-m trainer=cpu,ddp seed=1": "trainer.strategy=ddp with trainer.devices=auto does not work in a sweep",
    "-m trainer.devices=2 seed=1,2": "trainer.strategy=auto with trainer.devices=2 does not work in a sweep",
    # files and folders
    "data=conll data.dir=/no/such": "data.dir=/no/such: there is no such folder.",
    "data=conll data.dir=no_such": "data.dir=no_such: there is no such folder (looked for ",
    "data.dir=sample:fr": "there is no such sample; choose one of sample:en, sample:zh.",
    "ckpt_path=/no/such": "ckpt_path=/no/such: there is no such file or folder.",
    # every value of a sweep
    "-m model.pooling=first,mean,las": "model.pooling=las: expected one of",
    "-m 'seed=choice(1,2,x)'": "seed=x: expected a whole number from 0 on.",
}


@pytest.mark.parametrize("line", TRAIN)
def test_a_train_that_cannot_run(line: str, say: Say) -> None:
    answer = say("train", line)
    assert TRAIN[line] in answer
    assert "\n" not in answer


@pytest.mark.parametrize(
    ("command", "line", "sentence"),
    [
        ("evaluate", "", "ckpt is not given: write ckpt=RUN_FOLDER or ckpt=FILE.ckpt."),
        ("evaluate", "ckpt=/no/such.ckpt", "ckpt=/no/such.ckpt: there is no such file or folder."),
        ("evaluate", "ckpt=/ split=tst", "split=tst: expected one of test, dev; did you mean test."),
        ("evaluate", "ckpt=/ data=conll", "data.dir is not given: write data=conll data.dir=FOLDER."),
        ("evaluate", "ckpt=/ data=conl", "did you mean data=conll?"),
        ("evaluate", "ckpt=/ data=conll data.dir=/", ""),
        ("evaluate", "ckpt=/", ""),
        ("predict", "ckpt=/", "input is not given: write input=FILE, or input=- for standard input."),
        ("predict", "ckpt=/ input=/no/such.txt", "input=/no/such.txt: there is no such file."),
        ("predict", "ckpt=/ input=- output_format=jsn", "expected one of auto, jsonl, conll; did you mean jsonl."),
        ("predict", "ckpt=/ input=- input_format=conll", "input_format: is called from now; write from=conll."),
        ("predict", "ckpt=/ input=- from=jsnl", "there is no such from, did you mean from=jsonl?"),
        ("predict", "ckpt=/ input=-", ""),
    ],
)
def test_the_other_commands(command: str, line: str, sentence: str, say: Say) -> None:
    answer = say(command, line)
    assert sentence in answer
    assert bool(answer) == bool(sentence)


@pytest.mark.parametrize(
    ("command", "line", "sentence"),
    [
        ("predict", "batch_size=0", "batch_size=0: expected a whole number from 1 on."),
        ("predict", "batch_size=-3", "batch_size=-3: expected a whole number from 1 on."),
        ("predict", "batch_size=1.5", "batch_size=1.5: expected a whole number from 1 on."),
        ("predict", "batch_size=null", "batch_size=null: expected a whole number from 1 on."),
        ("predict", "min_probability=nan", "min_probability=nan: expected a number from 0 to 1."),
        ("predict", "min_probability=2", "min_probability=2: expected a number from 0 to 1."),
        ("predict", "min_probability=-0.1", "min_probability=-0.1: expected a number from 0 to 1."),
        ("predict", "min_probability=high", "min_probability=high: expected a number from 0 to 1."),
        ("predict", "min_probability=true", "min_probability=true: expected a number from 0 to 1."),
        ("predict", "units=word", "did you mean words."),
        ("predict", "device=0", "device=0: expected text"),
        ("predict", "force=1", "force=1: expected true or false."),
        ("compare", "samples=0", "samples=0: expected a whole number from 1 on."),
        ("compare", "level=1", "level=1: expected a number between 0 and 1."),
        ("compare", "level=nan", "level=nan: expected a number between 0 and 1."),
        ("compare", "listed=-1", "listed=-1: expected a whole number from 0 on."),
        ("compare", "pairs=some", "pairs=some: expected one of auto, all, best."),
        ("compare", "columns=f1", "columns=f1: expected"),
        ("compare", "wandb.mode=ofline", "expected one of auto, online, offline, disabled; did you mean offline."),
        ("compare", "force=1", "force=1: expected true or false."),
        ("inspect", "fail_on=leakage", "fail_on=leakage: expected"),
        ("train", "seed=-1", "seed=-1: expected a whole number from 0 on."),
        ("train", "data.batch_size=0", "data.batch_size=0: expected a whole number from 1 on."),
        ("train", "data.splits={dev:many}", "data.splits.dev=many: expected a number."),
        ("train", "data.label_map={GPE:[LOC]}", "data.label_map.GPE=['LOC']: expected text or null."),
        ("train", "data.fraction=0", "data.fraction=0: expected a number"),
        ("train", "data.cache_gb=nan", "data.cache_gb=nan: expected a number"),
        ("train", "optim.head_lr=nan", "optim.head_lr=nan: expected"),
        ("inspect", "inspection.limits.rare=many", "inspection.limits.rare=many: expected a number from 0 to 1."),
        ("inspect", "inspection.limits.rare=nan", "inspection.limits.rare=nan: expected a number from 0 to 1."),
        ("inspect", "inspection.listed=-1", "inspection.listed=-1: expected a whole number from 1 on."),
    ],
)
def test_numbers_that_mean_nothing(command: str, line: str, sentence: str, say: Say) -> None:
    given = "ckpt=/ input=- " if command == "predict" else ""
    assert sentence in say(command, given + line)


def test_an_output_that_cannot_be(say: Say, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("Oslo\n")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "result.json").write_text('{"best": {}}')
    given = f"ckpt=/ input={tmp_path}/in.txt"
    assert "this is what is read (input" in say("predict", f"{given} output={tmp_path}/in.txt")
    assert "file name too long" in say("predict", f"{given} output={'n' * 300}")
    assert "not a directory" in say("predict", f"{given} output={tmp_path}/in.txt/x")
    assert "this is a file of the run" in say("predict", f"{given} output={tmp_path}/run/result.json")
    for command in ("train", "evaluate"):
        words = "ckpt=/" if command == "evaluate" else "data=sample_en"
        said = say(command, f"{words} hydra.run.dir={tmp_path}/run")
        assert said.startswith(f"hydra.run.dir={tmp_path}/run: a finished run stands there; name another folder")


def test_a_hub_data_set_is_not_looked_for_on_the_disk(say: Say) -> None:
    assert say("train", "data=hf data.dir=owner/name") == ""


def test_paths_that_are_there(say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "corpus").mkdir()
    monkeypatch.chdir(tmp_path)
    assert say("train", f"data=conll data.dir={tmp_path}/corpus ckpt_path={tmp_path}") == ""
    assert say("train", "data=conll data.dir=corpus ckpt_path=last") == ""


def test_a_folder_of_the_users_own(say: Say, mine: Path) -> None:
    assert say("train", f"--config-dir {mine} +experiment=mine data.batch_size=2") == ""
    assert say("train", f"+experiment=mine --config-dir {mine} data=mine") == ""
    assert say("train", "--config-dir /no/such") == "--config-dir /no/such: there is no such folder."


def test_an_overlay_of_the_users_own_invents_no_key(say: Say, mine: Path) -> None:
    answer = say("train", f"--config-dir {mine} +experiment=invents")
    assert answer == "experimental: nothing reads a key of that name; did you mean +experiment."


def test_a_sweep_in_a_file_is_checked_value_by_value(say: Say, mine: Path) -> None:
    assert say("train", f"--config-dir {mine} +sweep=rates") == "optim.encoder_lr=fast: expected a number."


def test_showing_the_configuration_asks_for_nothing(say: Say) -> None:
    assert say("train", "--cfg job data=conll") == ""
    assert "did you mean seed?" in say("train", "--cfg job seedd=1")


def test_a_group_of_a_group_that_a_command_has_alone(say: Say) -> None:
    """`model/encoder` without `model`: the node above has no class, those in it have."""
    assert say("inspect", "model/encoder=minilm") == ""
    assert say("inspect", "") == ""
    assert say("inspect", "model/encoder=minilm ~model.encoder._target_").startswith("model.encoder={'name'")
    assert say("inspect", "model/encoder=minilm +model.encoder.nme=1").startswith("model.encoder.nme: Encoder takes no")


def test_a_run_folder_that_cannot_be_made(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "cannot be written (file name too long)" in say("train", f"name={'x' * 300}")
    monkeypatch.setattr("ner_lightning.storage.outputs.os.access", lambda *_: False)
    assert "cannot be written (permission denied)" in say("train", "")
    assert say("predict", "") == "ckpt is not given: write ckpt=RUN_FOLDER or ckpt=FILE.ckpt."
