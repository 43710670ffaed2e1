"""The pooled variance by seeds against textbook analysis of variance."""

from __future__ import annotations

import numpy as np
import pytest

from ner_lightning.statistics.seed_variance import (
    NOTHING_KNOWN,
    SeedVariance,
    pool_paired_seed_variance,
    pool_seed_variance,
)
from ner_lightning.statistics.variance import measure, uncertainty
from tests.oracle.simulated_runs import World


def test_it_is_the_mean_square_within_groups() -> None:
    rng = np.random.default_rng(0)
    groups = [rng.normal(size=n) for n in (5, 3, 2, 1)]
    found = pool_seed_variance(groups, [np.zeros((len(group), 4)) for group in groups])
    within = sum(((group - group.mean()) ** 2).sum() for group in groups)
    assert (found.seen, found.df, found.both) == (pytest.approx(within / 7), 7, 0)


def test_paired_it_is_the_residual_mean_square_of_a_two_way_table() -> None:
    table = np.random.default_rng(1).normal(size=(4, 3)) + np.array([0.0, 5.0, -3.0])
    found = pool_paired_seed_variance(table, np.zeros((4, 3, 2)))
    fitted = table.mean(1, keepdims=True) + table.mean(0) - table.mean()
    assert (found.seen, found.df) == (pytest.approx(((table - fitted) ** 2).sum() / 6), 6)


@pytest.mark.parametrize("paired", [True, False])
def test_of_two_systems_it_is_what_the_pair_says_alone(paired: bool) -> None:
    a, b = World(runs=4, by_seed=0.5, shared_seed=0.3).draw(np.random.default_rng(2))
    one, other = measure(a), measure(b)
    if paired:
        scores, effects = np.stack([one.scores, other.scores]), np.stack([one.effects, other.effects])
        found = pool_paired_seed_variance(scores, effects)
    else:
        found = pool_seed_variance([one.scores, other.scores], [one.effects, other.effects])
    assert found.beyond * (1 / 4 + 1 / 4) == pytest.approx(uncertainty(a, b, paired).seeds)


def test_few_degrees_of_freedom_leave_it_wide() -> None:
    rng = np.random.default_rng(0)
    few, many = (SeedVariance(1.0, 0.2, df).draw(20_000, rng) for df in (2.0, 200.0))
    assert np.quantile(many, [0.05, 0.95]) == pytest.approx([0.66, 0.99], abs=0.03)
    assert np.quantile(few, 0.95) > 10
    assert few.min() >= 0
    assert not NOTHING_KNOWN.draw(5, rng).any()
    assert pool_seed_variance([np.array([0.5])], [np.zeros((1, 3))]) == NOTHING_KNOWN
    assert pool_paired_seed_variance(np.ones((3, 1)), np.zeros((3, 1, 2))) == NOTHING_KNOWN
