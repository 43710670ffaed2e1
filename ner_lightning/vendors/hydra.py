"""Parts of Hydra that we use although they are private or undocumented."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from hydra._internal.callbacks import Callbacks
from hydra._internal.config_loader_impl import ConfigLoaderImpl as ConfigLoaderImpl
from hydra._internal.core_plugins.file_config_source import FileConfigSource as FileConfigSource
from hydra._internal.hydra import Hydra as Hydra
from hydra._internal.sources_registry import SourcesRegistry as SourcesRegistry
from hydra._internal.utils import create_config_search_path as create_config_search_path
from hydra._internal.utils import get_args_parser as get_args_parser
from hydra.core.config_search_path import ConfigSearchPath as ConfigSearchPath
from hydra.core.config_search_path import SearchPathQuery as SearchPathQuery
from hydra.core.global_hydra import GlobalHydra as GlobalHydra
from hydra.core.object_type import ObjectType as ObjectType
from hydra.core.override_parser.overrides_parser import OverridesParser as OverridesParser
from hydra.core.override_parser.types import IntervalSweep as IntervalSweep
from hydra.core.plugins import Plugins as Plugins
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf


def hand_to_launcher(
    hydra: Hydra, config: DictConfig, run: Callable[[DictConfig], Any], jobs: Sequence[Sequence[str]]
) -> None:
    """Hand jobs to the launcher of a configuration, as Hydra's own sweeper does.

    Args:
        hydra: a session.
        config: of the sweep, with Hydra's own node.
        run: called with the configuration of each job, mostly in another process.
        jobs: the overrides of each.
    """
    context = HydraContext(config_loader=hydra.config_loader, callbacks=Callbacks(config))
    launcher = Plugins.instance().instantiate_launcher(context, run, config)
    launcher.launch([list(words) for words in jobs], initial_job_idx=0)


def typed_words(hydra: Any, of: str = "task") -> list[str]:
    """Return the words of a command line as typed; each run resolves `${…}` in them itself.

    Args:
        hydra: Hydra's own node of a configuration.
        of: `task`, or `hydra` for the words that set Hydra's own keys.
    """
    return cast(list[str], OmegaConf.to_container(hydra.overrides[of], resolve=False))


def swept_words(hydra: Any) -> list[str]:
    """Return the values over which a YAML file lets a sweep vary, as words.

    Args:
        hydra: Hydra's own node of a configuration.
    """
    params = hydra.sweeper.get("params") or DictConfig({})
    values = cast(dict[str, str], OmegaConf.to_container(params, resolve=False))
    return [f"{key}={value}" for key, value in values.items()]
