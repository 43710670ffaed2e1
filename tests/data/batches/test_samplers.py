from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_lightning.data.batches.samplers import Draw, EvaluationSampler, TrainingSampler
from ner_lightning.data.batches.token_budget import Costs

LENGTHS = st.lists(st.integers(1, 100), min_size=1, max_size=120)
WAYS = st.one_of(
    st.fixed_dictionaries(
        {
            "grouping": st.sampled_from(["random", "length_bucket"]),
            "max_subwords": st.none() | st.integers(1, 400),
            "padded": st.booleans(),
        }
    ),
    st.fixed_dictionaries(
        {"grouping": st.just("token_budget"), "max_subwords": st.integers(1, 400), "padded": st.booleans()}
    ),
)


def real(draw: Draw) -> list[int]:
    return list(draw.indices[: len(draw.indices) - draw.fillers])


def epoch_of(sampler: TrainingSampler, epoch: int) -> list[Draw]:
    sampler.set_epoch(epoch)
    return list(sampler)


@given(LENGTHS, st.integers(1, 9), st.integers(1, 4), WAYS)
def test_each_sentence_weighs_once_an_epoch_and_ranks_agree_on_the_steps(
    lengths: list[int], batch_size: int, world: int, way: dict[str, Any]
) -> None:
    ranks = [TrainingSampler(lengths, batch_size, seed=3, rank=rank, world=world, **way) for rank in range(world)]
    for number in (0, 5):
        epochs = [epoch_of(sampler, number) for sampler in ranks]
        assert {len(draws) for draws in epochs} == {len(ranks[0])}  # the same in every epoch
        seen = Counter(i for draws in epochs for draw in draws for i in real(draw))
        assert seen == Counter(range(len(lengths)))
        sizes = [len(draw.indices) for draws in epochs for draw in draws]
        assert min(sizes) >= 1
        assert max(sizes) <= batch_size or way["grouping"] == "token_budget"
        if way["max_subwords"] is not None:
            costs = ranks[0].costs
            for draw in (draw for draws in epochs for draw in draws if len(draw.indices) > 1):
                assert costs.of_batch(draw.indices, padded=way["padded"]) <= way["max_subwords"]


@given(LENGTHS, st.integers(1, 9), st.integers(1, 4), st.none() | st.integers(1, 300), st.booleans())
def test_evaluation_counts_each_sentence_once_and_no_rank_is_idle(
    lengths: list[int], batch_size: int, world: int, max_subwords: int | None, padded: bool
) -> None:
    samplers = [
        EvaluationSampler(lengths, batch_size, max_subwords=max_subwords, padded=padded, rank=rank, world=world)
        for rank in range(world)
    ]
    assert len({len(sampler) for sampler in samplers}) == 1, "where parameters are sharded, ranks step together"
    assert len(samplers[0]) >= 1
    draws = [draw for sampler in samplers for draw in sampler]
    assert Counter(i for draw in draws for i in real(draw)) == Counter(range(len(lengths)))
    assert all(1 <= len(draw.indices) <= batch_size for draw in draws)
    if max_subwords is not None:
        costs = Costs.of_lengths(lengths)
        assert all(len(d.indices) == 1 or costs.of_batch(d.indices, padded=padded) <= max_subwords for d in draws)


@pytest.mark.parametrize(
    "way",
    [
        {},
        {"grouping": "length_bucket"},
        {"max_subwords": 40},
        {"grouping": "token_budget", "max_subwords": 40},
        {"grouping": "token_budget", "max_subwords": 40, "padded": False},
    ],
)
def test_the_order_is_seeded_and_changes_with_the_epoch(way: dict[str, Any]) -> None:
    lengths = np.random.default_rng(0).integers(1, 20, 100)

    def order(seed: int, epoch: int) -> list[tuple[int, ...]]:
        return [draw.indices for draw in epoch_of(TrainingSampler(lengths, 4, seed=seed, **way), epoch)]

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1)
    assert order(1, 0) != order(2, 0)
    assert [i for batch in order(1, 0) for i in batch] != list(range(100))
    assert len(set(order(1, 0)) & set(order(1, 1))) <= 5  # not the same batches in another order


def test_an_order_without_budget_is_what_it_always_was() -> None:
    """Runs of before are repeated by their seed."""
    draws = epoch_of(TrainingSampler(range(1, 13), 5, seed=7), 2)
    order = np.random.default_rng((7, 2)).permutation(12).tolist()
    assert [list(draw.indices) for draw in draws] == [order[:5], order[5:10], order[10:]]


@given(LENGTHS, st.integers(1, 6), st.integers(0, 40), WAYS)
def test_a_resumed_epoch_goes_on_with_the_next_batch(
    lengths: list[int], batch_size: int, done: int, way: dict[str, Any]
) -> None:
    sampler = TrainingSampler(lengths, batch_size, seed=3, **way)
    whole, following = epoch_of(sampler, 4), epoch_of(sampler, 5)
    resumed = TrainingSampler(lengths, batch_size, seed=3, **way)
    resumed.resume(4, done)
    assert epoch_of(resumed, 4) == whole[done:]
    assert epoch_of(resumed, 5) == following
    assert len(resumed) == len(whole)


def test_two_ranks_together_take_the_steps_of_one_process_with_twice_the_batch() -> None:
    whole = [set(draw.indices) for draw in TrainingSampler(range(1, 30), 6, seed=5)]
    halves = [TrainingSampler(range(1, 30), 3, seed=5, rank=rank, world=2) for rank in range(2)]
    joined = [set(a.indices) | set(b.indices) for a, b in zip(*halves, strict=True)]
    assert joined == whole


def test_two_ranks_together_take_the_mixed_steps_of_one_process_with_twice_the_budget() -> None:
    lengths = np.random.default_rng(0).geometric(0.05, 600)
    common: dict[str, Any] = {"grouping": "token_budget", "padded": False, "seed": 5}
    one = TrainingSampler(lengths, 1, max_subwords=600, **common)
    halves = [TrainingSampler(lengths, 1, max_subwords=300, rank=rank, world=2, **common) for rank in range(2)]
    assert [set(a.indices) | set(b.indices) for a, b in zip(*halves, strict=True)] == [set(d.indices) for d in one]
    assert halves[0].sentences_per_batch * 2 == one.sentences_per_batch


def test_a_budget_is_filled() -> None:
    lengths = np.random.default_rng(0).geometric(0.05, 3000) + 2

    def filled(padded: bool, world: int) -> float:
        ranks = [
            TrainingSampler(
                lengths, 1, seed=1, grouping="token_budget", max_subwords=2048, padded=padded, rank=rank, world=world
            )
            for rank in range(world)
        ]
        return float(lengths.sum()) / (len(ranks[0]) * world * 2048)

    assert min(filled(False, 1), filled(False, 2)) > 0.95
    assert min(filled(True, 1), filled(True, 2)) > 0.85


def test_packed_batches_of_a_budget_are_all_alike() -> None:
    """Of one length each, a step on short sentences would be of a hundred, one on long ones of five."""
    lengths = np.random.default_rng(0).geometric(0.05, 3000) + 2
    draws = list(TrainingSampler(lengths, 1, seed=1, grouping="token_budget", max_subwords=1024, padded=False))
    sizes = [len(draw.indices) for draw in draws]
    assert max(sizes) < 1.3 * min(sizes)
    costs = [int(lengths[list(draw.indices)].sum()) for draw in draws]
    assert max(costs) - min(costs) < 30


def padding(lengths: np.ndarray, **way: Any) -> float:
    sizes = [lengths[list(draw.indices)] for draw in TrainingSampler(lengths, 32, seed=1, **way)]
    return sum(len(s) * s.max() for s in sizes) / lengths.sum()


def test_buckets_hold_similar_lengths() -> None:
    lengths = np.random.default_rng(0).geometric(0.05, 3000)
    assert padding(lengths, grouping="length_bucket") < 1.15
    assert padding(lengths, grouping="token_budget", max_subwords=640) < 1.03
    assert padding(lengths) > 2


def test_only_long_sentences_are_batched_by_themselves() -> None:
    lengths = np.array([10] * 90 + [50] * 10)
    draws = list(TrainingSampler(lengths, 8, seed=1, max_subwords=100))
    long = [draw for draw in draws if lengths[list(draw.indices)].max() == 50]
    assert [len(draw.indices) for draw in long] == [2] * 5
    assert sorted(len(draw.indices) for draw in draws if draw not in long) == [2, *[8] * 11]


def test_the_mean_batch_is_what_a_gradient_is_divided_by() -> None:
    """So that a step is an average over sentences, whatever the budget holds."""
    lengths = np.random.default_rng(0).geometric(0.05, 500)
    for world in (1, 2):
        for padded in (True, False):
            sampler = TrainingSampler(
                lengths, 1, seed=1, grouping="token_budget", max_subwords=300, padded=padded, world=world
            )
            assert sampler.sentences_per_batch * len(sampler) * world == pytest.approx(500)
    assert TrainingSampler(lengths, 7, seed=1, max_subwords=300).sentences_per_batch == 7


def test_a_batch_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="batch_size must be at least 1, not 0"):
        TrainingSampler([1], 0, seed=1)
    with pytest.raises(ValueError, match="token_budget needs max_subwords"):
        TrainingSampler([1], 1, seed=1, grouping="token_budget")
