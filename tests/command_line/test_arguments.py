from __future__ import annotations

from pathlib import Path

import pytest

from ner_lightning.command_line.arguments import flags_first, parse
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
    ordered = flags_first(argv, arguments.overrides)
    assert ordered[-2:] == ["a=1", "b=2"]
    assert sorted(ordered) == sorted(argv)


def test_what_lightning_appends_is_understood() -> None:
    """It starts the other processes of a ddp run with overrides behind whatever the user typed."""
    typed = flags_first(["seed=2", "--config-dir", "mine"], ["seed=2"])
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
