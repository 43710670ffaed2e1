"""Compose the configuration of a command from its command line, by Hydra's own rules."""

from __future__ import annotations

import copy
import os
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from hydra import version
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig

from ner_lightning.command_line.installed import search_installed_packages
from ner_lightning.command_line.yaml_source import SCHEME, checked_folder
from ner_lightning.errors import UserError
from ner_lightning.vendors.hydra import (
    ConfigLoaderImpl,
    GlobalHydra,
    Hydra,
    IntervalSweep,
    OverridesParser,
    SearchPathQuery,
    create_config_search_path,
    swept_words,
    typed_words,
)

VERSION_BASE = "1.3"

search_installed_packages()

REMEMBERED = 64
"""Configurations that a command keeps, the newest ones."""

_composed: OrderedDict[tuple[Any, ...], DictConfig] | None = None
"""The configurations that the running command has composed; None: every call composes anew."""


@contextmanager
def composing_once() -> Iterator[None]:
    """Remember, for the time of a command, what has been composed, so that the same words are not composed twice.

    Composing takes a seventh of a second. Files of the configuration are not expected to change meanwhile.
    """
    global _composed
    outer, _composed = _composed, OrderedDict()
    try:
        yield
    finally:
        _composed = outer


class RememberingLoader(ConfigLoaderImpl):
    """Hydra's own loader of configurations, which inside `composing_once` remembers what it has composed."""

    def load_configuration(
        self,
        config_name: str | None,
        overrides: list[str],
        run_mode: RunMode,
        from_shell: bool = True,
        validate_sweep_overrides: bool = True,
    ) -> DictConfig:
        """Compose, or copy what the same words have come to before."""
        if _composed is None:
            return super().load_configuration(config_name, overrides, run_mode, from_shell, validate_sweep_overrides)
        where = tuple(element.path for element in self.config_search_path.get_path())
        key = (where, config_name, tuple(overrides), run_mode, validate_sweep_overrides)
        if key not in _composed:
            _composed[key] = super().load_configuration(
                config_name, overrides, run_mode, from_shell, validate_sweep_overrides
            )
            if len(_composed) > REMEMBERED:
                _composed.popitem(last=False)
        return copy.deepcopy(_composed[key])


def conf_folder() -> Path:
    """Return the folder of our YAML: inside the package if it was installed as a wheel, beside it in a checkout.

    >>> (conf_folder() / "train.yaml").is_file()
    True
    """
    package = Path(__file__).parents[1]
    installed = package / "conf"
    return installed if installed.is_dir() else package.parent / "conf"


@contextmanager
def hydra_session(command: str, config_dir: str | None = None) -> Iterator[Hydra]:
    """Set up Hydra with our configuration and the user's folder after it, as `hydra.main` would.

    Args:
        command: name of the root YAML.
        config_dir: a folder with further YAML files (`--config-dir`).

    Raises:
        UserError: there is no such folder.
    """
    version.setbase(VERSION_BASE)
    search_path = create_config_search_path(str(conf_folder()))
    if config_dir is not None:
        folder = Path(config_dir).absolute()
        if not folder.is_dir():
            raise UserError(f"--config-dir {config_dir}: there is no such folder.")
        search_path.prepend("command-line", checked_folder(folder), anchor=SearchPathQuery(provider="schema"))
    # A program that imports us may have its own Hydra.
    outer = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        hydra = Hydra(task_name=command, config_loader=RememberingLoader(search_path))
        GlobalHydra.instance().initialize(hydra)
        yield hydra
    finally:
        GlobalHydra.instance().hydra = outer


def compose(hydra: Hydra, command: str, overrides: list[str]) -> DictConfig:
    """Compose the configuration of one run, with Hydra's node; errors are those of Hydra and OmegaConf."""
    return hydra.config_loader.load_configuration(command, overrides, run_mode=RunMode.RUN)


def is_sweep(hydra: Hydra, command: str, overrides: list[str]) -> bool:
    """Tell whether the overrides ask for several runs (`hydra.mode=MULTIRUN`, or a sweep file that sets it)."""
    try:
        mode = compose(hydra, command, overrides).hydra.mode
    except HydraException:
        if not any(_may_set_mode(override) for override in overrides):
            return False
        mode = sweep_config(hydra, command, overrides).hydra.mode  # of values that vary, which no single run has
    return bool(mode == RunMode.MULTIRUN)


def list_groups(hydra: Hydra) -> list[str]:
    """List the groups of our configuration and of the user's folder, without Hydra's own.

    Hydra would look into every folder once for each of its sources, plugins among them, which takes a quarter second.
    """
    found = set()
    for source in hydra.config_loader.get_sources():
        if source.scheme() in ("file", SCHEME):
            found |= {folder.relative_to(source.path).as_posix() for folder in _folders_of_yaml(Path(source.path))}
    return sorted(group for group in found - {"."} if group.partition("/")[0] != "hydra")


def _folders_of_yaml(folder: Path) -> Iterator[Path]:
    for path, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        if any(name.endswith(".yaml") for name in files):
            yield Path(path)


def sample_jobs(hydra: Hydra, command: str, overrides: list[str]) -> Iterator[list[str]]:
    """Yield the overrides of just enough runs of a sweep to see every value once.

    The grid of all combinations can be long, but a wrong value shows in any of them. A range without a list of values
    (`interval`) is represented by its start.
    """
    master = sweep_config(hydra, command, overrides)
    words = [*swept_words(master.hydra), *typed_words(master.hydra)]
    parsed = OverridesParser.create(config_loader=hydra.config_loader).parse_overrides(words)
    choices: dict[str, list[str]] = {}
    for override in parsed:
        if not override.is_sweep_override():
            choices[override.get_key_element()] = [str(override.input_line)]
            continue
        key = override.get_key_element()
        if override.is_discrete_sweep():
            choices[key] = [f"{key}={value}" for value in override.sweep_string_iterator()]
        else:
            choices[key] = [f"{key}={cast(IntervalSweep, override.value()).start}"]
    fixed = typed_words(master.hydra, "hydra")
    for turn in range(max((len(values) for values in choices.values()), default=1)):
        words = [values[min(turn, len(values) - 1)] for values in sorted(choices.values(), key=_varies)]
        yield [*fixed, *words, "hydra.mode=RUN"]  # as the sweep has them, which composes its jobs of the same words


def _varies(values: list[str]) -> bool:
    return len(values) > 1


def _may_set_mode(override: str) -> bool:
    """Tell whether a word may turn a run into a sweep: a key of Hydra's own, or an added file."""
    return override.startswith(("+", "hydra"))


def sweep_config(hydra: Hydra, command: str, overrides: list[str]) -> DictConfig:
    """Compose the configuration of a sweep as a whole, with Hydra's node; varying values are not checked."""
    return hydra.config_loader.load_configuration(
        command, overrides, run_mode=RunMode.MULTIRUN, validate_sweep_overrides=False
    )
