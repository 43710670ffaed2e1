"""Check a composed configuration before a run starts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from omegaconf.errors import (
    OmegaConfBaseException,
)

from ner_lightning.command_line.hydra_node import check_hydra
from ner_lightning.command_line.vocabulary import Vocabulary, closest
from ner_lightning.config.catalogue import SUPPLIED, kind_of
from ner_lightning.config.interpolations import check_expansion
from ner_lightning.config.signatures import Parameter, signature
from ner_lightning.config.targets import check_targets
from ner_lightning.data.sample import LANGUAGES
from ner_lightning.errors import UserError
from ner_lightning.run.folder import check_free, check_runs
from ner_lightning.storage.outputs import check_outputs, check_place

# What only the user can know, and how to give it.
GIVEN = {
    "data.reader": "write data=conll, data=jsonl or data=hf, whichever your files are",
    "data.dir": "write data={data} data.dir=FOLDER",
    "ckpt": "write ckpt=RUN_FOLDER or ckpt=FILE.ckpt",
    "input": "write input=FILE, or input=- for standard input",
}

# Where the keys of each command have their types and ranges.
KEYS = "ner_lightning.command_line.keys"

# Names of precisions elsewhere.
MEANT_VALUES = {
    **dict.fromkeys(("fp16", "float16", "half", "amp", "mixed"), "16-mixed"),
    **dict.fromkeys(("bfloat16", "bf16_mixed", "bf16-amp"), "bf16-mixed"),
    **dict.fromkeys(("fp32", "float32", "single", "full", "tf32"), "32-true"),
    **dict.fromkeys(("fp64", "float64", "double"), "64-true"),
}

# Nodes of which one object is built, and nodes of which each entry is an object.
OBJECTS = ("data", "model", "optim", "trainer")
GROUPS_OF_OBJECTS = ("callbacks", "logger")

# Keys that name a file or folder, and their words with another meaning.
PATHS = {"ckpt": (), "ckpt_path": ("last",), "input": ("-",)}

# Keys that name files (with some commands a folder) to be made.
OUTPUTS = ("output", "html", "report", "problems")

HUB_READERS = ("hf",)  # options of data/reader whose `data.dir` may be a name on the hub


def check(config: DictConfig, words: Vocabulary) -> dict[str, Any]:
    """Check the configuration of one run, and return it resolved, in plain containers.

    Args:
        config: composed, with Hydra's own node.
        words: the vocabulary of the command alone, without the overrides.

    Raises:
        UserError: says in one sentence what to type.
    """
    check_hydra(config)
    choices = {str(group): option for group, option in config.hydra.runtime.choices.items()}
    check_keys(config, words)
    check_given(config, choices)
    container = resolve_without_hydra(config)
    check_targets(container)
    check_objects(container, words)
    for path, node in _nodes(container):
        check_node(path, node)
    check_values(container, words.command, words.config)
    check_paths(container, choices)
    check_places(container)
    check_run_folder(config, container)
    return container


def check_in_sweep(container: dict[str, Any]) -> None:
    """Refuse what a sweep inside one process cannot do: each ddp process would run the whole sweep again.

    The sweep would end with exit code 0 and runs that were never distributed (Lightning #11300).
    """
    trainer = container.get("trainer") or {}
    strategy, devices = str(trainer.get("strategy", "auto")), str(trainer.get("devices", 1))
    starts_itself_again = strategy.startswith(("ddp", "fsdp", "deepspeed")) and not strategy.endswith(("fork", "spawn"))
    if starts_itself_again or (strategy == "auto" and devices != "1"):
        raise UserError(
            f"trainer.strategy={strategy} with trainer.devices={devices} does not work in a sweep (-m): "
            "start one command for each run."
        )


def check_keys(config: DictConfig, words: Vocabulary) -> None:
    """Refuse top-level keys that nobody reads, missing ones, and values in the place of a group's node."""
    known = [str(key) for key in words.config]
    present = [str(key) for key in config]
    optional = {group.partition("/")[0] for group in words.chosen}  # the command has a group and no option of it
    for key in present:
        if key not in known and key not in optional:
            match = closest(key, [*known, *(f"+{group}" for group in words.groups if group not in words.chosen)])
            raise UserError(f"{key}: nothing reads a key of that name; {_did_you_mean(match)}.")
    for key in known:
        if key not in present:
            raise UserError(f"{key} has been deleted, but {words.command} needs it: leave ~{key} out.")
    for group in words.groups:
        key = group.replace("/", ".")
        value = OmegaConf.select(config, key, throw_on_missing=False, throw_on_resolution_failure=False)
        if isinstance(value, str | int | float):
            how = _of_group(group, value, words)
            raise UserError(f"{key}={value}: {group} is a group of files, written with a slash: {how}.")


def _of_group(group: str, value: Any, words: Vocabulary) -> str:
    """Say what to write instead of a value in the place of a group's node."""
    options = words.options(group)
    match = closest(str(value), options)
    if group == "model/encoder" and value not in options:
        named = f"{group}.name={value}".replace("/", ".")
        return f"{group}={match or 'OPTION'} ({', '.join(options)}), or {named} for a hub name or a folder"
    return f"{group}={match}" if match else f"{group}=OPTION, one of {', '.join(options)}"


def check_given(config: DictConfig, choices: dict[str, Any]) -> None:
    """Refuse keys that are still `???`."""
    unresolved = OmegaConf.to_container(_without_hydra(config), resolve=False)
    for key in _missing(unresolved):
        how = GIVEN.get(key, f"write {key}=VALUE").format_map({"data": "conll"} | choices)
        raise UserError(f"{key} is not given: {how}.")


def resolve_without_hydra(config: DictConfig) -> dict[str, Any]:
    """Resolve the configuration into plain containers, without Hydra's node.

    The run folder does not exist yet, so `${hydra:runtime.output_dir}` is the folder of all outputs here.
    """
    with _as_hydra_would(config):
        container = OmegaConf.to_container(_without_hydra(config), resolve=True, throw_on_missing=True)
        OmegaConf.to_container(config.hydra.run, resolve=True)
    assert isinstance(container, dict)
    return {str(key): value for key, value in container.items()}


@contextmanager
def _as_hydra_would(config: DictConfig) -> Iterator[None]:
    """Resolve interpolations as in a run; an error becomes one sentence."""
    from hydra.core.hydra_config import HydraConfig

    check_expansion(OmegaConf.to_container(config, resolve=False))
    outer = HydraConfig.instance().cfg
    with read_write(config.hydra), open_dict(config.hydra):
        config.hydra.runtime.output_dir = "."
    HydraConfig.instance().set_config(config)
    try:
        yield
    except OmegaConfBaseException as error:
        lines = str(error).splitlines()
        raise UserError(
            f"{error.full_key or 'The configuration'}: {lines[0].rstrip('.')}; --cfg job shows the keys."
        ) from error
    finally:
        HydraConfig.instance().cfg = outer


def check_node(path: str, node: dict[str, Any]) -> None:
    """Check the keys of a node against the signature of its class, and its values against the annotations."""
    taken = signature(node["_target_"])
    for key, value in node.items() if taken else ():
        if key.startswith("_") or not taken:
            continue
        if parameter := taken.parameters.get(key):
            check_value(f"{path}.{key}", value, parameter)
        elif not taken.is_open:
            match = closest(key, taken.parameters)
            meant = match and f"{'' if match in node else '+'}{path}.{match}"
            class_name = node["_target_"].rpartition(".")[2]
            raise UserError(f"{path}.{key}: {class_name} takes no {key}; {_did_you_mean(meant)}.")
    given = (*node, *SUPPLIED.get(kind_of(path.split(".")) or "", ()))
    for key, parameter in taken.parameters.items() if taken else ():
        if parameter.required and key not in given:
            raise UserError(f"{path}.{key} is missing: give it a value, or leave ~{path}.{key} out.")


def check_value(place: str, value: Any, parameter: Parameter) -> None:
    """Refuse a value that does not fit the annotation of its argument."""
    if not (isinstance(value, dict) and "_target_" in value) and not parameter.accepts(value):
        raise _misfit(place, value, parameter.expected(), parameter.choices())


def check_objects(container: dict[str, Any], words: Vocabulary | None = None) -> None:
    """Refuse a value where an object is to be built: every such node must name its class."""
    places: dict[str, Any] = {}
    for key in OBJECTS:
        places |= _parts(key, container.get(key))
    for group in GROUPS_OF_OBJECTS:
        places |= {f"{group}.{name}": node for name, node in (container.get(group) or {}).items()}
        places.pop(group, None)
    model = container.get("model")
    if isinstance(model, dict) and "_target_" in model:
        for part in ("encoder", "decoder"):
            if model.get(part) is None:
                raise UserError(f"model.{part} is missing: every model has one; choose it with model/{part}=OPTION.")
            places[f"model.{part}"] = model[part]
    for place, node in places.items():
        if node is not None and not (isinstance(node, dict) and "_target_" in node):
            options = words.options_with(f"{place}._target_") if words else []
            also = f"; {words.group_of(place)}={options[0]} has one" if words and options else ""
            raise UserError(f"{place}={_text(node)}: expected a node with a _target_, the class to build{also}.")
        if node is None and "." in place:
            raise UserError(f"{place}=null: nothing is built from null; write ~{place} to leave it out.")


def check_values(container: dict[str, Any], command: str, defaults: DictConfig) -> None:
    """Check the command's own keys: types, ranges, closed lists.

    Args:
        container: of the configuration.
        command: the command of the keys; one with a user's own YAML has at least the types of the values there.
        defaults: the values of the keys before the command line.
    """
    taken = signature(f"{KEYS}.{command.title()}")
    for key, value in container.items():
        if parameter := taken.parameters.get(key) if taken else None:
            check_value(key, value, parameter)
            continue
        default = OmegaConf.select(defaults, key, throw_on_missing=False)
        for kind, expected in ((bool, "true or false"), (int, "a whole number"), (str, "text")):
            if type(default) is kind and type(value) is not kind:
                raise _misfit(key, value, expected)


def check_paths(container: dict[str, Any], choices: dict[str, Any]) -> None:
    """Refuse files and folders that do not exist."""
    for key, others in PATHS.items():
        value = container.get(key)
        if key == "input" and choices.get("from") in HUB_READERS:
            continue
        if value is not None and value not in others:
            _must_exist(key, value)
    folder = (container.get("data") or {}).get("dir")
    if folder is None or choices.get("data/reader") in HUB_READERS:
        return
    if str(folder).startswith("sample:"):
        samples = [f"sample:{language}" for language in LANGUAGES]
        if folder not in samples:
            raise UserError(f"data.dir={folder}: there is no such sample; choose one of {', '.join(samples)}.")
    else:
        _must_exist("data.dir", folder)


def check_places(container: dict[str, Any]) -> None:
    """Refuse outputs that are also inputs, equal to each other, files of a run, or impossible to write."""
    outputs = {key: container[key] for key in OUTPUTS if container.get(key) is not None}
    for key, name in outputs.items():
        check_place(key, name, folders=True)  # only the commands know which are folders
    check_outputs(outputs, {key: container.get(key) for key in PATHS})
    check_runs(outputs, force=bool(container.get("force")))


def check_run_folder(config: DictConfig, container: dict[str, Any]) -> None:
    """Refuse a run folder that is taken or cannot be made, for a command that makes one."""
    if config.hydra.get("mode") == RunMode.MULTIRUN or not isinstance(force := container.get("force"), bool):
        return
    with _as_hydra_would(config):
        folder = str(config.hydra.run.dir)
    if folder != ".":
        check_place("hydra.run.dir", folder, folders=True)
        check_free(folder, force=force, continues=container.get("ckpt_path"), evaluates="ckpt" in container)


def _parts(key: str, node: Any) -> dict[str, Any]:
    """Return the places of a node, or of the nodes in it if the group has only subgroups (`model/encoder`)."""
    inner = node if isinstance(node, dict) and "_target_" not in node else {}
    if inner and all(isinstance(value, dict) for value in inner.values()):
        return {f"{key}.{name}": value for name, value in inner.items()}
    return {key: node}


def _must_exist(key: str, value: Any) -> None:
    path = Path(str(value)).expanduser()
    if path.exists():
        return
    absolute = "" if path.is_absolute() else f" (looked for {path.absolute()})"
    kind = {"input": "file", "data.dir": "folder"}.get(key, "file or folder")
    raise UserError(f"{key}={value}: there is no such {kind}{absolute}.")


def _nodes(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    if isinstance(node, dict) and "_target_" in node:
        yield path, node
    for key, value in items:
        yield from _nodes(value, f"{path}.{key}" if path else str(key))


def _missing(node: Any, path: str = "") -> Iterator[str]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    if node == "???":
        yield path
    for key, value in items:
        yield from _missing(value, f"{path}.{key}" if path else str(key))


def _without_hydra(config: DictConfig) -> DictConfig:
    return OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])


def _did_you_mean(match: str | None) -> str:
    return f"did you mean {match}" if match else "--cfg job shows the keys there are"


def _misfit(place: str, value: Any, expected: str, choices: tuple[str, ...] = ()) -> UserError:
    """Write the error for a value of the wrong kind, with the likely remedy."""
    meant = MEANT_VALUES.get(str(value).lower())
    match = meant if meant in choices else closest(str(value), choices)
    hint = f"; did you mean {match}" if match else ""
    if "text" in expected and isinstance(value, int | float) and not isinstance(value, bool):
        hint = f"; write \"{place}='{value}'\" with both pairs of quotes"
    return UserError(f"{place}={_text(value)}: expected {expected}{hint}.")


def _text(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
