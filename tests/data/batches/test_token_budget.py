from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ner_lightning.data.batches.token_budget import Costs, cut_batches, group_steps, mix_steps, spread_over_bins

# Rows and the length of the longest; a sentence in windows has several.
SENTENCES = st.lists(st.tuples(st.integers(1, 3), st.integers(1, 40)), min_size=1, max_size=80)


def costs_of(sentences: list[tuple[int, int]]) -> Costs:
    rows, longest = np.array(sentences).T
    return Costs(rows, longest, np.maximum(rows * longest - rows + 1, longest))


@given(SENTENCES, st.integers(1, 200), st.none() | st.integers(1, 9), st.booleans())
def test_cutting_keeps_the_order_and_the_budget_and_wastes_no_room(
    sentences: list[tuple[int, int]], budget: int, limit: int | None, padded: bool
) -> None:
    costs = costs_of(sentences)
    order = costs.longest_first(np.arange(len(sentences)), padded=padded)
    batches = cut_batches(order, costs, budget=budget, limit=limit, padded=padded)
    assert np.concatenate(batches).tolist() == order.tolist()
    for batch, following in zip(batches, [*batches[1:], None], strict=True):
        assert len(batch) == 1 or costs.of_batch(batch, padded=padded) <= budget
        if following is not None and len(batch) != limit:
            assert costs.of_batch([*batch, following[0]], padded=padded) > budget


@given(SENTENCES, st.integers(1, 200), st.integers(1, 4))
def test_chance_does_not_change_the_number_of_batches(
    sentences: list[tuple[int, int]], budget: int, world: int
) -> None:
    costs, everything = costs_of(sentences), np.arange(len(sentences))
    counts = set()
    for seed in range(4):
        order = costs.longest_first(everything, padded=True, generator=np.random.default_rng(seed))
        counts.add(len(group_steps(cut_batches(order, costs, budget=budget, limit=None, padded=True), world)))
    assert len(counts) == 1


def test_equal_sentences_change_places() -> None:
    costs = Costs.of_lengths([3] * 30 + [5] * 30)
    orders = [
        costs.longest_first(np.arange(60), padded=True, generator=np.random.default_rng(seed)).tolist()
        for seed in (1, 2)
    ]
    assert orders[0] != orders[1]
    assert [sorted(order[:30]) for order in orders] == [list(range(30, 60))] * 2
    assert costs.longest_first(np.arange(60), padded=True).tolist() == [*range(30, 60), *range(30)]


@given(st.lists(st.integers(1, 5), min_size=1, max_size=9), st.integers(1, 4))
def test_each_process_has_a_batch_of_every_step(sizes: list[int], world: int) -> None:
    starts = np.cumsum([0, *sizes])
    batches = [np.arange(a, b) for a, b in pairwise(starts)]
    steps = group_steps(batches, world)
    assert {len(step) for step in steps} == {world}
    assert np.concatenate([batch for step in steps for batch in step]).tolist() == list(range(sum(sizes)))
    empty = sum(len(batch) == 0 for step in steps for batch in step)
    assert empty == max(0, len(steps) * world - sum(sizes))


def test_the_emptiest_bin_is_filled() -> None:
    lengths = np.sort(np.random.default_rng(0).geometric(0.05, 2000))[::-1]
    loads = np.bincount(spread_over_bins(lengths.tolist(), 30), weights=lengths)
    assert loads.max() - loads.min() <= lengths[-100]


@given(st.lists(st.integers(1, 20), min_size=1, max_size=60), st.integers(1, 6), st.integers(1, 3))
def test_mixing_shares_out_every_sentence(lengths: list[int], steps: int, world: int) -> None:
    costs = Costs.of_lengths(lengths)
    order = costs.longest_first(np.arange(len(lengths)), padded=False)
    mixed = mix_steps(order, costs, steps=steps, world=world, budget=sum(lengths))
    assert mixed is not None
    assert [len(step) for step in mixed] == [world] * steps
    shares = [share for step in mixed for share in step]
    assert sorted(np.concatenate(shares).tolist()) == list(range(len(lengths)))
    largest = max(costs.of_batch(share, padded=False) for share in shares)
    assert mix_steps(order, costs, steps=steps, world=world, budget=largest) is not None
    assert mix_steps(order, costs, steps=steps, world=world, budget=largest - 1) is None
