"""YAML files that installed packages bring, behind ours: a package is trusted by being installed.

A package names itself as an entry point of the group `ner_lightning.conf`; its folder `conf` is laid out as ours. Where
both have a file of one name, ours counts.
"""

from __future__ import annotations

import functools
import sys
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from hydra.plugins.search_path_plugin import SearchPathPlugin

from ner_lightning.command_line.yaml_source import checked_folder
from ner_lightning.errors import UserError
from ner_lightning.vendors.hydra import ConfigSearchPath, Plugins

GROUP = "ner_lightning.conf"
"""Group of entry points. An entry's value is the name of a package that holds a folder `conf`."""


class InstalledFolders(SearchPathPlugin):
    """Tells Hydra where the YAML files of installed packages are."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Add each folder behind what is there."""
        for name, folder in _folders(tuple(sys.path)).items():
            search_path.append(name, checked_folder(folder))


def search_installed_packages() -> None:
    """Have Hydra ask for these folders, in every session of this process."""
    Plugins.instance().register(InstalledFolders)


@functools.cache
def _folders(_path: tuple[str, ...]) -> dict[str, Path]:
    return dict(_folder(entry) for entry in sorted(entry_points(group=GROUP)))


def _folder(entry: EntryPoint) -> tuple[str, Path]:
    """Return the folder of a package without importing it.

    Raises:
        UserError: there is none.
    """
    spec = find_spec(entry.value.partition(".")[0])
    for place in (spec and spec.submodule_search_locations) or ():
        folder = Path(place, *entry.value.split(".")[1:], "conf")
        if folder.is_dir():
            return entry.name, folder
    raise UserError(
        f"{entry.name}: an installed package says that {entry.value} brings a folder conf ({GROUP}), and there is none"
    )
