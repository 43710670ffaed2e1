"""What is private of the libraries we build on: it is still there, and stands in one file each."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from ner_lightning.vendors import hydra as hydras
from tests.sweep.started import ROOT

VENDORS = ROOT / "ner_lightning" / "vendors"

# Modules of theirs that are not for us, but for what their documentation shows.
CLOSED = ("hydra._internal", "hydra.core", "lightning_fabric", "optuna.storages._", "wandb.sdk", "wandb.proto")
CLOSED_TOO = ("pytorch_lightning.trainer.connectors", "pytorch_lightning.loops")
SHOWN = ("hydra.core.hydra_config",)

# Attributes of theirs, as our code knows them.
PRIVATE = (
    *("_should_accumulate", "_should_check_val_fx", "_num_ready_batches_reached", "_data_fetcher", "_restarting"),
    *("_save_checkpoint", "_last_global_step_saved", "_last_checkpoint_saved", "_trial_id"),
    *("_average_model", "_swap_models", "_check_log_dir_exists", "_rewrite_with_new_header", "datamodule", "val_loop"),
)


def ours() -> list[Path]:
    found = [path for path in (ROOT / "ner_lightning").rglob("*.py") if VENDORS not in path.parents]
    assert len(found) > 100
    return found


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{each.name}" for each in node.names)


def is_closed(name: str) -> bool:
    return name.startswith((*CLOSED, *CLOSED_TOO)) and not name.startswith(SHOWN)


def test_no_other_file_uses_what_is_private() -> None:
    for path in ours():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert [name for name in imported(tree) if is_closed(name)] == [], path
        attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        methods = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert (attributes | methods) & {*PRIVATE} == set(), path


def test_each_is_still_used_here() -> None:
    """Or it is to be struck off the list."""
    text = "".join(path.read_text(encoding="utf-8") for path in VENDORS.glob("*.py"))
    assert [name for name in PRIVATE if name not in text] == []


def test_lightning_has_what_is_used() -> None:
    import pytorch_lightning as pl
    from pytorch_lightning.callbacks import ModelCheckpoint, WeightAveraging
    from pytorch_lightning.loggers.csv_logs import ExperimentWriter

    trainer = pl.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False)
    loop = trainer.fit_loop
    for owner, names in (
        (loop, ("_should_accumulate", "_data_fetcher", "_restarting", "reset_restart_stage", "epoch_progress")),
        (loop.epoch_loop, ("_should_check_val_fx", "_num_ready_batches_reached", "val_loop", "restarting")),
        (loop.epoch_progress.current, ("ready", "processed", "completed")),
        (WeightAveraging(), ("_average_model", "_swap_models")),
        (ModelCheckpoint(), ("_save_checkpoint", "_last_global_step_saved", "_last_checkpoint_saved")),
        (ExperimentWriter, ("_check_log_dir_exists", "_rewrite_with_new_header")),
        (trainer, ("callbacks", "validating", "training")),
    ):
        assert [name for name in names if not hasattr(owner, name)] == [], owner
    assert "data_fetcher" in inspect.signature(loop.epoch_loop._should_check_val_fx).parameters
    assert [*inspect.signature(ModelCheckpoint._save_checkpoint).parameters] == ["self", "trainer", "filepath"]
    source = "".join(inspect.getsource(kind) for kind in ExperimentWriter.__mro__[:-1])
    for name in ("_check_log_dir_exists", "_rewrite_with_new_header"):
        assert f"self.{name}(" in source, f"{name} is called by nobody any more"
    for name in ("_last_global_step_saved", "_last_checkpoint_saved"):
        assert f"self.{name}" in inspect.getsource(ModelCheckpoint)


def test_hydra_has_what_is_used(tmp_path: Path) -> None:
    """Importing the file is most of the test; what it calls is called."""
    from ner_lightning.command_line.compose import hydra_session, sweep_config

    with hydra_session("train") as hydra:
        words = ["seed=1,2", "name='${monitor}'", "hydra.verbose=true"]
        config = sweep_config(hydra, "train", words)
        assert hydras.typed_words(config.hydra) == words[:2]
        assert hydras.typed_words(config.hydra, "hydra") == ["hydra.verbose=true"]
        assert hydras.swept_words(sweep_config(hydra, "train", ["+sweep=lr"]).hydra) == [
            "optim.encoder_lr=1e-5,3e-5,1e-4,3e-4",
            "seed=1,2,3",
        ]
        here = [f"hydra.sweep.dir={tmp_path}", "hydra.sweep.subdir=.", "hydra/job_logging=none"]
        config = sweep_config(hydra, "train", [*here, "hydra/hydra_logging=none"])
        given: list[tuple[int, str]] = []

        def run(job: object) -> None:
            given.append((job.seed, OmegaConf.to_container(job)["name"]))  # type: ignore[attr-defined, arg-type, index, call-overload]

        hydras.hand_to_launcher(hydra, config, run, [["seed=3", "name='${monitor}'"], ["seed=4", "~trainer.devices"]])
        assert given == [(3, "${monitor}"), (4, "crf")]


def test_optuna_has_what_is_used(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    from ner_lightning.sweep.study import StudyFile
    from ner_lightning.vendors.optuna import trial_of

    file = StudyFile(str(tmp_path / "study.log"), "s", "max", "none")
    asked = file.open().ask()
    again = trial_of(file.open(), asked.number)
    again.report(0.5, 1)
    (frozen,) = file.open().get_trials()
    assert (frozen.number, frozen.intermediate_values) == (asked.number, {1: 0.5})


def test_wandb_has_what_is_used() -> None:
    from wandb.proto import wandb_internal_pb2 as schema

    from ner_lightning.vendors.wandb import read_wandb_record

    record = schema.Record()  # type: ignore[attr-defined]
    record.run.run_id = "x"
    assert read_wandb_record(record.SerializeToString()).run.run_id == "x"
    with pytest.raises(ValueError, match="a record that cannot be read"):
        read_wandb_record(b"\xff\xff\xff")
