"""Each experiment as it resolves, so that the reach of an edit in conf/ shows in review.

Written anew by `UPDATE_SNAPSHOTS=1 pytest tests/conf/test_snapshots.py`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from tests.conf.tree import EXPERIMENTS, complete

SNAPSHOTS = Path(__file__).parent / "snapshots"


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_an_experiment_resolves_as_recorded(experiment: str) -> None:
    config = complete("train", f"+experiment={experiment}")
    file = SNAPSHOTS / f"{experiment}.yaml"
    if os.environ.get("UPDATE_SNAPSHOTS") == "1":
        file.write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")
    assert file.is_file(), f"no snapshot of {experiment}: run with UPDATE_SNAPSHOTS=1 and commit it"
    recorded = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert config == recorded, "the experiment has changed: if it was meant to, run with UPDATE_SNAPSHOTS=1"


def test_there_is_no_snapshot_without_its_experiment() -> None:
    assert EXPERIMENTS
    assert sorted(file.stem for file in SNAPSHOTS.glob("*.yaml")) == EXPERIMENTS
