"""A command line in, its sentence out, in this process."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from ner_lightning.command_line.arguments import parse
from ner_lightning.command_line.preflight import preflight
from ner_lightning.errors import UserError

Say = Callable[[str, str], str]


@pytest.fixture
def say() -> Say:
    """The sentence that answers a command line, `""` where nothing is wrong."""

    def answer(command: str, line: str) -> str:
        try:
            preflight(command, parse(shlex.split(line)))
        except UserError as error:
            return str(error)
        return ""

    return answer


@pytest.fixture(scope="session")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's own folder of YAML files, good ones and bad ones."""
    folder = tmp_path_factory.mktemp("mine")
    files = {
        "data/mine.yaml": "# My corpus.\ndefaults: [corpus, {reader: conll}, _self_]\ndir: sample:en\n",
        "experiment/mine.yaml": "# @package _global_\ndefaults: [{override /data: mine}]\nname: mine\n",
        "experiment/asks.yaml": "# @package _global_\ndefaults: [{override /data: conl}]\n",
        "experiment/broken.yaml": "# @package _global_\nname: [mine\nseed: 1\n",
        "experiment/invents.yaml": "# @package _global_\nexperimental: 1\n",
        "sweep/rates.yaml": "# @package _global_\nhydra:\n  mode: MULTIRUN\n  sweeper:\n    params:\n"
        "      optim.encoder_lr: 1e-5,fast\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder
