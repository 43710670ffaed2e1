from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import pytest
import yaml

from ner_lightning.errors import UserError
from ner_lightning.reproduce import reproduce
from ner_lightning.reproduction.again import check_run_secrets, redirect_config, run_again, stored_config
from tests.runs import trained
from tests.storage.test_yaml_files import laughs

ROOT = Path(__file__).parents[2]


def test_a_run_that_was_of_a_sweep_and_told_a_service_is_alone_the_second_time() -> None:
    config = {
        "paths": {"outputs": "out", "output_dir": "out/a"},
        "logger": {"wandb": {"project": "x"}},
        "callbacks": {"pruning": {"trial": 3}, "last": {"dirpath": "out/a/checkpoints"}, "other": {"folder": "out/ab"}},
        "ckpt_path": "out/a",
        "sweep": {"name": "s", "job": "seed-1", "search": {"trials": 3}, "effective_batch": 32},
    }
    new = redirect_config(config)
    assert new["callbacks"] == {"last": {"dirpath": "${paths.output_dir}/checkpoints"}, "other": {"folder": "out/ab"}}
    assert (new["logger"], new["ckpt_path"]) == ({}, None)
    assert new["sweep"] == {"name": None, "job": None, "search": None, "effective_batch": 32}
    assert new["paths"] == {"outputs": "out", "output_dir": "${hydra:runtime.output_dir}"}


def test_what_is_no_finished_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"not the folder of a finished run: it was not finished: no result\.json"):
        stored_config(tmp_path)
    for damaged, told in {
        "{}": r"result\.json holds no scores of a training",
        '{"best": {"test/f1": 0.5': r"result\.json is damaged \(",
        '{"best": {"checkpoint": "x"}}': r"result\.json: holds no scores to compare with",
    }.items():
        (tmp_path / "result.json").write_text(damaged)
        (tmp_path / "config.yaml").write_text("paths: {output_dir: x}\n")
        with pytest.raises(UserError, match=told):
            stored_config(tmp_path)
    (tmp_path / "result.json").write_text('{"best": {"test/f1": 0.5}}')
    (tmp_path / "config.yaml").unlink()
    with pytest.raises(UserError, match=r"no config\.yaml: give the folder of a training run"):
        stored_config(tmp_path)
    (tmp_path / "config.yaml").write_text("data: {}\n")
    with pytest.raises(UserError, match=r"config\.yaml: expected the configuration of a run"):
        stored_config(tmp_path)
    (tmp_path / "config.yaml").write_text("paths: {output_dir: x}\n")
    assert stored_config(tmp_path) == {"paths": {"output_dir": "x"}}
    (tmp_path / "config.yaml").write_text("paths: {output_dir: [")
    with pytest.raises(UserError, match=r"config\.yaml is damaged \("):
        stored_config(tmp_path)


def test_a_secret_that_is_not_stored_has_to_be_given_if_the_second_run_needs_it(tmp_path: Path) -> None:
    config = {"logger": {"wandb": {"tags": ["(hidden)"]}}, "data": {"dir": "x", "hub_token": "(hidden)"}}
    with pytest.raises(UserError, match=r"data.hub_token was a secret and is not stored; add data.hub_token=VALUE"):
        check_run_secrets(tmp_path, config, [])
    check_run_secrets(tmp_path, config, ["+data.hub_token=abc"])
    config["data"]["hub_token"] = "${oc.env:HF_TOKEN}"
    check_run_secrets(tmp_path, config, [])


def stored(folder: Path, text: str) -> Path:
    """A finished run of a few keys."""
    (folder / "config.yaml").write_text("paths: {output_dir: out/a, outputs: out}\n" + text)
    (folder / "result.json").write_text('{"best": {"test/f1": 0.5}}')
    return folder


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "callbacks: {x: {_target_: os.system, command: ls}}",
            r"config\.yaml: callbacks\.x\._target_: os\.system is not",
        ),
        (
            "data: {reader: {_target_: ner_lightning.sweep.process.run}}",
            r"data\.reader\._target_: .* is not built here",
        ),
        ("name: {_target_: ner_lightning.sweep.process.run}", r"name\._target_: .* nothing is built at this place"),
        ("name: '${oc.env:HOME}'", "name: a stored configuration is resolved"),
        ("callbacks: {last: {dirpath: /home/me}}", r"callbacks\.last\.dirpath=/home/me: a run that is repeated writes"),
        ("callbacks: {last: {dirpath: out/a/../../x}}", "writes into its own folder alone"),
        ("callbacks: {last: {dirpath: out/ab}}", "writes into its own folder alone"),
        ("callbacks: {last: {filename: ../x}}", r"filename=\.\./x: a run that is repeated"),
        ("trainer: {profiler: {dirpath: .}}", r"trainer\.profiler\.dirpath=\.: a run that is repeated"),
        ("trainer: {default_root_dir: /}", "writes into its own folder alone"),
        (laughs(40), r"config\.yaml:\d+: stands for more than"),
    ],
)
def test_what_somebody_elses_run_may_not_do(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        stored_config(stored(tmp_path, text))
    with pytest.raises(UserError, match=message):
        reproduce(tmp_path, output=tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_what_is_said_to_hydra_is_not_handed_on(tmp_path: Path) -> None:
    text = "hydra: {callbacks: {x: {_target_: os.system}}}\ndefaults: [/x]\ncallbacks: {}\ndata: {cache: /home/me}\n"
    config = stored_config(stored(tmp_path, text))
    assert not {"hydra", "defaults"} & set(config)
    with patch("subprocess.run") as run:
        run.return_value.returncode = 0
        assert run_again(config, tmp_path / "new", given=["data.hub_token=abc"]) == 0
    assert run.call_args.args[0][-2:] == [f"hydra.run.dir='{tmp_path / 'new'}'", "data.hub_token=abc"]
    given = yaml.safe_load((tmp_path / "new/given.yaml").read_text())
    assert given["defaults"] == [{"hydra": "default"}, "_self_"]
    assert "hydra" not in given
    assert given["data"] == {"cache": "auto"}


@pytest.mark.parametrize("setup", ["[]", '{"threads": "; ls"}', '{"threads": -1}', "null"])
def test_threads_are_a_number(setup: str, tmp_path: Path) -> None:
    stored(tmp_path, "callbacks: {}\n")
    (tmp_path / "result.json").write_text('{"best": {"test/f1": 0.5}, "setup": ' + setup + "}")
    with (
        patch("ner_lightning.reproduce.run_again", return_value=1) as again,
        pytest.raises(UserError, match="the second run failed"),
    ):
        reproduce(tmp_path, output=tmp_path / "new")
    assert again.call_args.args[2] is None


def test_a_folder_that_is_taken_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"paths": {"output_dir": "x", "outputs": str(tmp_path)}}))
    (tmp_path / "result.json").write_text('{"best": {"test/f1": 0.5}}')
    with pytest.raises(UserError, match="it is there already"):
        reproduce(tmp_path, output=tmp_path)


@pytest.mark.slow
def test_a_run_repeats_itself_to_the_last_bit(tmp_path: Path, tiny_encoder: Path) -> None:
    trained(tmp_path, tiny_encoder, "trainer.max_epochs=2")
    command = [
        sys.executable,
        "-m",
        "ner_lightning.reproduce",
        str(tmp_path / "run"),
        "--output",
        str(tmp_path / "new"),
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    again = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=400)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "The same: every score and every stored prediction." in again.stdout.splitlines()
    # Another seed is another run, and the difference is told.
    trained(tmp_path, tiny_encoder, "trainer.max_epochs=2", "seed=2", f"paths.output_dir={tmp_path / 'other'}")
    assert reproduce(tmp_path / "run", against=tmp_path / "other") == 1


def call(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-X", "importtime", "-m", "ner_lightning.reproduce", *words]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--help"], 0, "Run a stored run again"),
        ([], 2, "run is not given: write the folder of a finished run."),
        (["nowhere"], 2, "run=nowhere: there is no such folder (looked for "),
        (["run\x1b[31m"], 2, "run=run\\x1b[31m: there is no such folder"),
        (["."], 2, ".: not the folder of a finished run: it was not finished"),
        ([".", "--output", "new", "output=other"], 2, ".: not the folder of a finished run"),
        (["a", "b"], 2, "a b: expected one RUN."),
        (["run=3"], 2, "run=3: expected text"),
    ],
)
def test_the_command_line(words: list[str], code: int, told: str, tmp_path: Path) -> None:
    found = call(*words, folder=tmp_path)
    lines = [line for line in found.stderr.splitlines() if not line.startswith("import time:")]
    assert found.returncode == code
    assert told in (found.stdout if code == 0 else "".join(lines))
    assert len(lines) == (code != 0)
    assert "\x1b" not in found.stderr
    imported = {line.rpartition("|")[2].strip() for line in found.stderr.splitlines()}
    assert {"torch", "numpy", "pytorch_lightning"}.isdisjoint(imported)


def test_a_word_about_nothing_that_is_stored_is_refused(tmp_path: Path) -> None:
    stored(tmp_path, "data: {dir: x, limit: null}\n")
    for word in ("data.limit=3", "data.dir=elsewhere", "+data.hub_token=x"):
        with pytest.raises(UserError, match="there already"):
            reproduce(tmp_path, output=tmp_path, given=[word])
    for word in ("outptu=x", "data.dri=x", "data.dir.x=1"):
        with pytest.raises(UserError, match=f"{word}: neither a key of reproduce"):
            reproduce(tmp_path, output=tmp_path, given=[word])
