from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_lightning.data.samplers import EvaluationSampler, TrainingSampler

LENGTHS = st.lists(st.integers(1, 100), min_size=1, max_size=120)


@given(LENGTHS, st.integers(1, 9), st.integers(1, 4), st.sampled_from(["random", "length_bucket"]))
def test_each_sentence_weighs_once_an_epoch_and_ranks_agree_on_the_steps(
    lengths: list[int], batch_size: int, world: int, grouping: str
) -> None:
    ranks = [
        TrainingSampler(lengths, batch_size, seed=3, grouping=grouping, rank=rank, world=world)  # type: ignore[arg-type]
        for rank in range(world)
    ]
    epochs = [list(sampler) for sampler in ranks]
    assert {len(draws) for draws in epochs} == {len(ranks[0])}
    seen = Counter(i for draws in epochs for draw in draws for i in draw.indices[: len(draw.indices) - draw.fillers])
    assert seen == Counter(range(len(lengths)))
    assert all(1 <= len(draw.indices) <= batch_size for draws in epochs for draw in draws)


@given(LENGTHS, st.integers(1, 9), st.integers(1, 4))
def test_evaluation_counts_each_sentence_once_and_no_rank_is_idle(
    lengths: list[int], batch_size: int, world: int
) -> None:
    samplers = [EvaluationSampler(lengths, batch_size, rank=rank, world=world) for rank in range(world)]
    assert all(len(sampler) >= 1 for sampler in samplers)
    seen = Counter(i for s in samplers for draw in s for i in draw.indices[: len(draw.indices) - draw.fillers])
    assert seen == Counter(range(len(lengths)))


def test_the_order_is_seeded_and_changes_with_the_epoch() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        sampler = TrainingSampler([1] * 50, 4, seed=seed)
        sampler.set_epoch(epoch)
        return [i for draw in sampler for i in draw.indices]

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1)
    assert order(1, 0) != order(2, 0)
    assert order(1, 0) != list(range(50))


def test_two_ranks_together_take_the_steps_of_one_process_with_twice_the_batch() -> None:
    whole = [set(draw.indices) for draw in TrainingSampler(range(1, 30), 6, seed=5)]
    halves = [TrainingSampler(range(1, 30), 3, seed=5, rank=rank, world=2) for rank in range(2)]
    joined = [set(a.indices) | set(b.indices) for a, b in zip(*halves, strict=True)]
    assert joined == whole


def test_buckets_hold_similar_lengths() -> None:
    lengths = np.random.default_rng(0).geometric(0.05, 3000)

    def padding(grouping: str) -> float:
        draws = TrainingSampler(lengths, 32, seed=1, grouping=grouping)  # type: ignore[arg-type]
        sizes = [lengths[list(draw.indices)] for draw in draws]
        return sum(len(s) * s.max() for s in sizes) / lengths.sum()

    assert padding("length_bucket") < 1.15
    assert padding("random") > 2


def test_a_batch_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="batch_size must be at least 1, not 0"):
        TrainingSampler([1], 0, seed=1)
