"""YAML files of installed packages: found behind ours, and never in their place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from ner_lightning.command_line import installed
from ner_lightning.command_line.arguments import parse
from ner_lightning.command_line.compose import compose, hydra_session
from ner_lightning.command_line.preflight import preflight
from ner_lightning.errors import UserError

Install = Callable[[str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Makes a package with two files of one that is installed and says so."""
    for name, text in {
        "model/decoder/crf.yaml": "_target_: their_conf.Other\n",
        "model/decoder/theirs.yaml": "_target_: ner_lightning.model.decoder.softmax.Softmax\nconstrain: decode\n",
        "model/decoder/hostile.yaml": "_target_: os.system\ncommand: ls\n",
        "experiment/endless.yaml": "a: &a [1]\nb: &b [*a, *a]\nc: [*c]\n",
    }.items():
        file = tmp_path / "their_conf" / "inner" / "conf" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))

    def say(value: str) -> None:
        entries = (EntryPoint("theirs", value, installed.GROUP),)
        monkeypatch.setattr(installed, "entry_points", lambda group: entries if group == installed.GROUP else ())
        installed._folders.cache_clear()

    yield say
    installed._folders.cache_clear()


def test_a_file_of_an_installed_package_is_an_option(install: Install) -> None:
    with hydra_session("train") as hydra, pytest.raises(Exception, match="model/decoder/theirs"):
        compose(hydra, "train", ["model/decoder=theirs"])
    install("their_conf.inner")
    with hydra_session("train") as hydra:
        assert compose(hydra, "train", ["model/decoder=theirs"]).model.decoder.constrain == "decode"


def test_ours_counts(install: Install) -> None:
    install("their_conf.inner")
    with hydra_session("train") as hydra:
        assert compose(hydra, "train", []).model.decoder._target_ == "ner_lightning.model.decoder.crf.CRF"


def test_being_found_is_not_being_let_in(install: Install) -> None:
    install("their_conf.inner")
    with pytest.raises(UserError, match=r"model\.decoder\._target_: os\.system is not allowed"):
        preflight("train", parse(["model/decoder=hostile"]))
    with pytest.raises(UserError):
        preflight("train", parse(["+experiment=endless"]))


@pytest.mark.parametrize("value", ["their_conf", "their_conf.inner.deeper", "nowhere_at_all"])
def test_a_folder_that_is_not_there_is_said(install: Install, value: str) -> None:
    install(value)
    with pytest.raises(UserError, match=rf"theirs: an installed package says that {value} brings a folder conf"):
        preflight("train", parse([]))
