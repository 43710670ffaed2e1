from __future__ import annotations

from pathlib import Path

import pytest
from torch import nn

from ner_lightning.callbacks.overview import optimiser_table
from ner_lightning.optim.groups import parameter_groups
from tests.optim.tagger import adapted, tagger
from tests.runs import trained

RATES = {"encoder_lr": 1e-4, "head_lr": 1e-3, "crf_lr": 1e-2, "weight_decay": 0.01}


def rows(model: nn.Module) -> list[tuple[str, ...]]:
    table = optimiser_table(parameter_groups(model, **RATES), model)
    return list(zip(*(list(column.cells) for column in table.columns), strict=True))


def test_what_is_frozen_stands_below_the_groups() -> None:
    model = adapted()
    frozen = [p for p in model.parameters() if not p.requires_grad]
    assert rows(model)[0] == ("adapter", "2", "32", "0.001", "0.01")
    assert rows(model)[-1] == ("frozen", str(len(frozen)), f"{sum(p.numel() for p in frozen)}", "–", "–")
    assert "frozen" not in [row[0] for row in rows(tagger())]


@pytest.mark.parametrize(
    ("batching", "expected"),
    [("packed", "attention: packed sdpa, sentences of equal length together"), ("length_bucket", "attention: sdpa\n")],
)
def test_the_attention_in_use_is_told(
    batching: str, expected: str, tmp_path: Path, tiny_encoder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="ner_lightning"):
        result = trained(tmp_path, tiny_encoder, f"data.batching={batching}", "test=false")
    assert expected == f"attention: {result['attention']}" + "\n" * expected.endswith("\n")
    assert expected in "\n".join(record.getMessage() for record in caplog.records) + "\n"
