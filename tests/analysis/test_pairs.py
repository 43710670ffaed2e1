from __future__ import annotations

from math import comb

import numpy as np
import pytest

from ner_lightning.analysis.paired import approximate_randomisation, paired_bootstrap
from ner_lightning.analysis.pairs import compare_systems, with_best
from ner_lightning.analysis.significance import holm, smallest_detectable
from tests.oracle.simulated_runs import World

GOLD = World(runs=4, sentences=120, by_sentence=0.1, by_seed=0.8, shared_seed=1.0, shift=0.4)
FIRST, SECOND = GOLD.draw(np.random.default_rng(0))
SYSTEMS = {"second": SECOND, "first": FIRST, "half": SECOND[:2], "one": FIRST[:1]}


def test_pairs_are_what_each_would_be_alone() -> None:
    found = compare_systems(SYSTEMS, samples=20_000)
    assert len(found) == comb(4, 2)
    assert [pair.p_holm for pair in found] == holm([pair.difference.p for pair in found])
    for pair in found:
        a, b = SYSTEMS[pair.a], SYSTEMS[pair.b]
        assert pair.paired_seeds == (len(a) == len(b))
        alone = paired_bootstrap(a, b, samples=20_000, paired_seeds=pair.paired_seeds)
        assert pair.difference.difference == alone.difference >= 0
        assert pair.difference.p == pytest.approx(alone.p, abs=0.02)
        assert pair.difference.low == pytest.approx(alone.low, abs=0.05 * (alone.high - alone.low))
        p = approximate_randomisation(a, b, samples=20_000, paired_seeds=pair.paired_seeds)
        assert pair.p_randomisation == pytest.approx(p, abs=0.02)
        assert pair.detectable == smallest_detectable(a, b, paired_seeds=pair.paired_seeds)
        assert pair.sentence.startswith(("no difference shown", f"{pair.a} beats {pair.b}"))
        assert "corrected for 6 pairs" in pair.sentence


def test_runs_are_paired_by_seed_and_not_by_place() -> None:
    systems = {"a": FIRST, "b": SECOND[::-1]}
    [by_seed] = compare_systems(systems, seeds={"a": [1, 2, 3, 4], "b": [4, 3, 2, 1]})
    [by_place] = compare_systems(systems)
    [apart] = compare_systems(systems, seeds={"a": [1, 2, 3, 4], "b": [4, 3, 2, 5]})
    assert (by_seed.paired_seeds, by_place.paired_seeds, apart.paired_seeds) == (True, True, False)
    error = by_seed.difference.standard_error
    assert error == pytest.approx(paired_bootstrap(FIRST, SECOND).standard_error)
    assert error < apart.difference.standard_error
    assert error < by_place.difference.standard_error


def test_chosen_pairs_and_documents() -> None:
    pairs = with_best(SYSTEMS)
    assert len(pairs) == 3
    assert len({best for best, _ in pairs}) == 1
    documents = [i // 4 for i in range(120)]
    found = compare_systems(SYSTEMS, pairs=pairs, groups=documents, samples=500)
    assert [{pair.a, pair.b} for pair in found] == [set(pair) for pair in pairs]
    assert [pair.p_holm for pair in found] == holm([pair.difference.p for pair in found])  # of three, not of six
    for pair in found:
        a, b = SYSTEMS[pair.a], SYSTEMS[pair.b]
        alone = paired_bootstrap(a, b, groups=documents, paired_seeds=pair.paired_seeds, samples=500)
        assert pair.difference.standard_error == alone.standard_error
        assert pair.difference.low == pytest.approx(alone.low, abs=0.2 * (alone.high - alone.low))
    assert compare_systems({"alone": FIRST}) == []


def test_refusals() -> None:
    with pytest.raises(ValueError, match=r"seed for each of the 4 runs of a, all different; received \[1, 1, 2, 3\]"):
        compare_systems({"a": FIRST, "b": SECOND}, seeds={"a": [1, 1, 2, 3], "b": [1, 2, 3, 4]})
    with pytest.raises(ValueError, match="same sentences"):
        compare_systems({"a": FIRST, "b": SECOND[:, 1:]})
