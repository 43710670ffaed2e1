"""A folder of YAML files that somebody else wrote: what it may not have Hydra do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command_line.conftest import Say
from tests.storage.test_yaml_files import laughs

Write = Callable[[str, str], Path]
GLOBAL = "# @package _global_\n"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file of a folder for `--config-dir`."""

    def written(name: str, text: str) -> Path:
        file = tmp_path / "conf" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return tmp_path / "conf"

    return written


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("callbacks: {x: {_target_: os.system}}", "hydra.callbacks.x._target_: os.system is not allowed"),
        ("launcher: {_target_: subprocess.Popen}", "hydra.launcher._target_: subprocess.Popen is not allowed"),
        ("sweeper: {params: {seed: {_target_: os.system}}}", "hydra.sweeper.params.seed._target_: os.system"),
        ("job: {config: {override_dirname: {exclude_keys: [{_target_: os.system}]}}}", "is not allowed"),
        ("job: {env_set: {LD_PRELOAD: x.so}}", "hydra.job.env_set.LD_PRELOAD: a configuration sets no environment"),
        ("job_logging: {handlers: {file: {(): os.system}}}", "hydra.job_logging.handlers.file.(): os.system is not"),
        ("job_logging: {handlers: {console: {class: a.B}}}", "hydra.job_logging.handlers.console.class: a.B is not"),
        ("job_logging: {filters: {x: {(): a.b}}}", "hydra.job_logging.filters.x.(): a.b is not allowed"),
        ("hydra_logging: {formatters: {x: {(): a.b}}}", "hydra.hydra_logging.formatters.x.(): a.b is not allowed"),
        ("job_logging: {handlers: {console: {stream: ext://os.environ}}}", "console.stream: ext://os.environ is not"),
    ],
)
@pytest.mark.parametrize("flags", ["", "--cfg job", "-m seed=1,2"])
def test_what_hydra_would_call(flags: str, text: str, sentence: str, say: Say, write: Write) -> None:
    folder = write("experiment/theirs.yaml", f"{GLOBAL}hydra:\n  {text}\n")
    if "-m" in flags and "sweeper" in text:  # what a sweeper varies is read as words of the command line before
        sentence = "seed={'_target_': 'os.system'}: "
    assert sentence in say("train", f"{flags} --config-dir {folder} +experiment=theirs")


def test_a_root_of_theirs_names_no_further_folders(say: Say, write: Write) -> None:
    folder = write("theirs.yaml", "defaults: [train, _self_]\nhydra: {searchpath: ['pkg://antigravity']}\n")
    assert "theirs.yaml: hydra.searchpath is not heeded" in say("train", f"--config-dir {folder} --config-name theirs")
    write("theirs.yaml", "defaults: [train, _self_]\nx: {searchpath: ['pkg://antigravity']}\nhydra: ${x}\n")
    assert "theirs.yaml: hydra.searchpath is not heeded" in say("train", f"--config-dir {folder} --config-name theirs")


def test_aliases_that_multiply(say: Say, write: Write) -> None:
    folder = write("experiment/theirs.yaml", f"{GLOBAL}{laughs(40)}\n")
    assert "theirs.yaml:7: stands for more than" in say("train", f"--config-dir {folder} +experiment=theirs")


def test_what_is_allowed(say: Say, write: Write) -> None:
    logging = "job_logging: {handlers: {file: {class: logging.handlers.RotatingFileHandler, maxBytes: 1000}}}"
    folder = write("experiment/theirs.yaml", f"{GLOBAL}hydra:\n  {logging}\n")
    assert say("train", f"--config-dir {folder} +experiment=theirs") == ""
