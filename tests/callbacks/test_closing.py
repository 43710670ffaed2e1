"""What a run says last."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from ner_lightning.callbacks.closing import say_goodbye


def test_a_run_ends_with_where_it_is_and_what_to_type_next(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        say_goodbye(Path("out/a run"), {"checkpoint": "best.ckpt", "val/f1": 0.4, "val/support": 3}, 10)
    assert [record.getMessage() for record in caplog.records] == [
        "run folder: out/a run",
        "next: python -m ner_lightning.predict ckpt='out/a run' input=FILE output=FILE",
        "next: python -m ner_lightning.compare 'out/a run' OTHER_RUN",
    ]


def test_a_run_that_has_learned_nothing_says_what_to_try(caplog: pytest.LogCaptureFixture) -> None:
    say_goodbye(Path("run"), {"checkpoint": None, "val/f1": 0.0, "val/support": 3}, 1200)
    assert "F1 is 0 after 1,200 optimiser steps. Try more of them (trainer.max_epochs), ten times" in caplog.text
