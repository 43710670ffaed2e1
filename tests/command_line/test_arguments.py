from __future__ import annotations

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from ner_lightning.command_line.arguments import parse, quoted
from ner_lightning.errors import UserError


@pytest.mark.parametrize(
    "argv",
    [
        ["a=1", "--config-dir", "mine", "b=2"],
        ["a=1", "b=2", "--config-dir", "mine"],
        ["--config-dir", "mine", "a=1", "b=2"],
        ["--config-dir=mine", "a=1", "b=2"],
    ],
)
def test_flags_may_stand_anywhere(argv: list[str]) -> None:
    arguments = parse(argv)
    assert (arguments.config_dir, arguments.overrides) == ("mine", ["a=1", "b=2"])
    assert arguments.argv[-2:] == ["a=1", "b=2"]
    assert sorted(arguments.argv) == sorted(argv)


def test_what_lightning_appends_is_understood() -> None:
    """It starts the other processes of a ddp run with overrides behind whatever the user typed."""
    typed = parse(["seed=2", "--config-dir", "mine"]).argv
    arguments = parse([*typed, 'hydra.run.dir="outputs/x"', "hydra.job.name=train_ddp_process_1"])
    assert arguments.overrides == ["seed=2", 'hydra.run.dir="outputs/x"', "hydra.job.name=train_ddp_process_1"]


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["--data", "conll"], "Unrecognized arguments: --data: a value is given as key=value without dashes"),
        (["--cfg", "jbo"], "Argument --cfg/-c: invalid choice: 'jbo'"),
        (["--config-dir"], "Argument --config-dir/-cd: expected one argument"),
        (["--config-path", "mine"], "--config-path would replace our whole configuration: write --config-dir FOLDER"),
    ],
)
def test_a_wrong_flag_is_answered(argv: list[str], sentence: str) -> None:
    with pytest.raises(UserError) as raised:
        parse(argv)
    assert str(raised.value).startswith(sentence)
    assert "\n" not in str(raised.value)


def test_a_pickled_job_is_not_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--experimental-rerun would unpickle a file.*reproduce RUN"):
        parse([f"--experimental-rerun={tmp_path / 'config.pickle'}"])


@pytest.mark.parametrize(
    ("command", "argv", "overrides"),
    [
        ("compare", ["a b", "split=dev", "out/lr-3/*", "~wandb", "+x.y=2"], ["split=dev", "~wandb", "+x.y=2", "RUNS"]),
        ("compare", ["a b", "--to-wandb", "out/lr-3/*"], ["RUNS", "to_wandb=true"]),
        ("compare", ["runs=[one, two]", "a b", "out/lr-3/*"], ["runs=[one, two,'a b','out/lr-3/*']"]),
        ("reproduce", ["run", "--output", "new one"], ["run='run'", "output='new one'"]),
        ("reproduce", ["--output=-", "run"], ["run='run'", "output='-'"]),
        ("reproduce", ["run=x", "against=y", "hydra.verbose=true"], ["run=x", "against=y", "hydra.verbose=true"]),
        (
            "reproduce",
            ["run", "data.dir=x", "+data.hub_token=${oc.env:T}"],
            ["run='run'", r"given=['data.dir=x','+data.hub_token=\${oc.env:T}']"],
        ),
        ("sweep_status", ["--json", "a/b=c", "--watch"], ["a/b=c", "watch=true", "json=true"]),
        ("train", ["a b", "seed=1"], ["a b", "seed=1"]),
    ],
)
def test_other_ways_to_write_a_key(command: str, argv: list[str], overrides: list[str]) -> None:
    parsed = parse(argv, command).overrides
    assert parsed == [word.replace("RUNS", "runs=['a b','out/lr-3/*']") for word in overrides]


def test_a_name_that_looks_like_a_key_is_one_if_it_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lr=1").mkdir()
    assert parse(["lr=1", "lr=2"], "compare").overrides == ["lr=2", "runs=['lr=1']"]
    assert parse(["x" * 5000 + "=1"], "compare").overrides == ["x" * 5000 + "=1"]


@pytest.mark.parametrize(
    ("command", "argv", "sentence"),
    [
        ("reproduce", ["one", "two"], "one two: expected one RUN."),
        ("sweep_status", ["one", "folder=two"], "one folder=two: expected one FOLDER."),
        ("reproduce", ["one", "--output"], "Argument --output: expected one argument; see --help."),
        ("sweep_status", ["one", "--wach"], "Unrecognized arguments: --wach"),
        ("train", ["--watch"], "Unrecognized arguments: --watch"),
    ],
)
def test_what_stands_for_no_key_is_answered(command: str, argv: list[str], sentence: str) -> None:
    with pytest.raises(UserError) as raised:
        parse(argv, command)
    assert str(raised.value).startswith(sentence)


@pytest.mark.parametrize(
    "text", ["a b", "it's", "a\\b", "a\\", "\\'", "${oc.env:HOME}", "\\${x}", "a,b=[c]", "人 名", "", "~x"]
)
def test_a_text_comes_through_hydra_as_it_is(text: str) -> None:
    from hydra.core.override_parser.overrides_parser import OverridesParser

    value = OverridesParser.create().parse_override(f"key={quoted(text)}").value()
    assert OmegaConf.to_container(OmegaConf.create({"key": value}), resolve=True) == {"key": text}
