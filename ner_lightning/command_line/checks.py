"""Check a composed configuration before a run starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException

from ner_lightning.command_line.hydra_node import check_hydra
from ner_lightning.command_line.keys import Key, keys_of, tops_of
from ner_lightning.command_line.vocabulary import Vocabulary, closest
from ner_lightning.config.catalogue import SUPPLIED, kind_of
from ner_lightning.config.interpolations import check_expansion
from ner_lightning.config.signatures import Parameter, signature
from ner_lightning.config.targets import check_targets
from ner_lightning.data.sample import LANGUAGES
from ner_lightning.errors import UserError
from ner_lightning.run.folder import check_free, check_runs
from ner_lightning.run.metric_keys import check_metric_name
from ner_lightning.storage.outputs import check_outputs, check_place

# What the user alone knows of a corpus, and how to give it.
OF_A_CORPUS = {
    "data.reader": "write data=conll, data=jsonl or data=hf, whichever your files are",
    "data.dir": "write data={data} data.dir=FOLDER",
}

# What people call a precision elsewhere.
MEANT_VALUES = {
    **dict.fromkeys(("fp16", "float16", "half", "amp", "mixed"), "16-mixed"),
    **dict.fromkeys(("bfloat16", "bf16_mixed", "bf16-amp"), "bf16-mixed"),
    **dict.fromkeys(("fp32", "float32", "single", "full", "tf32"), "32-true"),
    **dict.fromkeys(("fp64", "float64", "double"), "64-true"),
}

# Nodes of which one object is built, and nodes of which each entry is an object.
OBJECTS = ("data", "model", "optim", "task", "trainer")
GROUPS_OF_OBJECTS = ("callbacks", "logger")

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
    keys = keys_of(words.command)
    check_given(config, choices, keys)
    container = resolve_without_hydra(config)
    check_targets(container)
    check_objects(container, words)
    for path, node in _nodes(container):
        check_node(path, node, _group_of_target(path, config, words))
    check_values(container, keys, words)
    check_paths(container, choices, keys)
    check_places(container, keys)
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
    """Refuse keys at the top that nobody reads, missing ones, and values where a group's node should stand."""
    present = {str(key) for key in config}
    declared = tops_of(words.command)
    chosen = {str(group).partition("/")[0] for group in config.hydra.runtime.choices}
    typed: Any = OmegaConf.to_container(config.hydra.overrides.task, resolve=False)
    deletes = any(str(word).startswith("~") for word in typed)
    if deletes or not declared <= present <= declared | chosen | {"hydra"}:
        _check_against(words, present)
    for group in words.groups:
        key = group.replace("/", ".")
        value = OmegaConf.select(config, key, throw_on_missing=False, throw_on_resolution_failure=False)
        if isinstance(value, str | int | float):
            how = _of_group(group, value, words)
            raise UserError(f"{key}={value}: {group} is a group of files, written with a slash: {how}.")


def _check_against(words: Vocabulary, present: set[str]) -> None:
    """Refuse keys at the top that the root YAML lacks, and the absence of those that it has."""
    known = [str(key) for key in words.config]
    optional = {group.partition("/")[0] for group in words.chosen}  # the command has a group and no option of it
    for key in sorted(present):
        if key not in known and key not in optional:
            match = closest(key, [*known, *(f"+{group}" for group in words.groups if group not in words.chosen)])
            raise UserError(f"{key}: nothing reads a key of that name; {_did_you_mean(match)}.")
    for key in known:
        if key not in present:
            raise UserError(f"{key} has been deleted, but {words.command} needs it: leave ~{key} out.")


def _of_group(group: str, value: Any, words: Vocabulary) -> str:
    """Say what to write instead of a value in the place of a group's node."""
    options = words.options(group)
    match = closest(str(value), options)
    if group == "model/encoder" and value not in options:
        named = f"{group}.name={value}".replace("/", ".")
        return f"{group}={match or 'OPTION'} ({', '.join(options)}), or {named} for a hub name or a folder"
    return f"{group}={match}" if match else f"{group}=OPTION, one of {', '.join(options)}"


def check_given(config: DictConfig, choices: dict[str, Any], keys: Mapping[str, Key]) -> None:
    """Refuse what is still `???`."""
    unresolved = OmegaConf.to_container(_without_hydra(config), resolve=False)
    for name in _missing(unresolved):
        own = keys[name].use.given if name in keys else None
        of_a_corpus = OF_A_CORPUS.get(name, f"write {name}=VALUE").format_map({"data": "conll"} | choices)
        raise UserError(f"{name} is not given: {own or of_a_corpus}.")


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


def check_node(path: str, node: dict[str, Any], group: str | None = None) -> None:
    """Check the keys of a node against the signature of its class, and its values against the annotations.

    Args:
        path: of the node.
        node: with a `_target_`.
        group: of the node, if only its class was replaced: the other keys are of the option that is chosen.
    """
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
            how = _file_of_its_own(group, node["_target_"]) if group and not match else _did_you_mean(meant)
            raise UserError(f"{path}.{key}: {class_name} takes no {key}; {how}.")
    given = (*node, *SUPPLIED.get(kind_of(path.split(".")) or "", ()))
    for key, parameter in taken.parameters.items() if taken else ():
        if parameter.required and key not in given:
            raise UserError(f"{path}.{key} is missing: give it a value, or leave ~{path}.{key} out.")


def _group_of_target(path: str, config: DictConfig, words: Vocabulary) -> str | None:
    """Return the group of a node whose class is replaced on the command line."""
    typed: Any = OmegaConf.to_container(config.hydra.overrides.task, resolve=False)
    replaced = any(str(word).lstrip("+").startswith(f"{path}._target_=") for word in typed)
    group = path.replace(".", "/")
    return group if replaced and group in words.groups else None


def _file_of_its_own(group: str, target: str) -> str:
    return (
        f"it is a key of the {group} that is chosen; write FOLDER/{group}/mine.yaml with the line _target_: {target}, "
        f"and --config-dir FOLDER {group}=mine"
    )


def check_value(place: str, value: Any, parameter: Parameter) -> None:
    """Refuse a value that does not fit the annotation of its argument."""
    if isinstance(value, dict) and "_target_" in value:
        return
    if isinstance(value, dict) and (of_values := parameter.of_values()):
        for name, item in value.items():
            check_value(f"{place}.{name}", item, of_values)
    elif not parameter.accepts(value):
        raise _misfit(place, value, parameter.expected(), parameter.choices())


def check_objects(container: dict[str, Any], words: Vocabulary | None = None) -> None:
    """Refuse a value where an object is to be built: every such node must name its class."""
    places: dict[str, Any] = {}
    for key in OBJECTS:
        places |= _parts(key, container.get(key))
    for group in GROUPS_OF_OBJECTS:
        places |= {f"{group}.{name}": node for name, node in (container.get(group) or {}).items()}
        places.pop(group, None)
    task = container.get("task")
    metrics = task.get("metrics") if isinstance(task, dict) else None
    for name, node in metrics.items() if isinstance(metrics, dict) else ():
        check_metric_name(str(name))
        places[f"task.metrics.{name}"] = node
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


def check_values(container: dict[str, Any], keys: Mapping[str, Key], words: Vocabulary) -> None:
    """Check the command's own keys: types, ranges, closed lists.

    Args:
        container: of the configuration.
        keys: that the command declares; those of a YAML of the user's own have at least the types of the values there.
        words: of the command.
    """
    for name, key in keys.items():
        node, _, last = name.rpartition(".")
        holder = container.get(node) if node else container
        if not isinstance(holder, dict):
            raise _misfit(node, holder, f"the keys {', '.join(k for k in keys if k.startswith(f'{node}.'))}")
        if last in holder:
            check_value(name, holder[last], key.parameter)
    for name, value in container.items():
        if name in keys or isinstance(value, dict | list):
            continue
        default = OmegaConf.select(words.config, name, throw_on_missing=False)
        for kind, expected in ((bool, "true or false"), (int, "a whole number"), (str, "text")):
            if type(default) is kind and type(value) is not kind:
                raise _misfit(name, value, expected)


def check_paths(container: dict[str, Any], choices: dict[str, Any], keys: Mapping[str, Key]) -> None:
    """Refuse files and folders that are not there."""
    for name, key in keys.items():
        value = container.get(name)
        of_the_hub = key.use.hub is not None and choices.get(key.use.hub) in HUB_READERS
        if key.use.reads and value is not None and value not in key.use.instead and not of_the_hub:
            _must_exist(name, value, key.use.reads)
    folder = (container.get("data") or {}).get("dir")
    if folder is None or choices.get("data/reader") in HUB_READERS:
        return
    if str(folder).startswith("sample:"):
        samples = [f"sample:{language}" for language in LANGUAGES]
        if folder not in samples:
            raise UserError(f"data.dir={folder}: there is no such sample; choose one of {', '.join(samples)}.")
    else:
        _must_exist("data.dir", folder, "folder")


def check_places(container: dict[str, Any], keys: Mapping[str, Key]) -> None:
    """Refuse outputs that are an input or one another, files of a run, and what cannot be written at all."""
    outputs = {
        name: container[name] for name, key in keys.items() if key.use.writes and container.get(name) is not None
    }
    for key, name in outputs.items():
        check_place(key, name, folders=True)  # which of them are folders the commands know
    check_outputs(outputs, {name: container.get(name) for name, key in keys.items() if key.use.reads})
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


def _must_exist(key: str, value: Any, kind: str) -> None:
    path = Path(str(value)).expanduser()
    if path.exists():
        return
    absolute = "" if path.is_absolute() else f" (looked for {path.absolute()})"
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
