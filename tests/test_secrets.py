"""No file of a run or a sweep has a secret in it, and whoever needs one still gets it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import wandb
import yaml

from ner_lightning.config.objects import resolve_config
from ner_lightning.errors import UserError
from ner_lightning.training.build import build_evaluation
from tests.comparison.wandb_home import fresh
from tests.oracle.wandb_record import read_runs
from tests.runs import composed, trained

ROOT = Path(__file__).parents[1]
SECRETS = ("hunter2hunter2", "s3cr3t-of-env", "p4ssw0rd-of-url", "s1gnature-of-url", "AKIAIOSFODNN7EXAMPLE")
WORDS = (
    "+github_token=hunter2hunter2",
    "+mirror='https://me:p4ssw0rd-of-url@host/x?sig=s1gnature-of-url&page=2'",
    "logger.wandb.tags=[hunter2hunter2,AKIAIOSFODNN7EXAMPLE,mine]",
    "logger.wandb.notes='uses s3cr3t-of-env'",
    "logger.wandb.mode=offline",
)


@pytest.fixture(autouse=True)
def fresh_machine(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory):
    monkeypatch.setenv("DEPLOY_PAT", "s3cr3t-of-env")
    yield from fresh(monkeypatch, tmp_path_factory.mktemp("home"))


def told(folder: Path) -> list[str]:
    """Files that have a secret in them."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert files
    return [f"{file.relative_to(folder)}: {secret}" for file in files for secret in SECRETS
            if secret.encode() in file.read_bytes()]  # fmt: skip


def test_no_file_of_a_run_has_a_secret(tmp_path: Path, tiny_encoder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["train", *WORDS])
        trained(tmp_path, tiny_encoder, "logger=[wandb,tensorboard]", *WORDS, "+more=${oc.env:DEPLOY_PAT}")
    wandb.teardown()
    run = tmp_path / "run"
    assert told(tmp_path) == []
    stored = yaml.safe_load((run / "config.yaml").read_text())
    assert (stored["github_token"], stored["more"]) == ("(hidden)", "(hidden)")
    assert stored["mirror"] == "https://(hidden)@host/x?sig=(hidden)&page=2"
    for name in ("best", "last"):
        checkpoint = torch.load(run / "checkpoints" / f"{name}.ckpt", weights_only=True)
        assert checkpoint["ner_lightning"]["config"] == stored
    (sent,) = read_runs(run)
    assert {*sent.tags} == {"(hidden)", "mine"}
    assert sent.config["github_token"] == "(hidden)"
    assert next((run / "tensorboard").glob("events.*"))


def test_a_checkpoint_whose_data_need_a_secret_says_so(tmp_path: Path, tiny_encoder: Path) -> None:
    trained(tmp_path, tiny_encoder)
    file = tmp_path / "run" / "checkpoints" / "best.ckpt"
    checkpoint = torch.load(file, weights_only=True)
    checkpoint["ner_lightning"]["config"]["data"]["hub_token"] = "(hidden)"
    torch.save(checkpoint, file)
    with pytest.raises(UserError, match=r"data\.hub_token was a secret of the training and is not stored; name the"):
        build_evaluation(resolve_config(composed("evaluate", tmp_path, f"ckpt={file}")), [])
    build_evaluation(
        resolve_config(composed("evaluate", tmp_path, f"ckpt={file}", "data=sample_en", "data.limit=2")), []
    )


@pytest.mark.slow
def test_no_file_of_a_sweep_has_a_secret_and_its_jobs_have_them(tmp_path: Path, tiny_encoder: Path) -> None:
    """Hydra's own files are among them."""
    quick = (f"model.encoder.name={tiny_encoder}", "data.limit=24", "trainer.max_epochs=1", f"paths.outputs={tmp_path}")
    command = [sys.executable, "-m", "ner_lightning.train", "-m", *quick, *WORDS[2:], "logger=[wandb,tensorboard]"]
    command += ["hydra.output_subdir=.hydra", "seed=1,2", "sweep.name=s", "logger.wandb.group=hunter2hunter2"]
    command += [
        "+callbacks.reporter._target_=tests.secret_user.Reporter",
        "+callbacks.reporter.hub_token=hunter2hunter2",
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "NER_LIGHTNING_ALLOW_TARGETS": "tests."}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    home = tmp_path / "sweeps" / "s"
    assert [*home.rglob(".hydra/overrides.yaml")]
    for job in ("seed-1", "seed-2"):
        assert (home / job / "reported").read_text() == hashlib.sha256(b"hunter2hunter2").hexdigest()
    assert told(home) == []
    assert "+callbacks.reporter.hub_token=(hidden)" in (home / "manifest.jsonl").read_text()
    assert "+callbacks.reporter.hub_token=(hidden)" in (home / "sweep.json").read_text()
    assert not [secret for secret in SECRETS if secret in done.stdout + done.stderr]
