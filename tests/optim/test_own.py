"""An optimiser of the user's own, whose groups have no names."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ner_lightning.config.own import ALLOW
from tests.runs import trained

SOURCE = """
import torch


class Plain:
    def __init__(self, lr):
        self.lr = lr

    def build(self, model, total_steps):
        optimizer = torch.optim.SGD(model.parameters(), lr=self.lr)
        return optimizer, torch.optim.lr_scheduler.ConstantLR(optimizer, 1.0)
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "own_optimiser.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv(ALLOW, "own_optimiser.")
    yield "own_optimiser"
    sys.modules.pop("own_optimiser", None)


def test_a_run_with_groups_that_have_no_name(
    package: str,
    tmp_path: Path,
    tiny_encoder: Path,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with caplog.at_level(logging.WARNING):
        result = trained(tmp_path, tiny_encoder, "test=false", "~optim", f"+optim={{_target_:{package}.Plain,lr:1e-6}}")
    assert result["steps"] > 0
    assert "group 0" in capsys.readouterr().out
    assert "try optim.crf_lr=1e-05" in caplog.text
