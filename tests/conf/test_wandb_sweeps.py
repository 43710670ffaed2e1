"""The sweep files of W&B start our command with words that it knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ner_lightning.command_line.checks import check
from ner_lightning.command_line.compose import compose, hydra_session
from ner_lightning.command_line.vocabulary import Vocabulary
from tests.conf.tree import CONF, FOREIGN

SWEEPS = sorted((CONF / "wandb").glob("*.yaml"))


def values_of(parameter: dict[str, Any]) -> list[Any]:
    """The values that W&B may give: a list of them, or both ends of a range."""
    if "value" in parameter:
        return [parameter["value"]]
    return parameter.get("values") or [parameter["min"], parameter["max"]]


def command_lines(sweep: dict[str, Any]) -> list[list[str]]:
    """What an agent types: each value of each parameter once, the others at their first."""
    first, *rest = (i for i, word in enumerate(sweep["command"]) if word == "${args_no_hyphens}")
    assert not rest
    before, after = sweep["command"][:first], sweep["command"][first + 1 :]
    drawn = {key: values_of(parameter) for key, parameter in sweep["parameters"].items()}
    lines = []
    for key, values in drawn.items():
        for value in values:
            words = {other: all_of_it[0] for other, all_of_it in drawn.items()} | {key: value}
            lines.append([*before, *(f"{name}={word}" for name, word in words.items()), *after])
    return lines


def test_there_are_some() -> None:
    assert SWEEPS
    assert FOREIGN == ("wandb",)


@pytest.mark.parametrize("file", SWEEPS, ids=lambda file: file.stem)
def test_every_command_line_of_an_agent_is_understood(file: Path) -> None:
    sweep = yaml.safe_load(file.read_text(encoding="utf-8"))
    lines = command_lines(sweep)
    assert len(lines) >= len(sweep["parameters"]) > 0
    with hydra_session("train") as hydra:
        known = Vocabulary(hydra, "train", [])
        for line in lines:
            assert line[:4] == ["${env}", "python", "-m", "ner_lightning.train"]
            container = check(compose(hydra, "train", line[4:]), known)
            assert container["logger"]["wandb"]["project"] == sweep["project"]
        assert {*sweep["parameters"]} <= {*known.keys}


@pytest.mark.parametrize("file", SWEEPS, ids=lambda file: file.stem)
def test_the_metric_is_one_that_every_epoch_logs(file: Path) -> None:
    sweep = yaml.safe_load(file.read_text(encoding="utf-8"))
    with hydra_session("train") as hydra:
        assert sweep["metric"] == {"name": compose(hydra, "train", []).monitor, "goal": "maximize"}
    assert (CONF.parent / sweep["program"]).is_file()
