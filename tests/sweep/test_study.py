"""The journal of a search after a power cut."""

from __future__ import annotations

from pathlib import Path

import pytest

from ner_lightning.sweep.study import StudyFile

pytest.importorskip("optuna")


def drawn(path: Path, trials: int) -> list[float]:
    study = StudyFile(str(path), "s", "max", "none").open()
    for _ in range(trials):
        trial = study.ask()
        study.tell(trial, trial.suggest_float("x", 0, 1))
    return [trial.params["x"] for trial in study.get_trials(deepcopy=False) if trial.params]


@pytest.mark.parametrize("zeros", [False, True])
def test_a_search_goes_on_behind_a_line_that_was_cut(
    zeros: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "study.log"
    before = drawn(path, 3)
    whole = path.read_bytes()
    cut = whole[:-30] + bytes(30 if zeros else 0)
    path.write_bytes(cut)
    found = drawn(path, 2)
    assert found[:3] == before
    assert len(found) == 5
    assert drawn(path, 0) == found
    assert (tmp_path / "superseded" / "study.log.1").read_bytes() == cut
    assert "it goes on from its last whole line" in caplog.text


def test_a_whole_journal_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "study.log"
    assert drawn(path, 2) == drawn(path, 0)
    assert [*tmp_path.iterdir()] == [path]
