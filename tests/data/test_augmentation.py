"""The options of augmentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from ner_lightning.data.augmentation import Augmentation
from ner_lightning.errors import DataError
from tests.runs import trained


@pytest.mark.parametrize("name", ["mention_replacement", "word_replacement", "lower_case", "word_dropout"])
@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan")])
def test_a_probability_is_from_0_to_1(name: str, value: float) -> None:
    with pytest.raises(DataError, match=rf"data\.augment\.{name}={value}: expected a probability, from 0 \(off\) to 1"):
        Augmentation(**{name: value})


def test_all_off_is_off() -> None:
    assert not Augmentation()
    assert Augmentation(1, 1, 1, 1)
    assert not Augmentation(word_dropout=1).lengthens
    assert Augmentation(lower_case=0.1).lengthens


def test_a_wrong_probability_is_said_by_the_command(tmp_path: Path, tiny_encoder: Path) -> None:
    with pytest.raises(DataError, match=r"data\.augment\.word_dropout=3"):
        trained(tmp_path, tiny_encoder, "data.augment.word_dropout=3")
