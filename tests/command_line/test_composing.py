"""How often a command composes its configuration: it takes a seventh of a second each time."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl

from ner_lightning.command_line.arguments import parse
from ner_lightning.command_line.compose import compose, composing_once, hydra_session, list_groups
from ner_lightning.command_line.door import door
from ner_lightning.command_line.preflight import preflight
from ner_lightning.run.child_process import CHECKED_BY
from ner_lightning.sweep.plan import plan_sweep


@pytest.fixture
def composed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The words of each configuration that Hydra composes from now on."""
    found: list[tuple[str, ...]] = []
    original = ConfigLoaderImpl.load_configuration

    def load(self: Any, config_name: str, overrides: list[str], *others: Any, **more: Any) -> Any:
        found.append(tuple(overrides))
        return original(self, config_name, overrides, *others, **more)

    monkeypatch.setattr(ConfigLoaderImpl, "load_configuration", load)
    return found


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Any]]:
    """Start a command with a body that returns its seed, or what a sweep of it is handed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ner_lightning.command_line.door._gather_logs", lambda _: None)
    handed: list[Namespace] = []

    def run(command: str, *words: str) -> list[Any]:
        done: list[Any] = []

        def sweep(_: str, asked: Namespace) -> int:
            handed.append(asked)
            return 0

        monkeypatch.setattr(sys, "argv", [command, *words])
        body = door(command, sweep=sweep if command == "train" else None)(lambda cfg: done.append(cfg.copy()))
        try:
            body()
        except SystemExit as left:
            if left.code:
                raise AssertionError(f"it left with {left.code}") from left
        return done or handed

    return run


@pytest.mark.parametrize("words", [["seed=3"], ["+experiment=crf", "seed=3", "hydra.job.chdir=false"]])
def test_a_run_composes_once(words: list[str], start: Any, composed: list[tuple[str, ...]]) -> None:
    (config,) = start("train", *words)
    assert config.seed == 3
    assert composed == [tuple(words)]


def test_so_do_the_other_commands(start: Any, composed: list[tuple[str, ...]], tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("Oslo\n")
    words = {
        "evaluate": ["ckpt=."],
        "predict": ["ckpt=.", "input=in.txt"],
        "convert": ["input=in.txt"],
        "inspect": ["html=out.html"],
        "compare": ["a", "b"],
        "reproduce": ["."],
        "sweep_status": ["."],
    }
    for command, typed in words.items():
        composed.clear()
        assert len(start(command, *typed)) == 1
        assert len(composed) == 1, command


def test_a_job_that_its_sweep_has_checked_is_composed_and_not_checked(
    start: Any, composed: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ner_lightning.command_line.preflight.check", lambda *_: pytest.fail("it was checked"))
    monkeypatch.setenv(CHECKED_BY, str(os.getppid()))
    assert len(start("train", "+experiment=crf", "seed=3")) == 1
    assert len(composed) == 1
    monkeypatch.setenv(CHECKED_BY, "1")  # somebody else's word
    with pytest.raises(pytest.fail.Exception):
        start("train", "+experiment=crf", "seed=3")


def test_what_hydra_would_build_is_checked_in_any_case(
    start: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(CHECKED_BY, str(os.getppid()))
    with pytest.raises(AssertionError):
        start("train", "+hydra.callbacks.x._target_=os.system")
    assert "hydra.callbacks.x._target_: os.system is not allowed" in capsys.readouterr().err


def test_a_copy_is_handed_out(composed: list[tuple[str, ...]]) -> None:
    with composing_once():
        for _ in range(3):
            with hydra_session("train") as hydra:
                config = compose(hydra, "train", ["seed=2"])
                assert config.seed == 2
                config.seed = 5
        assert len(composed) == 1
    with hydra_session("train") as hydra:
        compose(hydra, "train", ["seed=2"])
    assert len(composed) == 2


def test_groups_are_those_that_hydra_finds(mine: Path) -> None:
    with hydra_session("train", str(mine)) as hydra:
        theirs = {group for group in hydra.list_all_config_groups() if group.partition("/")[0] != "hydra"}
        assert list_groups(hydra) == sorted(theirs)


def test_a_sweep_of_twelve_jobs(start: Any, composed: list[tuple[str, ...]]) -> None:
    """As a whole once, then each job once: to look at it, and to run it; and what decides whether they can run here."""
    words = ["+experiment=crf", "optim.encoder_lr=1e-5,3e-5,5e-5", "seed=1,2,3,4"]
    with composing_once():
        preflight("train", parse(["-m", *words]), isolated=True)
        assert len(composed) == 1 + 4
        plan = plan_sweep("train", parse(["-m", *words]))
        assert len(composed) == 1 + 4 + 1
        jobs = plan.values.jobs()
        assert len(jobs) == 12
        with hydra_session("train") as hydra:
            for overrides in jobs.values():
                compose(hydra, "train", [*overrides, "hydra.mode=RUN"])
        assert len(composed) == 1 + 12 + 1
