from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from ner_lightning.statistics import resampling
from ner_lightning.statistics.counts import run_f1
from ner_lightning.statistics.resampling import resampled_f1, swapped_sums
from tests.oracle.simulated_runs import World


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several blocks, the last one short; one row where a row is longer than a block."""
    monkeypatch.setattr(resampling, "CELLS", 10)


@pytest.mark.usefixtures("small_blocks")
def test_all_possible_test_sets_come_equally_often() -> None:
    system = np.array([[[1, 1, 1], [0, 2, 1], [3, 4, 5]], [[0, 1, 1], [1, 1, 1], [5, 5, 5]]])
    exact = np.array([run_f1(system[:, list(chosen)]) for chosen in product(range(3), repeat=3)])
    drawn = resampled_f1(system, 20_000, np.random.default_rng(0))
    values, counts = np.unique(np.round(exact, 9), axis=0, return_counts=True)
    seen, times = np.unique(np.round(drawn, 9), axis=0, return_counts=True)
    assert (values == seen).all()  # both runs together: they see the same sentences
    expected = counts / counts.sum() * 20_000
    assert ((times - expected) ** 2 / expected).sum() < 2 * len(values) + 10  # chi squared


@pytest.mark.usefixtures("small_blocks")
def test_each_unit_is_in_half_of_the_halves_whatever_the_others_do() -> None:
    sums = swapped_sums(np.eye(11), 4_000, np.random.default_rng(0))
    assert set(np.unique(sums)) == {0.0, 1.0}
    assert np.cov(sums.T) == pytest.approx(np.eye(11) / 4, abs=0.03)
    assert sums.mean(0) == pytest.approx(np.full(11, 0.5), abs=0.04)


def test_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    system = World(runs=2, sentences=30).draw(np.random.default_rng(0))[0]
    whole = resampled_f1(system, 50, np.random.default_rng(1))
    monkeypatch.setattr(resampling, "CELLS", 90)
    assert resampled_f1(system, 50, np.random.default_rng(1)).shape == whole.shape
    assert (whole > 0).all()


def test_a_test_set_without_entities_scores_nothing() -> None:
    system = np.array([[[0, 0, 0], [1, 1, 1]]])
    drawn = resampled_f1(system, 100, np.random.default_rng(0))
    assert set(np.unique(drawn)) == {0.0, 1.0}
