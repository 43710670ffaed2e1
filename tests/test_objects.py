"""From the nodes of a configuration to objects."""

from __future__ import annotations

from pathlib import Path

import pytest

from ner_lightning.errors import UserError
from ner_lightning.objects import make, plain
from tests.runs import train_config


def test_a_node_is_built_with_what_is_in_it() -> None:
    node = {"_target_": "fractions.Fraction", "numerator": {"_target_": "builtins.int"}, "denominator": 0}
    assert make(node, denominator=3) == 0  # what is given wins over the key
    assert make({"_target_": "builtins.dict", "a": {"b": 1}, "c": [1]}) == {"a": {"b": 1}, "c": [1]}


def test_a_class_from_elsewhere_is_refused(tmp_path: Path, tiny_encoder: Path) -> None:
    config = train_config(tmp_path, tiny_encoder)
    config.callbacks.progress._target_ = "subprocess.run"
    with pytest.raises(UserError, match=r"callbacks.progress._target_: subprocess.run is not allowed"):
        plain(config)
