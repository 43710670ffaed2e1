"""A configuration that came out of a file: what of it is believed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from ner_lightning.config.catalogue import KINDS, PLACES, kind_of
from ner_lightning.config.stored import check_plain, loadable, repeatable
from ner_lightning.errors import UserError
from tests.conf.tree import complete
from tests.config.test_targets import LISTED, UNLISTED, everything_written, nested


def config() -> dict[str, Any]:
    return copy.deepcopy(complete("train"))


def merged(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        return {**one, **{key: merged(one.get(key), value) for key, value in other.items()}}
    return other


def with_target(place: str, target: str) -> dict[str, Any]:
    return merged(config(), nested(place, {"_target_": target}))


# What loading needs and no more: every class of the package is tried at every place, so a check must be cheap.
LEAST = {
    "model": {
        "_target_": "ner_lightning.model.tagger.TaggingModel",
        "encoder": {"_target_": "ner_lightning.model.encoder.Encoder", "name": "x"},
        "decoder": {"_target_": "ner_lightning.model.decoder.crf.CRF"},
    },
    "data": {"units": "words", "overlap": 0, "reader": None},
}


@pytest.mark.parametrize("place", [*LISTED, *UNLISTED])
def test_of_the_whole_package_a_stored_place_takes_what_is_listed(place: str) -> None:
    listed = KINDS.get(kind_of(place.split(".") if place else []) or "", ())
    hostile = sorted(everything_written() - set(listed))
    assert len(hostile) > 1500
    for believed in (loadable, repeatable):
        believed(copy.deepcopy(LEAST), "best.ckpt")  # it is the class that is refused
        if believed is repeatable and place.startswith("hydra"):
            assert "hydra" not in repeatable(merged(LEAST, nested(place, {"_target_": hostile[0]})), "x")
            continue
        assert [target for target in hostile if not _is_refused(believed, place, target)] == []


def _is_refused(believed: Callable[[Any, str], Any], place: str, target: str) -> bool:
    """Whether it is refused for this very class, where it stands."""
    try:
        believed(merged(LEAST, nested(place, {"_target_": target})), "best.ckpt")
    except UserError as error:
        return str(error).startswith(f"best.ckpt: {f'{place}.' if place else ''}_target_: {target} ")
    return False


def test_there_are_places() -> None:
    assert len(PLACES) > 20


def test_what_loading_needs_is_kept_and_nothing_else() -> None:
    kept = loadable(config(), "x")
    assert set(kept) >= {"model", "data", "paths", "name", "seed"}
    assert not {"trainer", "callbacks", "logger", "optim", "sweep"} & set(kept)
    assert kept["model"] == config()["model"]


def test_a_colleagues_callback_is_in_nobodys_way_where_it_is_not_built() -> None:
    for place in ("callbacks.mine", "logger.mine", "optim", "data.reader"):
        loadable(with_target(place, "their_package.Thing"), "x")
    for place in ("model", "model.encoder", "model.decoder", "model.encoder.lora"):
        with pytest.raises(UserError, match=r"their_package\.Thing is not allowed; if it is yours, set"):
            loadable(with_target(place, "their_package.Thing"), "x")
    with pytest.raises(UserError, match=r"callbacks\.mine\._target_: subprocess\.run is not allowed"):
        loadable(with_target("callbacks.mine", "subprocess.run"), "x")


@pytest.mark.parametrize(
    "place",
    ["model", "model.encoder", "model.decoder", "model.encoder.name", "model.encoder._target_", "data", "data.units"],
)
@pytest.mark.parametrize("how", ["gone", "null"])
def test_a_key_that_is_missing(place: str, how: str) -> None:
    damaged = config()
    node, (*parents, last) = damaged, place.split(".")
    for key in parents:
        node = node[key]
    if how == "gone":
        del node[last]
    elif last in ("model", "encoder", "decoder", "data"):
        node[last] = None
    else:
        return
    with pytest.raises(UserError, match=rf"best\.ckpt: damaged: its configuration has no {place}"):
        loadable(damaged, "best.ckpt")


@pytest.mark.parametrize(
    ("key", "value"), [("units", "chars"), ("overlap", -1), ("overlap", "64"), ("context", 0.5), ("context", None)]
)
def test_values_that_a_tagger_reads(key: str, value: object) -> None:
    damaged = config()
    damaged["data"][key] = value
    with pytest.raises(UserError, match=rf"its data\.{key}="):
        loadable(damaged, "x")


@pytest.mark.parametrize(
    "data",
    [
        {"reader": "conll"},
        {"reader": {"words": []}},
        {"sources": "x"},
        {"sources": {"a": {"reader": 3}}},
        {"sources": [{"reader": {"words": {}}}]},
    ],
)
def test_readers_that_are_none(data: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"best\.ckpt: damaged: "):
        loadable({**config(), "data": {**config()["data"], **data}}, "best.ckpt")
    loadable({**config(), "data": {**config()["data"], "reader": None, "sources": ["a", {"dir": "b"}]}}, "x")


@pytest.mark.parametrize("damaged", [None, [], "x", 3])
def test_what_is_no_configuration(damaged: object) -> None:
    with pytest.raises(UserError, match="damaged"):
        loadable(damaged, "x")


def test_what_is_said_to_hydra_is_dropped() -> None:
    said = {**config(), "hydra": {"callbacks": {"x": {"_target_": "os.system"}}}, "defaults": ["/etc/passwd"]}
    assert repeatable(said, "x") == config()


@pytest.mark.parametrize("value", ["${oc.env:HOME}", "x${oc.env:HOME}", "${hydra:runtime.cwd}", "$${x}"])
def test_what_would_be_resolved_anew_is_refused(value: str) -> None:
    for place in ("model.encoder.name", "optim.betas"):
        with pytest.raises(UserError, match=rf"{place}.*: a stored configuration is resolved"):
            repeatable(merged(config(), nested(place, [value] if place == "optim.betas" else value)), "x")
    with pytest.raises(UserError, match="a stored configuration is resolved"):
        repeatable({**config(), value: 1}, "x")


def test_containers_that_stand_in_each_other() -> None:
    level: Any = ["lol"]
    for _ in range(30):
        level = [level] * 9
    with pytest.raises(UserError, match="more than 300,000 values"):
        check_plain(level, "x")
    keys = {("a", ("b",)): 1}
    check_plain(keys, "x")
    with pytest.raises(UserError, match="expected plain values, found a set"):
        check_plain({"a": {1}}, "x")
