"""The folder of `--config-dir` as Hydra reads it, with each file checked first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hydra.plugins.config_source import ConfigResult

from ner_lightning.command_line.hydra_node import check_source
from ner_lightning.storage.yaml_files import check_yaml
from ner_lightning.vendors.hydra import FileConfigSource, SourcesRegistry

SCHEME = "checked"


class CheckedFileSource(FileConfigSource):
    """Hydra's own source of files, for files that somebody else may have written."""

    @staticmethod
    def scheme() -> str:
        """Return what comes before `://` in a search path."""
        return SCHEME

    def load_config(self, config_path: str) -> ConfigResult:
        """Read a file after checking that its aliases do not multiply and that it names no folders of its own."""
        path = Path(self.path, self._normalize_file_name(config_path)).resolve()
        if path.is_file():
            check_yaml(path.read_text(encoding="utf-8"), str(path))
        result: Any = super().load_config(config_path)
        check_source(result.config, str(path))
        return result


def checked_folder(folder: Path) -> str:
    """Return the entry of a search path for a folder of somebody else's files."""
    SourcesRegistry.instance().register(CheckedFileSource)
    return f"{SCHEME}://{folder}"
