"""What varies is found, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ner_lightning.comparison.vary import WATCHING, find_differences, find_varying, names_of, settings_of
from tests.comparison.folders import SOFTMAX, with_settings

CONF = Path(__file__).parents[2] / "conf"


def keys_of(*configs: dict[str, Any]) -> list[str]:
    return find_varying([settings_of(config) for config in configs], ["seed", "data.fold"])


def test_places_names_and_loggers_do_not_vary() -> None:
    one = with_settings(paths__output_dir="a", callbacks={"predictions": {"folder": "a/p"}, "best": {"dir": "a/c"}})
    other = with_settings(paths__output_dir="b", callbacks={"cost": {"steps": 1}, "best": {"dir": "b/c"}}, seed=2)
    other |= {"name": "mine", "logger": {"wandb": {"project": "x"}}, "ckpt_path": "last", "sweep": {"name": "s"}}
    assert keys_of(one, other) == []


def test_a_callback_that_decides_and_a_held_batch_vary() -> None:
    assert keys_of(with_settings(callbacks={}), with_settings(callbacks={"early": {"_target_": "x.Early"}})) != []
    assert keys_of(with_settings(), with_settings(sweep={"effective_batch": 32})) == ["sweep.effective_batch"]


def test_a_task_of_another_kind_varies_and_one_that_is_not_named_is_ours() -> None:
    ours = {"_target_": "ner_lightning.task.tagging.TaggingTask", "metrics": {"exact": {"_target_": "x.Exact"}}}
    theirs = {"_target_": "x.RDrop", "alpha": 0.5, "metrics": {}}
    assert keys_of(with_settings(), with_settings(task=ours)) == []
    assert keys_of(with_settings(task=ours), with_settings(task=theirs)) == ["task._target_"]
    assert keys_of(with_settings(task=theirs), with_settings(task=theirs | {"alpha": 1.0})) == ["task.alpha"]


def test_each_callback_of_the_configuration_watches_or_is_known_to_decide() -> None:
    def callbacks(name: str) -> set[str]:
        node = yaml.safe_load((CONF / name).read_text())
        return {*node.get("callbacks", node)} - {"defaults"}

    assert callbacks("callbacks/default.yaml") - {*WATCHING} == {"checkpoint"}
    assert callbacks("debug/profile.yaml") <= {*WATCHING}


def test_what_goes_together_is_told_once() -> None:
    crf, softmax = with_settings(), with_settings(model__decoder=SOFTMAX)
    constrained = with_settings(model__decoder={**SOFTMAX, "constrain": "decode"})
    assert keys_of(crf, softmax) == ["model.decoder._target_"]
    # both, none, decode would tell them apart, but not say that one is a CRF.
    assert keys_of(crf, softmax, constrained) == ["model.decoder._target_", "model.decoder.constrain"]
    faster = with_settings(model__decoder=SOFTMAX, optim__encoder_lr=1e-3)
    assert keys_of(crf, softmax, faster) == ["model.decoder._target_", "optim.encoder_lr"]


def also_of(*configs: dict[str, Any]) -> dict[str, list[Any]]:
    return find_differences([settings_of(config) for config in configs], ["seed", "data.fold"])


def test_every_difference_is_found_but_arguments_that_another_class_does_not_have() -> None:
    crf = with_settings()
    other = with_settings(model__decoder=SOFTMAX, optim__encoder_lr=1e-3, optim__schedule={"_target_": "x.S", "n": 3})
    assert [*also_of(crf, other)] == [
        "model.decoder._target_",
        "model.decoder.constrain",  # both have it; `init` only one
        "optim.encoder_lr",
        "optim.schedule._target_",  # its arguments come with it
    ]
    zeros = with_settings()
    zeros["model"]["decoder"]["init"] = "zeros"
    assert also_of(crf, zeros, with_settings(model__decoder=SOFTMAX))["model.decoder.init"] == [
        "uniform",
        "zeros",
        None,
    ]
    assert also_of(crf, with_settings(seed=2)) == {}


def test_a_key_of_a_mapping_that_no_class_has_is_a_difference() -> None:
    one, other = with_settings(data__label_map={}), with_settings(data__label_map={"PERSON": "PER"})
    assert [*also_of(one, other)] == ["data.label_map.PERSON"]


def test_of_classes_that_go_together_one_is_told() -> None:
    one, other = with_settings(), with_settings(model__decoder=SOFTMAX, optim__schedule={"_target_": "x.Constant"})
    assert keys_of(one, other) == ["model.decoder._target_"]


def test_an_argument_that_a_class_has_got_since_does_not_vary_but_a_changed_one_does() -> None:
    old, new = with_settings(), with_settings()
    new["data"]["batching"] = "packed"
    assert keys_of(old, new) == []
    newer = with_settings()
    newer["data"]["batching"] = "random"
    assert keys_of(old, new, newer) == ["data.batching"]
    off = with_settings()
    off["data"]["batching"] = None
    assert keys_of(new, off) == ["data.batching"]


def test_names_take_the_experiment_where_it_says_the_same() -> None:
    settings = [{"model.decoder.constrain": c, "optim.lr": r} for c in ("both", "none") for r in (0.1, 0.2)]
    assert names_of(settings, ["crf", "crf", "softmax", "softmax"]) == [
        "crf lr=0.1",
        "crf lr=0.2",
        "softmax lr=0.1",
        "softmax lr=0.2",
    ]
    assert names_of(settings, ["a", "b", "a", "b"])[:2] == ["a constrain=both", "b constrain=both"]
    assert names_of(settings, ["crf"] * 4)[0] == "constrain=both lr=0.1"
