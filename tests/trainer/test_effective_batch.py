"""The batch of a step stays what it is, whoever shares it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_lightning.errors import UserError
from ner_lightning.trainer.effective_batch import with_effective_batch, world_size


def config(effective: int | None, batch: int = 16, accumulate: int = 1, **trainer: Any) -> dict[str, Any]:
    node = {
        "accelerator": "cpu",
        "devices": 1,
        "accumulate_grad_batches": accumulate,
        "precision": "32-true",
        **trainer,
    }
    return {
        "data": {"batch_size": batch, "dir": "x"},
        "trainer": node | trainer,
        "sweep": {"effective_batch": effective, "name": "s"},
        "seed": 1,
    }


def test_nothing_is_held_unless_asked() -> None:
    asked = config(None, accumulate=3)
    assert with_effective_batch(asked) is asked
    assert with_effective_batch({"trainer": {}, "data": {}}) == {"trainer": {}, "data": {}}


@pytest.mark.parametrize(
    ("effective", "batch", "processes", "expected"),
    [
        (32, 16, 1, (16, 2)),
        (32, 16, 2, (16, 1)),
        (32, 16, 4, (8, 1)),
        (32, 12, 1, (8, 4)),
        (8, 16, 1, (8, 1)),
        (7, 4, 1, (1, 7)),
        (2, 16, 2, (1, 1)),
    ],
)
def test_batches_and_accumulation_make_up_the_difference(effective, batch, processes, expected) -> None:
    asked = config(effective, batch, accumulate=5, devices=processes)
    found = with_effective_batch(asked)
    assert (found["data"]["batch_size"], found["trainer"]["accumulate_grad_batches"]) == expected
    assert (found["data"]["dir"], found["trainer"]["precision"], found["seed"]) == ("x", "32-true", 1)
    assert asked == config(effective, batch, accumulate=5, devices=processes)  # not changed under the caller's feet


@given(st.integers(1, 64), st.integers(1, 64), st.integers(1, 8))
def test_the_product_is_what_was_asked_for_and_no_batch_grows(share: int, batch: int, processes: int) -> None:
    found = with_effective_batch(config(share * processes, batch, devices=processes))
    size, steps = found["data"]["batch_size"], found["trainer"]["accumulate_grad_batches"]
    assert size * steps * processes == share * processes
    assert size <= batch
    assert with_effective_batch(found) == found


@pytest.mark.parametrize(
    ("effective", "processes", "fits"), [(32, 3, "choose 30 or 33"), (1, 2, "choose 2,"), (10, 4, "choose 8 or 12")]
)
def test_what_processes_cannot_share_says_what_they_could(effective: int, processes: int, fits: str) -> None:
    with pytest.raises(UserError, match=rf"sweep\.effective_batch={effective}: {processes} processes .* {fits}"):
        with_effective_batch(config(effective, devices=processes))


@pytest.mark.parametrize(
    ("trainer", "gpus", "expected"),
    [
        ({"accelerator": "cpu", "devices": "auto"}, 8, 1),
        ({"accelerator": "cpu", "devices": 3, "num_nodes": 2}, None, 6),
        ({"accelerator": "gpu", "devices": "auto"}, 4, 4),
        ({"accelerator": "gpu", "devices": -1, "num_nodes": 2}, 4, 8),
        ({"accelerator": "gpu", "devices": "0,2"}, 4, 2),
        ({"accelerator": "gpu", "devices": "3"}, 4, 3),
        ({"accelerator": "gpu", "devices": "auto"}, 0, 1),  # refused elsewhere, in words of its own
    ],
)
def test_processes_are_counted_as_lightning_does(trainer, gpus, expected) -> None:
    assert world_size(trainer, gpus) == expected
