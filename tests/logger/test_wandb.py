"""W&B really runs here, offline, and what it wrote is read back from its own file."""

from __future__ import annotations

import os
import pty
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
import wandb
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from pytorch_lightning.utilities import rank_zero_only
from torch.utils.data import DataLoader, TensorDataset

import ner_lightning.logger.wandb as module
from ner_lightning.errors import UserError
from ner_lightning.logger.wandb import finish, run_name, wandb_logger
from tests.oracle.wandb_record import WrittenRun, read_runs

CONFIG: dict[str, Any] = {
    "data": {"dir": "/corpora/wnut17", "hub_token": "hf_nobody_may_see_this"},
    "optim": {"encoder_lr": 1e-4},
    "name": "crf",
    "seed": 2,
    "monitor": "val/f1",
}

# In a new home matplotlib, which torchmetrics imports, would list all fonts again.
FONTS = os.environ.get("MPLCONFIGDIR", str(Path.home() / ".cache" / "matplotlib"))


@pytest.fixture(autouse=True)
def fresh_machine(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory):
    """Nobody has ever logged in here, and nothing is left of the test before."""
    for name in [name for name in os.environ if name.startswith("WANDB_") or name == "NETRC"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setenv("MPLCONFIGDIR", FONTS)
    wandb.teardown()  # or the settings of the test before stay in force
    yield
    if wandb.run is not None:
        wandb.run.finish()
    wandb.teardown()


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the user is told."""
    told: list[str] = []
    monkeypatch.setattr(module, "rank_zero_info", told.append)
    monkeypatch.setattr(module, "rank_zero_warn", told.append)
    return told


def open_logger(save_dir: Path, **options: Any):
    return wandb_logger(**{"project": "tests", "save_dir": save_dir, "run_config": CONFIG, **options})


def written_runs(save_dir: Path) -> list[WrittenRun]:
    wandb.teardown()  # a run may be finished before its file is flushed
    return read_runs(save_dir)


def only_run(save_dir: Path) -> WrittenRun:
    (run,) = written_runs(save_dir)
    return run


NO_KEY = "no key; `wandb login` stores one"


def send(run: WrittenRun) -> str:
    return f"wandb sync {shlex.quote(str(run.folder))}"


class Tiny(pl.LightningModule):
    """Its F1 goes up and down again; breaks in the third epoch if told to."""

    def __init__(self, breaks: bool = False) -> None:
        super().__init__()
        self.weight, self.breaks = torch.nn.Linear(1, 1), breaks

    def training_step(self, batch, index):
        if self.breaks and self.current_epoch == 2:
            raise RuntimeError("broken on purpose")
        return self.weight(batch[0]).mean()

    def validation_step(self, batch, index):
        self.log("val/f1", (0.25, 0.75, 0.5)[min(self.current_epoch, 2)])

    def test_step(self, batch, index):
        self.log("test/f1", 0.625)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


def fit_and_finish(logger, breaks: bool = False, **devices: Any) -> None:
    batches = DataLoader(TensorDataset(torch.ones(2, 1)))
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False}
    devices = {"accelerator": "cpu", "devices": 1, **devices}
    trainer = pl.Trainer(max_epochs=3, logger=[logger], num_sanity_val_steps=0, log_every_n_steps=1, **quiet, **devices)
    failed = True
    try:
        trainer.fit(Tiny(breaks), batches, batches)
        trainer.test(Tiny(), batches, verbose=False)
        failed = False
    finally:
        finish(trainer.loggers, failed)


def test_a_fit_without_a_key_is_written_offline_with_all_that_a_comparison_needs(tmp_path, lines):
    fit_and_finish(open_logger(tmp_path, tags=["a", "b"]))
    run = only_run(tmp_path)
    del run.config["_wandb"]
    assert run.config == {**CONFIG, "data": {"dir": "/corpora/wnut17", "hub_token": "(hidden)"}}
    assert (run.name, run.group, run.job_type, run.project, run.tags) == ("crf", "crf", "train", "tests", ("a", "b"))
    assert [row["val/f1"] for row in run.history if "val/f1" in row] == [0.25, 0.75, 0.5]
    assert run.summary["val/f1"] == {"max": 0.75}
    assert run.summary["test/f1"] == 0.625
    assert run.steps["*"] == run.steps["val/f1"] == "trainer/global_step"
    assert run.exit_code == 0
    assert lines == [f"W&B is offline ({NO_KEY}). To send this run: {send(run)}"]


def test_a_fit_that_raises_closes_its_run_as_failed_and_keeps_its_error(tmp_path, lines):
    with pytest.raises(RuntimeError, match="broken on purpose"):
        fit_and_finish(open_logger(tmp_path), breaks=True)
    assert only_run(tmp_path).exit_code == 1
    assert wandb.run is None


def test_two_runs_in_one_process_are_two_runs(tmp_path, lines):
    for job in ("0", "1"):
        logger = open_logger(tmp_path / job, name=f"job {job}", run_config={**CONFIG, "seed": int(job)})
        logger.log_metrics({"val/f1": float(job)}, step=3)
        finish([logger], failed=False)
    first, second = only_run(tmp_path / "0"), only_run(tmp_path / "1")
    assert [(run.name, run.config["seed"], run.summary["val/f1"]) for run in (first, second)] == [
        ("job 0", 0, {"max": 0.0}),
        ("job 1", 1, {"max": 1.0}),
    ]
    assert first.history[0]["trainer/global_step"] == 3


def test_a_run_that_nobody_closed_is_closed_as_failed_by_the_next(tmp_path, lines):
    open_logger(tmp_path / "0")
    finish([open_logger(tmp_path / "1")], failed=False)
    assert (only_run(tmp_path / "0").exit_code, only_run(tmp_path / "1").exit_code) == (1, 0)


def test_another_monitored_metric_is_summarised_by_its_maximum_too(tmp_path, lines):
    logger = open_logger(tmp_path, run_config={**CONFIG, "monitor": "val/f1_macro"})
    for value in (0.5, 0.25):
        logger.log_metrics({"val/f1": value, "val/f1_macro": value, "val/loss": value})
    finish([logger], failed=False)
    summary = only_run(tmp_path).summary
    assert (summary["val/f1"], summary["val/f1_macro"], summary["val/loss"]) == ({"max": 0.5}, {"max": 0.5}, 0.25)


def test_a_metric_that_is_to_be_small_is_summarised_by_its_minimum(tmp_path, lines):
    config = {**CONFIG, "monitor": "val/loss", "callbacks": {"checkpoint": {"mode": "min"}}}
    logger = open_logger(tmp_path, run_config=config)
    for value in (0.5, 0.25, 0.75):
        logger.log_metrics({"val/f1": value, "val/loss": value})
    finish([logger], failed=False)
    summary = only_run(tmp_path).summary
    assert (summary["val/f1"], summary["val/loss"]) == ({"max": 0.75}, {"min": 0.25})


def test_no_secret_reaches_any_file_of_the_run(tmp_path, lines, monkeypatch):
    monkeypatch.setenv("CORPUS_API_KEY", "visible-to-nobody-1")
    monkeypatch.setattr(sys, "argv", ["train", "+data.password=visible-to-nobody-2"])
    config = {**CONFIG, "note": "visible-to-nobody-1", "password": "visible-to-nobody-2"}
    finish([open_logger(tmp_path, run_config=config)], failed=False)
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert only_run(tmp_path).config["note"] == "(hidden)"
    assert not [file for file in files if b"nobody" in file.read_bytes()]


def test_a_token_in_the_git_remote_reaches_no_file_of_the_run(tmp_path, lines, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = {"GIT_AUTHOR_NAME": "n", "GIT_AUTHOR_EMAIL": "e", "GIT_COMMITTER_NAME": "n", "GIT_COMMITTER_EMAIL": "e"}
    for words in (
        ["init", "--quiet"],
        ["remote", "add", "origin", "https://visible-to-nobody:x-oauth-basic@host/x.git"],
        ["commit", "--quiet", "--allow-empty", "-m", "one"],
    ):
        subprocess.run(["git", *words], check=True, env={**os.environ, **name})
    finish([open_logger(tmp_path / "out")], failed=False)
    assert len(written_runs(tmp_path / "out")) == 1
    assert not [f for f in (tmp_path / "out").rglob("*") if f.is_file() and b"nobody" in f.read_bytes()]


@pytest.mark.parametrize(("stated", "written"), [("offline", 1), ("dryrun", 1), ("disabled", 0)])
def test_the_environment_overrules_auto_and_online(tmp_path, lines, monkeypatch, stated, written):
    monkeypatch.setenv("WANDB_MODE", stated)
    for mode in ("auto", "online"):
        logger = open_logger(tmp_path / mode, mode=mode)
        logger.log_metrics({"val/f1": 1.0})
        finish([logger], failed=False)
        assert len(written_runs(tmp_path / mode)) == written
    assert len(lines) == 2 * written
    assert all(f"(WANDB_MODE={stated})" in line for line in lines)


@pytest.mark.parametrize("mode", ["auto", "offline", "disabled"])
def test_the_mode_of_a_run_is_not_made_the_mode_of_the_process(tmp_path, lines, mode):
    finish([open_logger(tmp_path, mode=mode)], failed=False)
    assert "WANDB_MODE" not in os.environ
    assert len(written_runs(tmp_path)) == (mode != "disabled")


def test_online_without_a_key_says_what_to_do(tmp_path):
    with pytest.raises(UserError, match=r"no key; run `wandb login`, set WANDB_API_KEY, or leave mode=auto"):
        open_logger(tmp_path, mode="online")


def test_an_unknown_mode_says_which_there_are(tmp_path):
    with pytest.raises(UserError, match="expected auto, online, offline, disabled, received 'onlin'"):
        open_logger(tmp_path, mode="onlin")


def test_a_key_and_no_network_is_offline_soon(tmp_path, lines, monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("WANDB_HTTP_TIMEOUT", "1")  # ten seconds for the user
    started = time.monotonic()
    finish([open_logger(tmp_path, mode="online")], failed=False)
    assert time.monotonic() - started < 20
    assert only_run(tmp_path).exit_code == 0
    assert len(lines) == 1
    assert lines[0].startswith("W&B is offline (Failed to authenticate with http://127.0.0.1:9")


def test_a_network_that_goes_away_between_login_and_start_is_offline(tmp_path, lines, monkeypatch):
    start, asked = wandb.init, []

    def init(**options: Any):
        asked.append((options["mode"], options["settings"]["init_timeout"], options["settings"]["finish_timeout"]))
        if options["mode"] == "online":
            raise wandb.errors.CommError("no route to host\nConsider increasing the init_timeout setting")
        return start(**options)

    monkeypatch.setattr(wandb, "login", lambda prompt: not prompt)
    monkeypatch.setattr(wandb, "init", init)
    finish([open_logger(tmp_path)], failed=False)
    assert asked == [("online", 30, 60), ("offline", 30, 60)]
    assert [line.partition(".")[0] for line in lines] == ["W&B is offline (no route to host)"]
    assert only_run(tmp_path).exit_code == 0


@pytest.mark.filterwarnings("ignore:.*(sync_dist=True|DistributedSampler).*")
def test_forked_ranks_write_into_the_one_run(tmp_path, lines):
    fit_and_finish(open_logger(tmp_path), devices=2, strategy="ddp_fork")
    run = only_run(tmp_path)
    assert (run.summary["val/f1"], run.summary["test/f1"], run.exit_code) == ({"max": 0.75}, 0.625, 0)
    assert len(lines) == 1


def test_other_ranks_open_nothing_and_log_nothing(tmp_path, lines, monkeypatch):
    monkeypatch.setattr(rank_zero_only, "rank", 1)
    logger = open_logger(tmp_path)
    logger.log_metrics({"val/f1": 1.0})
    logger.experiment.log({"val/f1": 1.0})
    finish([logger], failed=False)
    assert wandb.run is None
    assert list(tmp_path.iterdir()) == lines == []


def test_closing_never_hides_the_error_of_the_fit(tmp_path, lines, monkeypatch):
    logger = open_logger(tmp_path)

    def broken(exit_code: int) -> None:
        raise BrokenPipeError("the service is gone")

    with monkeypatch.context() as patch:
        patch.setattr(logger.experiment, "finish", broken)
        finish([logger], failed=True)
    folder = Path(logger.experiment.dir).parent
    assert lines[-1] == f"W&B could not close its run (the service is gone). To send it: wandb sync {folder}"


def test_closing_leaves_other_loggers_alone_and_opens_nothing(tmp_path):
    unopened = pl.loggers.WandbLogger(project="tests", save_dir=tmp_path)
    finish([pl.loggers.CSVLogger(tmp_path), unopened], failed=True)
    assert not (tmp_path / "wandb").exists()


def test_the_name_comes_from_the_overrides_that_hydra_read(tmp_path, lines):
    (tmp_path / "train.yaml").write_text("optim: {encoder_lr: 1.0}\nseed: 1\nlogger: csv\n")
    try:
        with initialize_config_dir(str(tmp_path), version_base="1.3"):
            overrides = ["optim.encoder_lr=1e-4", "seed=2", "logger=wandb"]
            HydraConfig.instance().set_config(compose("train", overrides, return_hydra_config=True))
        finish([open_logger(tmp_path / "a")], failed=False)
        finish([open_logger(tmp_path / "b", name="mine", group="ours")], failed=False)
    finally:
        HydraConfig.instance().cfg = None
        GlobalHydra.instance().clear()
    assert (only_run(tmp_path / "a").name, only_run(tmp_path / "a").group) == (
        "crf optim.encoder_lr=1e-4 seed=2",
        "crf",
    )
    assert (only_run(tmp_path / "b").name, only_run(tmp_path / "b").group) == ("mine", "ours")


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ([], "crf"),
        (["+experiment=crf", "+sweep=lr", "name=crf", "paths.outputs=/x", "logger.wandb.mode=offline"], "crf"),
        (
            ["model/decoder=softmax", "++trainer.precision='bf16-mixed'"],
            "crf model/decoder=softmax trainer.precision=bf16-mixed",
        ),
        (["data.dir=~/corpora/youku", "model.encoder.name=org/name"], "crf data.dir=youku model.encoder.name=org/name"),
        (["experiments=1", "data.api_key=x"], "crf experiments=1"),
        (["data.note=" + "x" * 200], "crf data.note=" + "x" * 113 + "…"),
    ],
)
def test_a_name_tells_what_was_overridden(overrides, expected):
    assert run_name("crf", overrides) == expected
    assert len(expected) <= 128


def job(**changes: Any) -> dict[str, Any]:
    return {**CONFIG, "sweep": {"name": "lr", "job": "x", "varied": ["optim.encoder_lr=1e-4", "seed=2"], **changes}}


def test_a_job_of_a_sweep_is_named_by_what_varies(tmp_path, lines):
    finish([open_logger(tmp_path, run_config=job(), tags=["mine"])], failed=False)
    run = only_run(tmp_path)
    assert (run.group, run.name) == ("lr", "crf optim.encoder_lr=1e-4 seed=2")
    assert {*run.tags} == {"mine", "optim.encoder_lr=1e-4", "seed=2"}
    assert run.job_type == "optim.encoder_lr=1e-4", "seeds of one setting belong together"


def test_a_tag_of_a_sweep_is_one_that_wandb_takes(tmp_path, lines):
    words = ["experiment=crf", "data.note=" + "x" * 200, "data.api_key=k", "data.dir='/a/b'"]
    finish([open_logger(tmp_path, run_config=job(varied=words))], failed=False)
    assert {*only_run(tmp_path).tags} == {("data.note=" + "x" * 200)[:63] + "…", "data.dir=b"}
    assert len(only_run(tmp_path).job_type) == 64


def test_a_run_outside_a_sweep_has_none_of_that(tmp_path, lines):
    finish([open_logger(tmp_path, run_config=job(job=None))], failed=False)
    run = only_run(tmp_path)
    assert (run.group, run.name, run.tags, run.job_type) == ("crf", "crf", (), "train")


def test_a_job_that_goes_on_goes_on_in_its_run(tmp_path, lines):
    ids = []
    for ckpt_path, folder in ((None, "a"), ("a", "a"), ("a", "b"), (None, "a")):
        time.sleep(1.1)  # the folder of a run is named by the second
        logger = open_logger(tmp_path / folder, run_config={**job(), "ckpt_path": ckpt_path})
        finish([logger], failed=ckpt_path is None)
        ids.append(logger.version)
    first, resumed, elsewhere, anew = ids
    assert resumed == first
    assert len({first, elsewhere, anew}) == 3
    assert [run.id for run in written_runs(tmp_path / "a")] == [first, first, anew]


def test_a_pruned_run_has_not_failed(tmp_path, lines):
    finish([open_logger(tmp_path, tags=["mine"])], failed=True, pruned=True)
    assert (only_run(tmp_path).exit_code, {*only_run(tmp_path).tags}) == (0, {"mine", "pruned"})


USER = """
import logging, os, sys
logging.basicConfig(level=logging.INFO, format="%(message)s")
from ner_lightning.logger.wandb import finish, wandb_logger

def run(name):
    logger = wandb_logger(
        project="tests", save_dir=f"{sys.argv[1]}/{name}", run_config={"name": "crf", "monitor": "val/f1"}
    )
    logger.log_metrics({"val/f1": 0.5}, step=1)
    finish([logger], failed=False)

assert sys.stdin.isatty() and sys.stderr.isatty()
run("terminal")
sys.stdin.close()
run("closed")
"""


def test_nobody_is_asked_on_a_terminal_nor_without_one(tmp_path):
    screen, terminal = pty.openpty()
    command = [sys.executable, "-c", USER, str(tmp_path)]
    user = subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True)
    os.close(terminal)
    try:
        assert user.wait(timeout=240) == 0  # most of it is the import of torch on a busy machine
    finally:
        user.kill()
    shown = [line for line in os.read(screen, 100_000).decode().splitlines() if "wandb" in line or "W&B" in line]
    os.close(screen)
    runs = [only_run(tmp_path / "terminal"), only_run(tmp_path / "closed")]
    assert [run.exit_code for run in runs] == [0, 0]
    assert shown == [f"W&B is offline ({NO_KEY}). To send this run: {send(run)}" for run in runs]
