"""Find the settings that vary between runs, and name the configurations after them."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

# Folders, names, loggers and starting points of a run: none of them changes its scores.
ELSEWHERE = ("paths", "name", "logger", "ckpt_path", "force", "hydra", "test")
# Callbacks that only watch; the others (early stopping, choice of the best checkpoint) affect scores.
WATCHING = ("progress", "overview", "predictions", "last", "cost", "step_profile")
CHECKPOINT = ("monitor", "mode")  # keys of the callback `checkpoint` that affect scores
HELD = "sweep.effective_batch"
TASK = {"_target_": "ner_lightning.task.tagging.TaggingTask"}
"""The task of a run that names none, as older ones do not."""

ABSENT = "–"
CLASS = "_target_"
MOST_VALUES = 3
LONGEST_VALUES = 40  # characters

Settings = dict[str, Any]


def settings_of(config: Mapping[str, Any]) -> Settings:
    """Collect the settings that decide a run's scores, by dotted key; lists and empty nodes are one value.

    >>> settings_of({"name": "crf", "paths": {"output_dir": "o"}, "optim": {"lr": 0.1}, "data": {"types": ["PER"]}})
    {'optim.lr': 0.1, 'data.types': '["PER"]'}
    """
    folder = str((config.get("paths") or {}).get("output_dir") or "")
    flat: Settings = {}
    for key, value in config.items():
        if key == "sweep":
            flat[HELD] = (value or {}).get("effective_batch")
        elif key == "callbacks":
            decisive = {name: node for name, node in (value or {}).items() if name not in WATCHING}
            if "checkpoint" in decisive:
                node = decisive["checkpoint"] or {}
                decisive["checkpoint"] = {name: node.get(name) for name in CHECKPOINT}
            _flatten(decisive, "callbacks", folder, flat)
        elif key == "task":
            own = {name: part for name, part in (value or {}).items() if name != "metrics"}  # they watch
            if own != TASK:
                _flatten(own, key, folder, flat)
        elif key not in ELSEWHERE:
            _flatten(value, str(key), folder, flat)
    return flat


def _flatten(node: Any, path: str, folder: str, into: Settings) -> None:
    if isinstance(node, Mapping) and node:
        for key, value in node.items():
            _flatten(value, f"{path}.{key}", folder, into)
    elif isinstance(node, str) and folder and (node == folder or node.startswith(f"{folder}/")):
        into[path] = f".{node[len(folder) :]}"
    else:
        into[path] = json.dumps(node, sort_keys=True, default=str) if isinstance(node, list | Mapping) else node


def find_varying(settings: Sequence[Settings], repetition: Sequence[str] = ()) -> list[str]:
    """Find the fewest settings that distinguish all differing runs, in the order of the configuration.

    A setting that always goes with others is left out: CRF and softmax are named by their class, not by the arguments
    that only one of them has. A class is named even if its arguments would do, unless it goes with another class.

    Args:
        settings: of each run (`settings_of`).
        repetition: settings that only repeat.

    >>> runs = [{"a._target_": "x.CRF", "a.init": "u", "lr": r, "seed": s} for r in (1, 2) for s in (1, 2)]
    >>> find_varying([*runs, {"a._target_": "x.Softmax", "lr": 1, "seed": 1}], ["seed"])
    ['a._target_', 'lr']
    """
    differing = _differing(settings, repetition)
    classes = _fewest({key: column for key, column in differing.items() if key.endswith(CLASS)})
    return _fewest(differing, classes)


def find_differences(settings: Sequence[Settings], repetition: Sequence[str] = ()) -> dict[str, list[Any]]:
    """Find every setting that differs, with its distinct values, in the order of the configuration.

    An argument that some runs lack because they have another class is left out: naming the class says it.

    Args:
        settings: of each run (`settings_of`).
        repetition: settings that only repeat.

    >>> crf, softmax = {"a._target_": "x.CRF", "a.init": "u", "lr": 1}, {"a._target_": "x.Softmax", "lr": 2}
    >>> find_differences([crf, softmax])
    {'a._target_': ['x.CRF', 'x.Softmax'], 'lr': [1, 2]}
    """
    return {
        key: list(dict.fromkeys(column))
        for key, column in _differing(settings, repetition).items()
        if len({run[key] for run in settings if key in run}) > 1 or not _is_of_class(key, settings)
    }


def _differing(settings: Sequence[Settings], repetition: Sequence[str]) -> dict[str, list[Hashable]]:
    keys = list(dict.fromkeys(key for run in settings for key in run))
    return {key: column for key in keys if key not in repetition and (column := _column(key, settings))}


def _is_of_class(key: str, settings: Sequence[Settings]) -> bool:
    """Tell whether every run that lacks a setting has another class there, or none."""
    parts = key.split(".")
    targets = [target for n in range(1, len(parts)) if (target := ".".join([*parts[:n], CLASS])) != key]
    known = {target: {run.get(target) for run in settings if key in run} for target in targets}
    return all(key in run or any(run.get(target) not in known[target] for target in targets) for run in settings)


def _fewest(columns: Mapping[str, Sequence[Hashable]], kept: Sequence[str] = ()) -> list[str]:
    """Choose the fewest of these settings that distinguish as much as all do; the kept ones stay in any case."""
    needed = list(columns)
    runs = max(map(len, columns.values()), default=0)
    whole = _distinct([*columns.values()], runs)
    # The least informative go first: arguments of some classes only, then long names.
    for key in sorted(columns, key=_dispensable(columns)):
        rest = [name for name in needed if name != key]
        if key not in kept and _distinct([columns[name] for name in rest], runs) == whole:
            needed = rest
    return needed


def _column(key: str, settings: Sequence[Settings]) -> list[Hashable] | None:
    """Return a setting's values if they differ; an argument that its class got later is no difference."""
    values = [run.get(key) for run in settings]
    known = {value for value in values if value is not None}
    if len(set(values)) < 2:
        return None
    if len(known) == 1 and all(key in run or _knows_parent(key, run, settings) for run in settings):
        return None if not any(key in run and run[key] is None for run in settings) else values
    return values


def _knows_parent(key: str, run: Settings, settings: Sequence[Settings]) -> bool:
    parent = key.rpartition(".")[0]
    target = f"{parent}.{CLASS}"
    classes = {other.get(target) for other in settings if key in other}
    return not parent or run.get(target) in classes - {None}


def _dispensable(columns: Mapping[str, Sequence[Hashable]]) -> Any:
    def order(key: str) -> tuple[bool, int, int]:
        return (None not in columns[key], -key.count("."), -len(key))

    return order


def _distinct(columns: Sequence[Sequence[Hashable]], runs: int) -> int:
    return len(set(zip(*columns, strict=True))) if columns else min(runs, 1)


def names_of(configurations: Sequence[Settings], experiments: Sequence[str]) -> list[str]:
    """Name each configuration after what varies, or after its experiment if that says the same.

    Args:
        configurations: the varied settings of each.
        experiments: the name of the experiment of each.

    >>> crf, softmax = {"d._target_": "x.CRF", "lr": 0.1}, {"d._target_": "x.Softmax", "lr": 0.1}
    >>> names_of([crf, softmax, {**crf, "lr": 0.2}], ["crf", "softmax", "crf"])
    ['crf lr=0.1', 'softmax lr=0.1', 'crf lr=0.2']
    >>> names_of([crf, softmax], ["mine", "mine"])
    ['CRF lr=0.1', 'Softmax lr=0.1']
    >>> names_of([{}], ["crf"])
    ['crf']
    """
    keys = list(dict.fromkeys(key for settings in configurations for key in settings))
    told = [key for key in keys if _follows(key, configurations, experiments)] if len(set(experiments)) > 1 else []
    by_name = bool(told) and len(set(experiments)) == _distinct(
        [[settings.get(key) for settings in configurations] for key in told], len(configurations)
    )
    names = []
    for settings, experiment in zip(configurations, experiments, strict=True):
        words = [experiment] if by_name else []
        words += [setting_text(key, settings.get(key), keys) for key in keys if not (by_name and key in told)]
        names.append(" ".join(words) or experiment or "all runs")
    return names


def _follows(key: str, configurations: Sequence[Settings], experiments: Sequence[str]) -> bool:
    """Tell whether the experiment's name determines the value of a setting."""
    values: dict[str, set[Any]] = {}
    for settings, experiment in zip(configurations, experiments, strict=True):
        values.setdefault(experiment, set()).add(settings.get(key))
    return all(len(found) == 1 for found in values.values())


def setting_text(key: str, value: Any, keys: Sequence[str] = ()) -> str:
    """Put a setting into words: the class alone, or the last part of the key and the value.

    >>> setting_text("model.decoder._target_", "ner_lightning.model.decoder.crf.CRF"), setting_text("optim.lr", 3e-05)
    ('CRF', 'lr=3e-05')
    """
    if value is None and key.endswith(CLASS):
        return f"no {short_key(key.rpartition('.')[0])}"
    if key.endswith(CLASS):
        return str(value).rpartition(".")[2]
    return f"{short_key(key, keys)}={value_text(value)}"


def difference_text(key: str, values: Sequence[Any]) -> str:
    """Put a difference into words: the key, and its values if they are few, short and look different.

    >>> difference_text("optim.lr", [3e-05, 0.01]), difference_text("seed", [1, 2, 3, 4])
    ('optim.lr (3e-05, 0.01)', 'seed')
    >>> difference_text("model.decoder._target_", ["x.CRF", None])
    'model.decoder._target_ (CRF, –)'
    """
    is_class = key.endswith(CLASS)
    texts = [str(value).rpartition(".")[2] if is_class and value else value_text(value) for value in values]
    listed = ", ".join(texts)
    few = len(texts) <= MOST_VALUES and len(listed) <= LONGEST_VALUES and len(set(texts)) == len(texts)
    return f"{key} ({listed})" if few else key


def short_key(key: str, keys: Sequence[str] = ()) -> str:
    """Return the last part of a key, or all of it if another key ends alike.

    >>> short_key("optim.encoder_lr"), short_key("a.x", ["a.x", "b.x"])
    ('encoder_lr', 'a.x')
    """
    last = key.rpartition(".")[2]
    return key if sum(other.rpartition(".")[2] == last for other in keys) > 1 else last


def value_text(value: Any) -> str:
    """Format a value for people: numbers short, paths and classes by their last part.

    >>> value_text(0.0001), value_text(None), value_text("/data/wnut17"), value_text(True)
    ('0.0001', '–', 'wnut17', 'true')
    """
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    text = str(value)
    return text.rstrip("/").rpartition("/")[2] if text.startswith(("/", "./", "~", "../")) else text
