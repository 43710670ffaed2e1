"""Sentences drawn as often as their weight says, in as many steps every epoch."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ner_lightning.data.batches.samplers import TrainingSampler
from ner_lightning.data.batches.token_budget import Costs
from ner_lightning.data.batches.weighted import WeightedSampler
from ner_lightning.data.corpus.pieces import Weighted


def drawn(sampler: WeightedSampler, epoch: int) -> tuple[Counter[int], int]:
    sampler.set_epoch(epoch)
    batches = list(sampler)
    return Counter(i for b in batches for i in b.indices[: len(b.indices) - b.fillers]), len(batches)


def sampler(lengths: list[int], parts: list[Weighted], **options: object) -> WeightedSampler:
    given = {"batch_size": 4, "seed": 1, **options}
    return WeightedSampler(Costs.of_lengths(lengths), parts=parts, **given)


@settings(max_examples=60)
@given(
    st.lists(st.integers(3, 40), min_size=2, max_size=60),
    st.sampled_from([0.3, 0.5, 1.0, 1.7, 2.0]),
    st.sampled_from([("random", None), ("length_bucket", 60), ("token_budget", 60)]),
    st.booleans(),
    st.integers(1, 3),
)
def test_each_sentence_stands_as_often_as_it_weighs(
    lengths: list[int], weight: float, how: tuple[str, int | None], padded: bool, world: int
) -> None:
    half = len(lengths) // 2
    parts = [Weighted(0, half, weight), Weighted(half, len(lengths), 1.0)]
    grouping, budget = how
    ranks = [
        sampler(lengths, parts, grouping=grouping, max_subwords=budget, padded=padded, rank=rank, world=world)
        for rank in range(world)
    ]
    for epoch in range(3):
        found = [drawn(rank, epoch) for rank in ranks]
        assert {steps for _, steps in found} == {len(ranks[0])}
        times = sum((counts for counts, _ in found), Counter())
        first = [times[i] for i in range(half)]
        assert set(first) <= {int(weight), int(weight) + 1}
        assert sum(first) == int(weight) * half + (round((weight % 1) * half) or int(weight < 1))
        assert all(times[i] == 1 for i in range(half, len(lengths)))
        if budget:
            for rank in ranks:
                rank.set_epoch(epoch)
                for draw in rank:
                    alone = len(draw.indices) == 1
                    assert alone or rank.costs.of_batch(draw.indices, padded=padded) <= budget


def test_another_half_each_epoch() -> None:
    half = sampler(list(range(10, 110)), [Weighted(0, 100, 0.5)])
    draws = [frozenset(drawn(half, epoch)[0]) for epoch in range(4)]
    assert len(set(draws)) == 4
    assert all(len(each) == 50 for each in draws)
    assert all(abs(sum(each) - 2475) < 150 for each in draws)  # of neighbours in length as many as weigh


@pytest.mark.parametrize("weight", [0.1, 0.5, 0.75, 0.9, 1.75])
@pytest.mark.parametrize("how", [("random", None), ("length_bucket", 2000), ("token_budget", 400)])
def test_each_sentence_is_as_likely_whatever_its_length(weight: float, how: tuple[str, int | None]) -> None:
    sentences, epochs, seeds = 60, 40, 10
    grouping, budget = how
    times: Counter[int] = Counter()
    for seed in range(seeds):
        one = sampler(
            list(range(3, 3 + sentences)),
            [Weighted(0, sentences, weight)],
            seed=seed,
            grouping=grouping,
            max_subwords=budget,
            padded=False,
        )
        for epoch in range(epochs):
            times += drawn(one, epoch)[0]
    share = round((weight % 1) * sentences) / sentences
    found = np.array([times[i] for i in range(sentences)]) / (epochs * seeds)
    error = np.sqrt(share * (1 - share) / (epochs * seeds))
    assert np.abs(found - int(weight) - share).max() < 4.5 * error
    by_quartile = found.reshape(4, -1).mean(1)
    assert np.abs(by_quartile - int(weight) - share).max() < 0.02


def test_a_resumed_epoch_goes_on() -> None:
    whole, rest = (sampler(list(range(10, 40)), [Weighted(0, 30, 1.5)]) for _ in range(2))
    for each in (whole, rest):
        each.set_epoch(2)
    rest.resume(2, 5)
    assert list(rest) == list(whole)[5:]
    assert whole.order != sampler(list(range(10, 40)), [Weighted(0, 30, 2)]).order


def test_a_weight_of_one_draws_as_without() -> None:
    plain = TrainingSampler(np.arange(10, 40), 4, seed=1)
    assert [d.indices for d in sampler(list(range(10, 40)), [Weighted(0, 30, 1)])] == [d.indices for d in plain]


def test_the_mean_batch_of_a_budget_counts_what_is_drawn() -> None:
    twice = sampler([10] * 20, [Weighted(0, 20, 2)], grouping="token_budget", max_subwords=40, padded=False)
    assert twice.sentences_per_batch == pytest.approx(4)
    assert len(twice) == 10
