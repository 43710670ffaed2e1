"""Weights & Biases that never asks and never hangs: online if there is a key, else offline, and one line says so."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pytorch_lightning.loggers import Logger, WandbLogger
from pytorch_lightning.utilities import rank_zero_info, rank_zero_only, rank_zero_warn

from ner_lightning.errors import UserError, first_line
from ner_lightning.run.redaction import (
    is_secret,
    known_secrets,
    publishable,
    redact_text,
    redact_words,
    tells_secret,
)

if TYPE_CHECKING:
    from wandb import Run

INIT_SECONDS = 30
FINISH_SECONDS = 60
LONGEST_NAME = 128  # characters; the server refuses more
LONGEST_TAG = 64  # characters, of a tag and of a job type
LONGEST = {"name": LONGEST_NAME, "group": LONGEST_NAME, "job_type": LONGEST_TAG}
NOT_IN_A_PROJECT = re.compile(r"[/#?%:]|\\")
STEP = "trainer/global_step"  # what Lightning's logger calls the step

MODES = ("auto", "online", "offline", "disabled")
# Overrides that say where a run is written rather than what is run, or that already begin the name.
UNNAMED = frozenset({"experiment", "sweep", "name", "logger", "paths"})


def wandb_logger(
    *,
    project: str,
    save_dir: str | Path,
    run_config: Mapping[str, Any],
    entity: str | None = None,
    name: str | None = None,
    group: str | None = None,
    tags: Iterable[Any] = (),
    notes: str | None = None,
    mode: str = "auto",
) -> WandbLogger:
    """Open a run of its own in W&B and return Lightning's logger around it.

    The run is open when this returns, on rank zero alone, so that processes forked later write to the same run; close
    it with `finish`. A run still open in this process was left behind by a command that failed: it is closed as failed.

    A job of a sweep has the sweep as its group. The overrides that vary make its name, its tags and, without the seed,
    its job type, so that W&B can group the seeds of a setting. A job that continues from a checkpoint of its own folder
    also continues its W&B run.

    Args:
        project: name of the W&B project.
        save_dir: the run is written to `save_dir/wandb/`.
        run_config: the resolved configuration in plain containers; W&B gets it without secrets and very large values.
        entity: user or team; None: the owner of the key.
        name: of the run; None: the experiment and what was overridden, `crf optim.encoder_lr=1e-4 seed=2`.
        group: of the run; None: the sweep, else the experiment.
        tags: of the run, in addition to those of a sweep; W&B accepts 64 characters of each.
        notes: on the run.
        mode: `auto`: online where W&B has a key and can be reached, else offline. `online`: the same, but a missing key
            is an error. `offline`, `disabled`: as asked. `WANDB_MODE=offline|disabled` (and `wandb offline`) overrule
            the first two.

    Raises:
        UserError: when the mode is none of these, `online` finds no key, or no project can have that name.
    """
    if mode not in MODES:
        raise UserError(f"logger.wandb.mode: expected {', '.join(MODES)}, received {mode!r}")
    experiment, sweep = str(run_config["name"]), run_config.get("sweep") or {}
    is_job = sweep.get("job") is not None
    secrets = known_secrets(os.environ, run_config)
    varied = [*tellable(redact_words(sweep["varied"], secrets))] if is_job else []
    words = varied if is_job else redact_words(task_overrides(), secrets)
    said = {
        "name": name or run_name(experiment, words),
        "group": group or (str(sweep["name"]) if is_job else experiment),
        "notes": notes or os.environ.get("WANDB_NOTES"),
        "job_type": job_type(varied),
    }
    options: dict[str, Any] = {
        **{key: redact_text(str(text), secrets)[: LONGEST.get(key)] for key, text in said.items() if text},
        "project": project,
        "entity": entity,
        "tags": short_tags([*(redact_text(str(tag), secrets) for tag in tags), *varied]),
        "dir": str(save_dir),
        "config": publishable(run_config, secrets),
    }
    if run_config.get("ckpt_path") and (before := previous_run(Path(save_dir))):
        options |= {"id": before, "resume": "allow"}
    run = open_run(mode, options)
    if run is not None:
        run.define_metric(STEP)
        run.define_metric("*", step_metric=STEP, step_sync=True)
        mode = (run_config.get("callbacks") or {}).get("checkpoint", {}).get("mode", "max")
        for name, best in {"val/f1": "max", str(run_config["monitor"]): mode}.items():
            run.define_metric(name, step_metric=STEP, step_sync=True, summary=best)
    return WandbLogger(experiment=run, project=project, save_dir=save_dir, name=options["name"])


def check_project(name: str) -> None:
    """Refuse a project name that W&B would not accept.

    Raises:
        UserError: says what W&B accepts.

    >>> check_project("me/mine")
    Traceback (most recent call last):
    ner_lightning.errors.UserError: W&B takes no project me/mine: expected up to 128 characters without any of /#?%:
    """
    if not name or len(name) > LONGEST_NAME or NOT_IN_A_PROJECT.search(name):
        raise UserError(f"W&B takes no project {name}: expected up to {LONGEST_NAME} characters without any of /#?%:")


@rank_zero_only
def open_run(mode: str, options: dict[str, Any]) -> Run:
    """Open a run with `wandb.init(**options)`, offline if it must be; W&B prints nothing about being offline.

    On ranks other than zero, nothing happens and None is returned.

    Raises:
        UserError: `online` finds no key, or no project can have that name.
    """
    import wandb

    check_project(options["project"])

    if wandb.run is not None:
        close(wandb.run, failed=True)
    Path(options["dir"]).mkdir(parents=True, exist_ok=True)  # W&B warns of a git root otherwise
    settled, reason = settle_mode(mode)
    settings = {
        "init_timeout": INIT_SECONDS,
        "finish_timeout": FINISH_SECONDS,
        "x_disable_meta": tells_secret(sys.argv, known_secrets(os.environ)),  # W&B keeps the command line in there
        "disable_git": remote_tells_secret(),
    }
    if settled == "online":
        try:
            return wandb.init(mode="online", settings=settings, **options)
        except Exception as error:  # W&B's own, time-outs, its service: none of them may stop a training
            settled, reason = "offline", first_line(error)
    run = wandb.init(mode=settled, settings={**settings, "silent": True}, **options)
    if settled == "offline":
        rank_zero_info(f"W&B is offline ({reason}). To send this run: {sync_command(run)}")
    return run


def remote_tells_secret() -> bool:
    """Tell whether the git remote has a login in it: W&B would keep its first half, which may be a token."""
    try:
        asked = ["git", "config", "--get", "remote.origin.url"]
        url = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return False
    return url.startswith("http") and redact_text(url) != url


def settle_mode(mode: str) -> tuple[Literal["online", "offline", "disabled"], str]:
    """Choose online, offline or disabled without asking; takes at most ten seconds where there is no network.

    Returns:
        The mode and, for offline, why.

    Raises:
        UserError: when `online` finds no key.
    """
    import wandb

    stated = wandb.setup().settings.mode  # WANDB_MODE, or what `wandb offline` wrote
    if mode == "disabled" or (mode != "offline" and stated == "disabled"):
        return "disabled", ""
    if mode == "offline" or stated in ("offline", "dryrun"):
        return "offline", "mode=offline" if mode == "offline" else f"WANDB_MODE={stated}"
    try:
        if wandb.login(prompt=False):  # has the server check the key; wandb.init needs 40 s to find no network
            return "online", ""
    except Exception as error:  # refused, malformed, no network
        return "offline", first_line(error)
    if mode == "online":
        raise UserError(
            "logger.wandb.mode=online: W&B has no key; run `wandb login`, set WANDB_API_KEY, or leave mode=auto"
        )
    return "offline", "no key; `wandb login` stores one"


@rank_zero_only
def finish(loggers: Iterable[Logger], failed: bool, pruned: bool = False) -> None:
    """Close the W&B runs among the loggers, as failed or not; raises nothing, so that a `finally` can call it.

    Args:
        loggers: of the trainer.
        failed: whether the command did not reach its end.
        pruned: whether the search stopped it early: that is no failure, and marked by a tag.
    """
    for logger in loggers:
        if isinstance(logger, WandbLogger) and logger.version:
            if pruned:
                logger.experiment.tags = (*(logger.experiment.tags or ()), "pruned")
            close(logger.experiment, failed and not pruned)


def close(run: Run, failed: bool) -> None:
    """Close a run; a problem is only a warning, since an error here would hide the one that ended the fit."""
    try:
        run.finish(exit_code=int(failed))
    except Exception as error:
        rank_zero_warn(f"W&B could not close its run ({first_line(error)}). To send it: {sync_command(run)}")


def sync_command(run: Run) -> str:
    """Build the command that sends a run from its folder."""
    return f"wandb sync {shlex.quote(str(Path(run.dir).parent))}"


def task_overrides() -> list[str]:
    """Return the overrides as typed, if Hydra started this run."""
    from hydra.core.hydra_config import HydraConfig

    from ner_lightning.vendors.hydra import typed_words

    return typed_words(HydraConfig.get()) if HydraConfig.initialized() else []


def run_name(experiment: str, overrides: Iterable[str]) -> str:
    """Build a name from the experiment and the overrides, in the order typed.

    Left out are the experiment's override, loggers, folders and secrets. A path is cut to its last part, the
    name to 128 characters.

    >>> run_name("crf", ["+experiment=crf", "optim.encoder_lr=1e-4", "seed=2", "logger=wandb"])
    'crf optim.encoder_lr=1e-4 seed=2'
    >>> run_name("crf", ["+debug=fast", "data.dir=/corpora/wnut17", "~callbacks.progress", "+data.hub_token=abc"])
    'crf debug=fast data.dir=wnut17 ~callbacks.progress'
    """
    name = " ".join([experiment, *tellable(overrides)])
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def tellable(overrides: Iterable[str]) -> Iterator[str]:
    """Yield the overrides that say what is run, short and without secrets.

    >>> [*tellable(["+experiment=crf", "optim.encoder_lr=1e-4", "data.dir='/corpora/wnut17'", "+data.hub_token=abc"])]
    ['optim.encoder_lr=1e-4', 'data.dir=wnut17']
    """
    for override in overrides:
        key, equals, value = override.lstrip("+").partition("=")
        if is_secret(key) or re.split(r"[./@]", key.lstrip("~"))[0] in UNNAMED:
            continue
        value = value.strip("'\"")
        if value.startswith(("/", "~", "./", "../")):
            value = Path(value).name
        yield f"{key}{equals}{value}"


def short_tags(tags: Iterable[str]) -> list[str]:
    """Make tags acceptable to W&B: each once, none empty, none above 64 characters.

    >>> short_tags(["a", "", "a", "b" * 65]) == ["a", "b" * 63 + "…"]
    True
    """
    cut = (tag if len(tag) <= LONGEST_TAG else f"{tag[: LONGEST_TAG - 1]}…" for tag in tags)
    return list(dict.fromkeys(filter(None, cut)))


def job_type(varied: Iterable[str]) -> str:
    """Join the overrides that a job shares with jobs that differ only in the seed.

    >>> job_type(["optim.encoder_lr=1e-4", "seed=2"]), job_type(["seed=2"])
    ('optim.encoder_lr=1e-4', 'train')
    """
    return " ".join(word for word in varied if not word.startswith("seed="))[:LONGEST_TAG] or "train"


def previous_run(folder: Path) -> str | None:
    """Find the id of the last W&B run written to a folder; None if there is none."""
    found = {
        match[1]: match[2]
        for path in folder.glob("wandb/*run-*")
        if (match := re.fullmatch(r"(?:offline-)?run-(\d+_\d+)-(\w+)", path.name)) and not path.is_symlink()
    }
    return found[max(found)] if found else None
