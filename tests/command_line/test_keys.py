"""The keys that commands declare, and the YAML that says the same to its readers."""

from __future__ import annotations

import re
from typing import Any

import pytest
from omegaconf import OmegaConf

from ner_lightning.command_line.compose import conf_folder
from ner_lightning.command_line.keys import COMMANDS, keys_of

LINE = re.compile(r"^( *)(\w+):(?:\s+(.*?))?(?:\s+# (.*))?$")


def rows_of(command: str) -> list[tuple[str, Any, str]]:
    """Each key of a root YAML with its value and its comment, those of classes and of groups left out."""
    lines = (conf_folder() / f"{command}.yaml").read_text(encoding="utf-8").partition("- _self_\n")[2].splitlines()
    rows, above, skipped = [], "", False
    for line in filter(None, lines):
        match = LINE.match(line)
        assert match is not None, line
        indent, name, value, comment = match.groups()
        if not indent:
            above, skipped = name, False
        if name == "_target_":
            skipped = True
            rows = [row for row in rows if row[0] != above]
        if not skipped and (indent or value):
            parsed = OmegaConf.to_container(OmegaConf.create(f"value: {value}"))["value"]
            rows.append((f"{above}.{name}" if indent else name, parsed, comment))
    return rows


@pytest.mark.parametrize("command", COMMANDS)
def test_the_yaml_says_what_is_declared(command: str) -> None:
    declared = [(key.name, key.default, key.use.meaning) for key in keys_of(command).values()]
    assert rows_of(command) == declared


def test_a_difference_is_seen() -> None:
    assert ("batch_size", 64, "sentences") in rows_of("predict")
    assert ("wandb.mode", "auto", "auto (online with a key, else offline) | online | offline | disabled") in rows_of(
        "compare"
    )
    assert not [name for name, _, _ in rows_of("inspect") if name.startswith("inspection")]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_default_is_a_value_that_the_key_takes(command: str) -> None:
    for key in keys_of(command).values():
        assert key.parameter.accepts(key.default), key.name
        assert key.use.meaning


@pytest.mark.parametrize("command", COMMANDS)
def test_words_without_a_key_have_one_place(command: str) -> None:
    assert sum(key.use.words is not None for key in keys_of(command).values()) <= 1
    assert sum(key.use.others for key in keys_of(command).values()) <= 1
