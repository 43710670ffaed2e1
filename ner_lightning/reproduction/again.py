"""Run a stored run again: with its own configuration, in its own process, into a new folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from ner_lightning.config.stored import repeatable
from ner_lightning.errors import UserError
from ner_lightning.run.folder import RunFolder
from ner_lightning.run.reading import StoredRun, UnusableRun, read_run_folder
from ner_lightning.run.redaction import hidden_places
from ner_lightning.storage.atomic import write_text

GIVEN = "given"
"""Name of the configuration that is written for the second run."""

WRITTEN = ("default_root_dir", "dirpath", "exclude_batches_path", "folder", "path", "save_dir")
"""Arguments of callbacks, profilers and the trainer that say where files are written."""


def stored_config(run: Path) -> dict[str, Any]:
    """Read the resolved configuration of a run folder.

    Raises:
        UserError: when the folder holds no finished run, or its configuration is damaged.
    """
    stored = read_finished(run)
    where = stored.folder.config
    if not isinstance((stored.config.get("paths") or {}).get("output_dir"), str):
        raise UserError(f"{where}: expected the configuration of a run")
    config = repeatable(stored.config, str(where))
    check_written(config, where)
    return config


def read_finished(run: Path) -> StoredRun:
    """Read a run folder that another run can be compared with.

    Raises:
        UserError: it holds no finished training, or is damaged.
    """
    try:
        stored = read_run_folder(run)
    except UnusableRun as error:
        raise UserError(f"{run}: not the folder of a finished run: {error}") from error
    if not stored.result.scores:
        raise UserError(f"{stored.folder.result}: holds no scores to compare with")
    return stored


def check_run_words(run: Path, config: Mapping[str, Any], given: Sequence[str]) -> None:
    """Refuse words that speak of nothing in the stored configuration.

    Args:
        run: its folder.
        config: of `stored_config`.
        given: words of a command line, `data.dir=FOLDER`.

    Raises:
        UserError: naming the word.
    """
    for word in given:
        name = word.partition("=")[0].lstrip("~")
        if not name.startswith("+") and not _has(config, name):
            raise UserError(f"{word}: neither a key of reproduce (see --help) nor one of {RunFolder(run).config}")


def _has(config: Any, name: str) -> bool:
    """Tell whether a configuration has a key, written with dots."""
    first, _, rest = name.partition(".")
    if not isinstance(config, dict) or first not in config:
        return False
    return not rest or _has(config[first], rest)


def check_run_secrets(run: Path, config: dict[str, Any], given: Sequence[str]) -> None:
    """Refuse a configuration that lacks a secret which the command line does not give either.

    Args:
        run: its folder.
        config: of `stored_config`.
        given: words of the command line, such as `data.hub_token=VALUE`.

    Raises:
        UserError: says what to give.
    """
    keys = {word.partition("=")[0].lstrip("+") for word in given}
    needed = {key: value for key, value in config.items() if key != "logger"}  # the second run has no logger
    if place := next((place for place in hidden_places(needed) if place not in keys), None):
        raise UserError(
            f"{RunFolder(run).config}: {place} was a secret and is not stored; add {place}=VALUE to the command"
        )


def check_written(config: dict[str, Any], where: Path) -> None:
    """Refuse a configuration that would write anywhere but into the folder of its run.

    Raises:
        UserError: names the key.
    """
    home = config["paths"]["output_dir"]
    for key, value in _paths({name: config.get(name) for name in ("callbacks", "trainer")}):
        if key.startswith("callbacks.pruning."):
            continue  # left out
        is_inside = value == home or (value.startswith(f"{home}/") and ".." not in value.split("/"))
        if not is_inside:
            raise UserError(f"{where}: {key}={value}: a run that is repeated writes into its own folder alone ({home})")


def redirect_config(config: dict[str, Any]) -> dict[str, Any]:
    """Move every path below the old run folder into the folder of the new run.

    The new run starts from scratch, belongs to no sweep, and reports to no service.

    >>> old = {"paths": {"output_dir": "out/a"}, "callbacks": {"x": {"folder": "out/a/predictions"}}}
    >>> redirect_config(old)["callbacks"]
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
    if isinstance(new.get("data"), dict) and new["data"].get("cache") is not None:
        new["data"]["cache"] = "auto"  # where the corpus is kept is a matter of this machine
    (new.get("callbacks") or {}).pop("pruning", None)  # it would report to a study that has ended
    if isinstance(new.get("sweep"), dict):
        new["sweep"] |= {"name": None, "job": None, "search": None}
    return new


def run_again(config: dict[str, Any], folder: Path, threads: int | None = None, given: Sequence[str] = ()) -> int:
    """Train with a stored configuration into `folder`, in a process of its own; return its exit code.

    Args:
        config: of `stored_config`.
        folder: of the new run; made.
        threads: CPU threads; None: as many as there are.
        given: words for the command line that are not stored.
    """
    folder.mkdir(parents=True)
    again = {"defaults": [{"hydra": "default"}, "_self_"], **redirect_config(config)}
    write_text(folder / f"{GIVEN}.yaml", yaml.safe_dump(again, sort_keys=False, allow_unicode=True))
    where = "'" + str(folder).replace("'", "\\'") + "'"
    words = ["--config-dir", str(folder), "--config-name", GIVEN, f"hydra.run.dir={where}", *given]
    environment = os.environ | ({"OMP_NUM_THREADS": str(threads)} if threads else {})
    return subprocess.run(
        [sys.executable, "-m", "ner_lightning.train", *words], env=environment, check=False
    ).returncode


def _paths(node: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Yield the values that say where files are written; a bare file name stays in its folder, and is left out."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        here = f"{place}.{key}" if place else str(key)
        named = key in ("filename", "name") and isinstance(value, str) and ("/" in value or value == "..")
        if isinstance(value, str) and (key in WRITTEN or named):
            yield here, value
        yield from _paths(value, here)
