"""What a checkpoint says of its size is held against its tensors; honest ones of every architecture pass."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from ner_lightning.errors import UserError
from ner_lightning.model.bounds import LAYERS, check_fit, check_tag_count, check_tensors, checked_architecture
from ner_lightning.model.encoder import Encoder
from tests.oracle.tiny_encoders import NOT_PACKING, PACKING, tiny_config


@pytest.mark.parametrize("architecture", [*PACKING, *NOT_PACKING, "albert"])
def test_honest_encoders_pass(architecture: str) -> None:
    shared = {**PACKING["bert"], "model_type": "albert", "embedding_size": 16, "num_hidden_layers": 12}
    encoder = Encoder("x", config=shared if architecture == "albert" else tiny_config(architecture))
    said, state = encoder.config_dict(), encoder.state_dict()
    checked = checked_architecture(said, state, "x")
    check_fit(lambda: Encoder("x", config=dict(checked)), state, "x")
    check_tensors({"state": [state, {"more": 1}]}, 10**6, "x")
    again = Encoder("x", config=checked)
    again.load_state_dict(state)
    assert again.config_dict() == said


def test_sizes_of_blocks_are_no_numbers_of_layers() -> None:
    wanted = ("num_hidden_layers", "n_layer", "num_experts", "block_sizes", "num_hidden_groups", "depths")
    assert all(LAYERS.match(key) for key in wanted)
    assert not any(LAYERS.match(key) for key in ("block_size", "vocab_size", "layer_size"))


def test_tables_that_a_network_computes_are_bounded() -> None:
    class Masks(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("mask", torch.ones(1 << 20, 1 << 20), persistent=False)

    with pytest.raises(UserError, match=r"x: malicious: its configuration makes tables of 1,099,511,627,776 numbers"):
        check_fit(Masks, {}, "x")


def test_what_the_file_does_not_have_is_small() -> None:
    with pytest.raises(UserError, match="x: damaged: it lacks weight"):
        check_fit(lambda: torch.nn.Linear(1 << 15, 1 << 15), {}, "x")
    check_fit(lambda: torch.nn.Linear(2, 2), {}, "x")


def test_tags_and_tensors() -> None:
    state = {"w": torch.zeros(5, 3)}
    check_tag_count(5, state, "x")
    with pytest.raises(UserError, match="it names 7 tags, and none of its tensors has so many"):
        check_tag_count(7, state, "x")
    with pytest.raises(UserError, match="its tensors are larger than the file"):
        check_tensors(state, 59, "x")
    check_tensors({"a": state["w"], "b": state["w"]}, 60, "x")  # shared, counted once


def test_tensors_that_stand_in_each_other_without_end() -> None:
    level: Any = [torch.zeros(1)]
    for _ in range(30):
        level = [level] * 9
    with pytest.raises(UserError, match="nested without an end"):
        check_tensors(level, 100, "x")
