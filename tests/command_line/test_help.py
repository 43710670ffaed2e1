from __future__ import annotations

import re
from pathlib import Path

import pytest

from ner_lightning.command_line.arguments import parse
from ner_lightning.command_line.help import help_text
from ner_lightning.command_line.keys import COMMANDS
from ner_lightning.errors import UserError
from tests.command_line.conftest import Say


def test_train_says_what_it_does_with_examples_groups_and_keys() -> None:
    text = help_text("train", parse(["--help"]))
    assert text.startswith("Train a tagger")
    assert text.count("python -m ner_lightning.train") >= 3
    assert re.search(r"seed=1 +of all random numbers \[a whole number from 0 on\]", text)
    assert re.search(r"\* sample_en +The embedded English corpus", text)
    assert "  +experiment\n" in text
    assert "    softmax  " in text
    assert "--cfg job shows the whole configuration" in text


def test_a_choice_moves_the_mark() -> None:
    text = help_text("train", parse(["--help", "data=conll"]))
    assert "* conll" in text
    assert "  sample_en" in text
    assert "* sample_en" not in text


def test_the_users_own_options_are_listed(mine: Path) -> None:
    text = help_text("train", parse(["--help", "--config-dir", str(mine)]))
    assert re.search(r"mine +My corpus\.", text)


def test_predict_has_no_experiments() -> None:
    text = help_text("predict", parse(["--help"]))
    assert "min_probability=0.0" in text
    for other in ("experiment", "optim.", "trainer.", "-m runs", "data=mine"):
        assert other not in text
    assert "KEY=VALUE changes any key: batch_size=64" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_the_examples_are_taken_by_the_command(command: str, say: Say) -> None:
    text = help_text(command, parse(["--help"]))
    examples = re.findall(r"^(?:\+?KEY=VALUE|-m) [^:]*: (\S+)$", text, re.MULTILINE)
    assert examples
    for example in examples:
        many = "-m " if "," in example else ""
        assert say(command, f"{many}{example}").partition(" is not given")[0] in ("", "ckpt", "input", "run", "folder")


def test_a_root_there_is_not() -> None:
    with pytest.raises(UserError, match=r"There is no configuration trian\.yaml"):
        help_text("train", parse(["--help", "--config-name", "trian"]))


def test_other_ways_to_write_a_key_are_told() -> None:
    text = help_text("sweep_status", parse(["--help"]))
    assert "A word without = is FOLDER: another way to write folder=VALUE" in text
    assert "--watch is another way to write watch=true" in text
    text = help_text("reproduce", parse(["--help"]))
    assert "--output VALUE is another way to write output=VALUE" in text
    assert "Groups" not in text


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("width", [80, 120])
def test_a_line_fits_a_terminal(command: str, width: int) -> None:
    text = help_text(command, parse(["--help"]), width)
    lines = [line for line in text.splitlines() if len(line) >= width]
    assert all("python -m" in line or " " not in line.strip() for line in lines)  # to be copied, or a longer name
    plain = help_text(command, parse(["--help"]))
    assert " ".join(text.split()) == " ".join(plain.split())
