import json
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from ner_lightning.run.record import git_commit, write_json, write_result, write_run


def test_the_record_holds_config_overrides_seed_and_versions(tmp_path: Path) -> None:
    write_run(tmp_path, {"seed": 7, "optim": {"encoder_lr": 1e-4}}, ["optim.encoder_lr=1e-4"])
    assert OmegaConf.load(tmp_path / "config.yaml").optim.encoder_lr == 1e-4
    run = json.loads((tmp_path / "run.json").read_text())
    assert run["seed"] == 7
    assert run["overrides"] == ["optim.encoder_lr=1e-4"]
    assert run["packages"]["torch"]


@pytest.mark.parametrize("variable", ["RANK", "LOCAL_RANK", "SLURM_PROCID"])
def test_only_the_first_process_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "1")
    write_run(tmp_path, {"seed": 7}, [])
    write_result(tmp_path, {"best": {}})
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setenv(variable, "0")
    write_run(tmp_path, {"seed": 7}, [])
    write_result(tmp_path, {"best": {}})
    assert {path.name for path in tmp_path.iterdir()} == {"config.yaml", "run.json", "result.json"}


def test_no_secret_reaches_the_run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "0123456789abcdef")
    config = {"seed": 1, "data": {"hub_token": "hunter2hunter2"}, "note": "key 0123456789abcdef"}
    monkeypatch.setattr("sys.argv", ["train", "+data.hub_token=hunter2hunter2"])
    write_run(tmp_path, config, ["+data.hub_token=hunter2hunter2", "note=0123456789abcdef"])
    written = "".join(path.read_text() for path in tmp_path.iterdir())
    assert "hunter2" not in written
    assert "0123456789abcdef" not in written
    assert "(hidden)" in written


def test_a_json_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert json.loads(path.read_text()) == {"a": 1}


def test_no_commit_outside_a_checkout(tmp_path: Path) -> None:
    assert git_commit(tmp_path) is None
