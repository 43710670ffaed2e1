"""A stored run once more: its own configuration, in a process of its own, into a new folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from ner_lightning.callbacks.redaction import hidden_places
from ner_lightning.errors import UserError
from ner_lightning.run_folder import CONFIG, RESULT, read_json
from ner_lightning.storage.atomic import write_text

GIVEN = "given"
"""Name of the configuration that is written for the second run."""


def stored_config(run: Path) -> dict[str, Any]:
    """The resolved configuration of a run folder.

    Raises:
        UserError: when the folder holds no finished run, or its configuration is damaged.
    """
    for name in (CONFIG, RESULT):
        if not (run / name).is_file():
            raise UserError(f"{run}: not the folder of a finished run: it has no {name}")
    if not read_json(run / RESULT).get("best"):
        raise UserError(f"{run / RESULT}: damaged, or not of a training: it holds no scores to compare with")
    try:
        config = yaml.safe_load((run / CONFIG).read_text(encoding="utf-8"))
    except (ValueError, yaml.YAMLError):
        config = None
    if not isinstance(config, dict) or "paths" not in config:
        raise UserError(f"{run / CONFIG}: expected the configuration of a run")
    return config


def check_complete(run: Path, config: dict[str, Any], given: Sequence[str]) -> None:
    """Refuse a configuration that lacks a secret which nobody gives.

    Args:
        run: its folder.
        config: of `stored_config`.
        given: words of a command line, `data.hub_token=VALUE`.

    Raises:
        UserError: with what to give.
    """
    keys = {word.partition("=")[0].lstrip("+") for word in given}
    needed = {key: value for key, value in config.items() if key != "logger"}  # the second run reports to nobody
    if place := next((place for place in hidden_places(needed) if place not in keys), None):
        raise UserError(f"{run / CONFIG}: {place} was a secret and is not stored; add {place}=VALUE to the command")


def redirected(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration with every path below its run folder below the folder of the run to come.

    It starts from nothing, belongs to no sweep, and reports to no service.

    >>> old = {"paths": {"output_dir": "out/a"}, "callbacks": {"x": {"folder": "out/a/predictions"}}}
    >>> redirected(old)["callbacks"]
    {'x': {'folder': '${paths.output_dir}/predictions'}}
    """
    old = str(config["paths"]["output_dir"])

    def moved(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: moved(item) for key, item in value.items()}
        if isinstance(value, list):
            return [moved(item) for item in value]
        if isinstance(value, str) and (value == old or value.startswith(f"{old}/")):
            return "${paths.output_dir}" + value[len(old) :]
        return value

    new = moved(config)
    new["paths"]["output_dir"] = "${hydra:runtime.output_dir}"
    new |= {"logger": {}, "ckpt_path": None}
    new["callbacks"].pop("pruning", None)  # it would report to a study that is over
    if "sweep" in new:
        new["sweep"] |= {"name": None, "job": None, "search": None}
    return new


def run_again(config: dict[str, Any], folder: Path, threads: int | None = None, given: Sequence[str] = ()) -> int:
    """Train with a stored configuration into `folder`, in a process of its own; returns its exit code.

    Args:
        config: of `stored_config`.
        folder: of the new run; made.
        threads: CPU threads; None: as many as there are.
        given: words for the command line: what is not stored.
    """
    folder.mkdir(parents=True)
    given = {"defaults": [{"hydra": "default"}, "_self_"], **redirected(config)}
    write_text(folder / f"{GIVEN}.yaml", yaml.safe_dump(given, sort_keys=False, allow_unicode=True))
    where = "'" + str(folder).replace("'", "\\'") + "'"
    words = ["--config-dir", str(folder), "--config-name", GIVEN, f"hydra.run.dir={where}", *given]
    environment = os.environ | ({"OMP_NUM_THREADS": str(threads)} if threads else {})
    return subprocess.run(
        [sys.executable, "-m", "ner_lightning.train", *words], env=environment, check=False
    ).returncode
