"""A stored run once more: its own configuration, in a process of its own, into a new folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from ner_lightning.errors import UserError
from ner_lightning.run_folder import CONFIG, RESULT, read_json
from ner_lightning.storage.atomic import write_text

GIVEN = "given"
"""Name of the configuration that is written for the second run."""

HIDDEN = "(hidden)"
"""What stands in a run's record in place of a secret."""


def stored_config(run: Path) -> dict[str, Any]:
    """The resolved configuration of a run folder.

    Raises:
        UserError: when the folder holds no finished run, or its configuration cannot be used as it stands.
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
    if place := _hidden(config):
        raise UserError(f"{run / CONFIG}: {place} was a secret and is not stored; give it: {place}=VALUE")
    return config


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


def run_again(config: dict[str, Any], folder: Path, threads: int | None = None) -> int:
    """Train with a stored configuration into `folder`, in a process of its own; returns its exit code.

    Args:
        config: of `stored_config`.
        folder: of the new run; made.
        threads: CPU threads; None: as many as there are.
    """
    folder.mkdir(parents=True)
    given = {"defaults": [{"hydra": "default"}, "_self_"], **redirected(config)}
    write_text(folder / f"{GIVEN}.yaml", yaml.safe_dump(given, sort_keys=False, allow_unicode=True))
    where = "'" + str(folder).replace("'", "\\'") + "'"
    words = ["--config-dir", str(folder), "--config-name", GIVEN, f"hydra.run.dir={where}"]
    environment = os.environ | ({"OMP_NUM_THREADS": str(threads)} if threads else {})
    return subprocess.run(
        [sys.executable, "-m", "ner_lightning.train", *words], env=environment, check=False
    ).returncode


def _hidden(node: Any, place: str = "") -> str | None:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    if node == HIDDEN:
        return place
    found = (_hidden(value, f"{place}.{key}" if place else str(key)) for key, value in items)
    return next((place for place in found if place), None)
