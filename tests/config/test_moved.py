"""What was written before classes moved is read today."""

from __future__ import annotations

import copy
from typing import Any

from ner_lightning.config.catalogue import KINDS
from ner_lightning.config.moved import MOVED, with_present_names
from ner_lightning.config.stored import repeatable
from tests.conf.tree import complete


def written_before() -> dict[str, Any]:
    config = copy.deepcopy(complete("train"))
    config["logger"]["wandb"] = {"_target_": "ner_lightning.callbacks.wandb_logger.wandb_logger", "project": "p"}
    config["callbacks"]["profile"] = {"_target_": "ner_lightning.callbacks.step_profile.StepProfile"}
    return config


def test_what_has_moved_stands_where_it_may_be_built_and_its_old_name_nowhere() -> None:
    listed = {name for names in KINDS.values() for name in names}
    assert set(MOVED.values()) <= listed
    assert not set(MOVED) & listed


def test_a_stored_configuration_is_run_again_by_present_names() -> None:
    config = repeatable(written_before(), "config.yaml")
    assert config["logger"]["wandb"]["_target_"] == "ner_lightning.logger.wandb.wandb_logger"
    assert config["callbacks"]["profile"]["_target_"] == "ner_lightning.callbacks.profile.step_profile.StepProfile"


def test_nothing_else_is_touched() -> None:
    config = complete("train")
    assert with_present_names(config) == config
    text = "ner_lightning.callbacks.pruning.Pruning"
    assert with_present_names({"name": text, "list": [text]}) == {"name": text, "list": [text]}
