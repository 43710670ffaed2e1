from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_ind, ttest_rel

from ner_lightning.statistics.counts import run_f1
from ner_lightning.statistics.variance import influence, uncertainty
from tests.oracle import significance as slow
from tests.oracle.simulated_runs import World

WORLD = World(runs=4, sentences=60, by_seed=0.5)


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_parts_equal_those_of_the_jackknife(paired: bool, seed: int) -> None:
    a, b = WORLD.draw(np.random.default_rng(seed))
    ours = uncertainty(a, b, paired)
    sentences, seeds, df = slow.components(a.tolist(), b.tolist(), paired)
    assert ours.sentences == pytest.approx(sentences, rel=0.05)
    assert ours.seeds == pytest.approx(seeds, rel=0.05, abs=0.02 * sentences)
    assert ours.df == pytest.approx(df, rel=0.1)


def test_parts_by_their_truth() -> None:
    """Mean of the estimated variances over many test sets: that of the differences themselves."""
    rng, world = np.random.default_rng(0), World(runs=3, sentences=150, by_seed=0.3)
    differences, variances = [], []
    for _ in range(800):
        a, b = world.draw(rng)
        differences.append(run_f1(a).mean() - run_f1(b).mean())
        variances.append(uncertainty(a, b, paired_seeds=False).standard_error ** 2)
    assert np.mean(variances) == pytest.approx(np.var(differences), rel=0.15)


def test_it_is_students_t_where_sentences_bring_nothing() -> None:
    """All sentences alike: what is left is the spread over seeds."""
    counts = np.zeros((2, 3, 10_000, 3), dtype=int)
    counts[..., 2] = counts[..., 1] = 100
    hits = np.array([[90, 80, 85], [88, 70, 77]])
    counts[..., 0] = hits[..., None]
    a, b = counts
    for paired, test in ((True, ttest_rel), (False, ttest_ind)):
        found, expected = uncertainty(a, b, paired), test(hits[0] / 100, hits[1] / 100)
        assert found.sentences == 0
        assert (run_f1(a).mean() - run_f1(b).mean()) / found.standard_error == pytest.approx(expected.statistic)
    assert uncertainty(a, b, True).df == pytest.approx(2)


def test_a_single_run_is_taken_to_vary_as_the_other_system() -> None:
    a, b = WORLD.draw(np.random.default_rng(0))
    alone = uncertainty(a[:1], b, paired_seeds=False)
    # (1 + 1/4) of the variance of a run of b, instead of 1/4 and 1/4.
    spread = run_f1(b).var(ddof=1)
    single = (influence(b) ** 2).sum(1).mean() / (60 * 59)
    together = (influence(b).mean(0) ** 2).sum() / (60 * 59)
    assert alone.seeds == pytest.approx(1.25 * (spread - 4 / 3 * (single - together)))
    assert alone.df > 3
    known = uncertainty(a[:1], b[:1])
    assert (known.seeds, known.df) == (0, 59)


def test_estimates_that_contradict_each_other_leave_something() -> None:
    """Two runs that are right just where the other is wrong: their mean knows no sentences, and yet is uncertain."""
    a = np.array([[[1, 1, 1], [0, 1, 1]] * 5, [[0, 1, 1], [1, 1, 1]] * 5])
    b = np.array([[[0, 1, 1]] * 10] * 2)
    found = uncertainty(a, b)
    assert found.sentences == 0
    assert found.seeds > 0
    assert found.df > 0.5


def test_influence_has_no_mean_and_survives_nothing() -> None:
    a, _ = WORLD.draw(np.random.default_rng(0))
    assert influence(a).mean(1) == pytest.approx(0, abs=1e-12)
    assert not influence(np.zeros((1, 3, 3), dtype=int)).any()
    nothing = np.zeros((2, 3, 3), dtype=int)
    assert uncertainty(nothing, nothing).standard_error == 0


def test_refusals() -> None:
    a, b = WORLD.draw(np.random.default_rng(0))
    with pytest.raises(ValueError, match="received 60 and 59 with"):
        uncertainty(a, b[:, 1:])
    other = b.copy()
    other[:, 0, 2] += 1
    with pytest.raises(ValueError, match="expected two systems on the same sentences"):
        uncertainty(a, other)
    with pytest.raises(ValueError, match="received 4 and 3; compare runs of common seeds"):
        uncertainty(a, b[:3])
    with pytest.raises(ValueError, match="at least two sentences"):
        uncertainty(a[:, :1], b[:, :1])
