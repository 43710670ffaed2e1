"""Every node with a `_target_` fits its class: the signature is the schema."""

from __future__ import annotations

import importlib
import inspect
from functools import cache
from typing import Any

import pytest
import yaml

from ner_lightning.command_line.checks import check_node, check_objects
from ner_lightning.config.signatures import signature
from ner_lightning.config.targets import check_targets
from ner_lightning.errors import UserError
from tests.conf.tree import CONF, FILES, complete, name_of, nodes, overrides_for, uses

# Arguments that are no configuration: assembly hands them over.
SUPPLIED = {
    "ner_lightning.model.encoder.Encoder": {"config"},
    "ner_lightning.model.decoder.crf.CRF": {"tags"},
    "ner_lightning.model.decoder.softmax.Softmax": {"tags"},
    "ner_lightning.logger.wandb.wandb_logger": {"run_config"},
    "ner_lightning.task.tagging.TaggingTask": {"model", "tags", "scored_tags", "optim", "sentences_per_batch", "about"},
}


@cache
def all_nodes() -> list[tuple[str, str, dict[str, Any]]]:
    found = {}
    for root, option in uses():
        for path, node in nodes(complete(root, *overrides_for(root, option))):
            found[path, repr(node)] = (option, path, node)
    return list(found.values())


NODES = all_nodes()
OURS = [item for item in NODES if item[2]["_target_"].startswith("ner_lightning.")]


def by_target(item: object) -> str | None:
    if isinstance(item, dict):
        return item["_target_"].rpartition(".")[2]
    return str(item).replace("/", ".")


def located(target: str) -> Any:
    module, _, name = target.rpartition(".")
    return getattr(importlib.import_module(module), name)


def test_nodes_of_every_kind_were_found() -> None:
    paths = {path for _, path, _ in NODES}
    assert {"data", "data.reader", "model", "model.encoder", "model.decoder", "optim", "task", "trainer"} <= paths
    assert {"callbacks.checkpoint", "callbacks.early_stopping", "logger.tensorboard", "logger.wandb"} <= paths
    assert len(OURS) > 15


def test_the_target_is_the_first_line_of_its_node() -> None:
    seen = 0
    for file in FILES:
        for path, node in nodes(yaml.safe_load(file.read_text(encoding="utf-8"))):
            keys = [key for key in node if key != "defaults"]
            assert keys[0] == "_target_", f"{name_of(file)}: {path or 'the file'} begins with {keys[0]}"
            seen += 1
    assert seen > 20


@pytest.mark.parametrize(("option", "path", "node"), OURS, ids=by_target)
def test_a_class_of_ours_lives_where_its_node_lives(option: str, path: str, node: dict[str, Any]) -> None:
    homes = {"from": "data", "to": "data"}  # both ends of a conversion are data
    first = path.partition(".")[0]
    assert node["_target_"].startswith(f"ner_lightning.{homes.get(first, first)}.")


@pytest.mark.parametrize(("option", "path", "node"), NODES, ids=by_target)
def test_the_keys_bind_to_the_class(option: str, path: str, node: dict[str, Any]) -> None:
    target = node["_target_"]
    arguments = {key: value for key, value in node.items() if key != "_target_"}
    supplied = dict.fromkeys(SUPPLIED.get(target, ()))
    bound = inspect.signature(located(target)).bind(**arguments, **supplied)  # or a TypeError
    assert {*bound.arguments, *bound.kwargs} >= {*arguments, *supplied}


@pytest.mark.parametrize(("option", "path", "node"), OURS, ids=by_target)
def test_a_class_of_ours_is_listed_in_full(option: str, path: str, node: dict[str, Any]) -> None:
    parameters = {
        name
        for name, parameter in inspect.signature(located(node["_target_"])).parameters.items()
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    }
    assert parameters - set(node) == SUPPLIED.get(node["_target_"], set())


@pytest.mark.parametrize(("option", "path", "node"), NODES, ids=by_target)
def test_the_signature_read_from_source_is_the_real_one(option: str, path: str, node: dict[str, Any]) -> None:
    read = signature(node["_target_"])
    assert read is not None
    real = inspect.signature(located(node["_target_"])).parameters.values()
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    assert list(read.parameters) == [p.name for p in real if p.kind not in kinds]
    assert [p.required for p in read.parameters.values()] == [p.default is p.empty for p in real if p.kind not in kinds]
    assert read.is_open == any(p.kind is p.VAR_KEYWORD for p in real)


@pytest.mark.parametrize(("root", "option"), uses(), ids=lambda value: value.replace("/", "."))
def test_the_door_lets_every_option_pass(root: str, option: str) -> None:
    config = complete(root, *overrides_for(root, option))
    check_targets(config)
    check_objects(config)
    for path, node in nodes(config):
        check_node(path, node)


def test_a_key_that_does_not_bind_is_seen() -> None:
    """The rules above can fail."""
    node = complete("train")["model"]["decoder"] | {"bakend": "torch"}
    with pytest.raises(TypeError, match="bakend"):
        inspect.signature(located(node["_target_"])).bind(
            **{k: v for k, v in node.items() if k != "_target_"}, tags=None
        )
    with pytest.raises(UserError, match=r"CRF takes no bakend; did you mean model\.decoder\.backend"):
        check_node("model.decoder", node)


def test_supplied_arguments_are_real() -> None:
    for target, names in SUPPLIED.items():
        assert names <= set(inspect.signature(located(target)).parameters)


def test_conf_is_the_folder_of_the_checkout() -> None:
    assert (CONF.parent / "pyproject.toml").is_file()
