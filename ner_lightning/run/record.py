"""Write what a run was asked for, which versions it used, and its result."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from ner_lightning.run.child_process import is_child
from ner_lightning.run.folder import RunFolder, write_json
from ner_lightning.run.redaction import known_secrets, redact, redact_words
from ner_lightning.storage.atomic import write_text


def write_run(folder: str | Path, config: Mapping[str, Any], overrides: list[str]) -> None:
    """Write `config.yaml` (resolved) and `run.json` (overrides, seed, command, versions, commit) before the fit.

    Neither holds a secret: secret values read `(hidden)`. Only the first process of a run writes.

    Args:
        folder: the run's.
        config: resolved, plain containers.
        overrides: the overrides as typed.
    """
    if is_child():
        return
    run = RunFolder(folder)
    run.path.mkdir(parents=True, exist_ok=True)
    run.result.unlink(missing_ok=True)  # the result of a run that is resumed here
    secrets = known_secrets(os.environ, config)
    public = OmegaConf.create(redact(config, secrets))
    write_text(run.config, OmegaConf.to_yaml(public))
    write_json(
        run.record,
        {
            "overrides": redact_words(overrides, secrets),
            "seed": config["seed"],
            "command": [Path(sys.argv[0]).name, *redact_words(sys.argv[1:], secrets)],
            "python": platform.python_version(),
            "platform": platform.platform(),
            "git": git_commit(),
            "packages": dict(sorted((d.metadata["Name"], d.version) for d in distributions() if d.metadata["Name"])),
        },
    )


def write_result(folder: str | Path, result: Mapping[str, Any]) -> None:
    """Write `result.json` after the fit; its presence means that the run is complete."""
    if not is_child():
        write_json(RunFolder(folder).result, result)


def git_commit(folder: Path | None = None) -> dict[str, Any] | None:
    """Return commit and cleanness of the checkout that the code runs from; None if it runs from no checkout.

    Args:
        folder: inside the checkout; None: the folder of this file.
    """
    where = ["git", "-C", str(folder or Path(__file__).parent)]
    try:
        commit = subprocess.run([*where, "rev-parse", "HEAD"], capture_output=True, text=True, check=True, timeout=10)
        status = subprocess.run(
            [*where, "status", "--porcelain"], capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return {"commit": commit.stdout.strip(), "dirty": bool(status.stdout.strip())}
