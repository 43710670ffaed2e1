from __future__ import annotations

import io
from typing import Any

import pytest
import torch

from ner_lightning.model.pretrained.names import load_tokenizer
from ner_lightning.model.pretrained.tokenizer_state import tokenizer_from_state, tokenizer_state


@pytest.mark.parametrize(
    ("name", "units"),
    [("package:minilm", "words"), ("package:e5_multilingual", "characters")],
)
def test_a_tokenizer_comes_back_from_a_checkpoint(name: str, units: Any) -> None:
    tokenizer = load_tokenizer(name, units=units)
    file = io.BytesIO()
    torch.save(tokenizer_state(tokenizer), file)
    file.seek(0)
    restored = tokenizer_from_state(torch.load(file, weights_only=True))
    batch = [["Angela", "Merkel", "北", "京"], ["ＮＦＫＣ", "～", "\ufe0f", "naïve", "[MASK]", "</s>"]]
    options: Any = {"is_split_into_words": True, "padding": True}
    expected, found = tokenizer(batch, **options), restored(batch, **options)
    assert found["input_ids"] == expected["input_ids"]
    assert found["attention_mask"] == expected["attention_mask"]
    assert [found.word_ids(row) for row in (0, 1)] == [expected.word_ids(row) for row in (0, 1)]
    assert restored.special_tokens_map == tokenizer.special_tokens_map
    assert restored.model_max_length == tokenizer.model_max_length
