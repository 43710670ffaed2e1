"""Batches that vary: planned, drawn the same by whoever draws them, and only in training."""

from __future__ import annotations

import functools
import logging
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ner_lightning.config.objects import resolve_config
from ner_lightning.data.augment.augmented import _say_that_case_is_nothing, subword_growth, with_augmentation
from ner_lightning.data.augmentation import Augmentation
from ner_lightning.data.batches.collate import Batch, Collator, Layout
from ner_lightning.data.batches.samplers import Grouping, TrainingSampler
from ner_lightning.data.batches.token_budget import Costs
from ner_lightning.data.corpus.encoding import WordEncoder, encode
from ner_lightning.data.sentence import Sentence
from ner_lightning.errors import DataError
from ner_lightning.tagging.tagset import TagSet
from ner_lightning.task.tagging import TaggingTask
from ner_lightning.training.build import build
from tests.data.augment.test_augmenter import CORPORA
from tests.data.sentences import TYPES
from tests.runs import EASY, train_config, trained, write_corpus
from tests.watched import watched

TAGS = TagSet(TYPES, "IOB2")
VARIED = Augmentation(0.7, 0.5, 0.5, 0.5)
OPTIONS = tuple(
    f"data.augment.{name}=0.4" for name in ("mention_replacement", "word_replacement", "lower_case", "word_dropout")
)


def collator(
    some: list[Sentence],
    words: WordEncoder,
    options: Augmentation,
    *,
    layout: Layout = "packed",
    max_subwords: int | None = None,
) -> Collator:
    plainly = Collator(encode(some, words, TAGS), words, layout, 8)
    return with_augmentation(plainly, some, (1,), options=options, tags=TAGS, max_subwords=max_subwords)


def same(one: Batch, other: Batch) -> bool:
    pairs = ((getattr(one, name), getattr(other, name)) for name in vars(one))
    return all(torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b for a, b in pairs)


def test_off_means_the_very_same_collator(words: WordEncoder) -> None:
    some = [Sentence(("a",))]
    plainly = Collator(encode(some, words, TAGS), words)
    assert with_augmentation(plainly, some, (1,), options=Augmentation(), tags=TAGS, max_subwords=None) is plainly


@pytest.mark.parametrize("layout", ["packed", "padded"])
def test_a_batch_that_varies_is_that_of_the_varied_sentences(words: WordEncoder, layout: Layout) -> None:
    some = [Sentence(("Ann", "is", "x")), Sentence(("A",) * 70), Sentence(("B", "c"))]
    varied = collator(some, words, Augmentation(word_replacement=0.5, word_dropout=0.3), layout=layout)
    assert varied.augmenter is not None
    batch = varied([2, 1, 0], 1, 7)
    expected = Collator(varied.augmenter([2, 1, 0], 7), words, layout, 8)([0, 1, 2], 1)
    assert batch.index == (2, 1, 0)
    assert not same(batch, expected)
    batch.index = (0, 1, 2)
    assert same(batch, expected)
    assert len(batch.row_lengths) > 3  # windows


@settings(max_examples=150)
@given(
    CORPORA,
    st.integers(8, 40),
    st.sampled_from(["packed", "padded"]),
    st.sampled_from(["random", "length_bucket", "token_budget"]),
    st.integers(0, 3),
)
def test_the_budget_of_a_batch_holds(
    words: WordEncoder, some: list[Sentence], budget: int, layout: Layout, grouping: Grouping, epoch: int
) -> None:
    varied = collator(some, words, VARIED, layout=layout, max_subwords=budget)
    alone = Collator(varied.corpus, words, layout, 8).costs()
    costs = varied.costs()
    sampler = TrainingSampler(costs, 3, seed=1, grouping=grouping, max_subwords=budget, padded=layout == "padded")
    sampler.set_epoch(epoch)
    for draw in sampler:
        cost = varied(*draw).input_ids.numel()
        assert cost <= costs.of_batch(draw.indices, padded=layout == "padded")
        assert cost <= budget or (len(draw.indices) == 1 and cost <= alone.subwords[draw.indices[0]])


def test_a_budget_leaves_room_to_vary(words: WordEncoder) -> None:
    costs = Costs.of_lengths([2 + 40, 2 + 3, 2 + 60, 2 + 10])
    assert subword_growth(costs, words, 500).tolist() == [10, 1, 2, 3]  # a row has 64 positions
    assert subword_growth(costs, words, 45).tolist() == [3, 1, 0, 3]
    windows = Costs(np.array([2]), np.array([64]), np.array([90]))
    assert subword_growth(windows, words, 500).tolist() == [-1]


def test_what_is_dropped_needs_no_room(words: WordEncoder) -> None:
    some = [Sentence(("abcdefgh",) * 3)]
    assert collator(some, words, Augmentation(word_dropout=0.5), max_subwords=99).costs().subwords.tolist() == [26]
    assert collator(some, words, Augmentation(word_replacement=0.5), max_subwords=99).costs().subwords.tolist() == [32]


def test_an_encoder_without_case_is_told_once(words: WordEncoder, caplog: pytest.LogCaptureFixture) -> None:
    _say_that_case_is_nothing.cache_clear()
    options = Augmentation(lower_case=0.25, word_dropout=0.5)
    with caplog.at_level(logging.INFO):
        collator([Sentence(("Ann", "is"))], words, options)
        assert not caplog.messages
        for _ in range(2):
            varied = collator([Sentence(("ann", "is"))], words, options)
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("data.augment.lower_case=0.25 changes nothing: in lower case")
    assert varied.augmenter is not None
    assert varied.augmenter.lowered is None


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A column corpus that is a folder of shards, too."""
    folder = write_corpus(tmp_path_factory.mktemp("corpus"), train=EASY, dev=EASY[:8], test=EASY[8:12])
    for number in range(3):
        write_corpus(folder / "shards", **{f"{number}": EASY[number::3]})
    return folder


def asked(corpus: Path, *more: str, stream: bool = False) -> list[str]:
    source = ("data.streaming=true", "data.train=shards", "data.shuffle_buffer=16") if stream else ()
    base = ("data=conll", f"data.dir={corpus}", "data.limit=null", "data.batch_size=8")
    return [*base, *source, "trainer.max_epochs=2", *OPTIONS, *more]


def batches(folder: Path, encoder: Path, overrides: list[str], epochs: int = 2) -> list[Batch]:
    """The training batches of the first epochs."""
    run = build(resolve_config(train_config(folder, encoder, *overrides)))
    loader = run.data.train_dataloader()
    found = []
    for epoch in range(epochs):
        if sampler := getattr(loader, "sampler", None):
            sampler.set_epoch(epoch)
        found += list(loader)
    run.data.teardown("fit")
    return found


def by_sentence(some: list[Batch]) -> dict[int, list[Any]]:
    """What an epoch reads of each sentence: subwords and tags, in whatever batch."""
    found = {}
    for batch in some:
        for line, index in enumerate(batch.index):
            words = int(batch.mask[line].sum())
            start = int(batch.first_subword[line, 0])
            stop = int(batch.first_subword[line, words - 1] + batch.subword_count[line, words - 1])
            found[index] = [batch.input_ids.flatten()[start:stop].tolist(), batch.tags[line, :words].tolist()]
    return found


def test_workers_batches_and_ranks_draw_the_same(tmp_path: Path, tiny_encoder: Path, corpus: Path) -> None:
    options = asked(corpus)
    alone = batches(tmp_path, tiny_encoder, options)
    half = len(alone) // 2
    working = batches(tmp_path, tiny_encoder, [*options, "data.num_workers=2"])
    assert len(alone) == len(working) > 4
    assert all(map(same, alone, working))
    epochs = by_sentence(alone[:half]), by_sentence(alone[half:])
    assert len(epochs[0]) == len(EASY)
    assert epochs[0] != epochs[1]
    elsewhere = batches(tmp_path, tiny_encoder, [*options, "data.batch_size=3", "data.batching=length_bucket"], 1)
    assert by_sentence(elsewhere) == epochs[0]
    assert by_sentence(batches(tmp_path, tiny_encoder, [*options, "seed=2"], 1)) != epochs[0]
    run = build(resolve_config(train_config(tmp_path, tiny_encoder, *options)))
    with patch.object(run.data, "_rank", return_value=(1, 2)):
        share = by_sentence(list(run.data.train_dataloader()))
    assert 0 < len(share) < len(EASY)
    assert share.items() <= epochs[0].items()


def test_development_and_test_sentences_never_vary(tmp_path: Path, tiny_encoder: Path, corpus: Path) -> None:
    every = [option.replace("0.4", "1") for option in OPTIONS]
    varied = build(resolve_config(train_config(tmp_path, tiny_encoder, *asked(corpus, *every))))
    plainly = build(resolve_config(train_config(tmp_path, tiny_encoder, *asked(corpus)[: -len(OPTIONS)])))
    for split in ("val_dataloader", "test_dataloader"):
        pairs = zip(getattr(varied.data, split)(), getattr(plainly.data, split)(), strict=True)
        assert [same(*pair) for pair in pairs] == [True]
    first = [next(iter(run.data.train_dataloader())) for run in (varied, plainly)]
    assert first[0].index == first[1].index
    assert not same(*first)


def as_it_is(task: TaggingTask, batch: Batch) -> Batch:
    return batch


@pytest.mark.parametrize("stream", [False, True])
def test_resumed_within_an_epoch_a_run_draws_the_same(
    tmp_path: Path, tiny_encoder: Path, corpus: Path, stream: bool
) -> None:
    options = asked(corpus, "callbacks.last.steps=3", stream=stream)
    whole = watched(as_it_is, tmp_path / "whole", tiny_encoder, *options)
    before = watched(as_it_is, tmp_path / "killed", tiny_encoder, *options, until=len(whole) // 2 + 4)
    last = tmp_path / "killed/run/checkpoints/last.ckpt"
    done = torch.load(last, weights_only=True)["global_step"]
    assert len(whole) // 2 < done < len(whole)
    after = watched(as_it_is, tmp_path / "resumed", tiny_encoder, *options, f"ckpt_path={last}")
    assert len(before[:done] + after) == len(whole)
    assert all(map(same, before[:done] + after, whole))
    with pytest.raises(DataError, match=r"augment .*word_dropout': 0\.4.*, not .*: resume with|another data\.augment"):
        trained(tmp_path / "other", tiny_encoder, *options, f"ckpt_path={last}", "data.augment.word_dropout=0")


def test_a_stream_varies_with_what_is_shuffled_together(tmp_path: Path, tiny_encoder: Path, corpus: Path) -> None:
    """Each block and each pass with a seed of its own; off, it is as it was."""
    seeds = []

    def seen(collator: Collator, some: list[Sentence], seed: tuple[int, ...], **options: Any) -> Collator:
        seeds.append(seed)
        return with_augmentation(collator, some, seed, **options)

    with patch("ner_lightning.data.streaming.training_stream.with_augmentation", seen):
        varied = batches(tmp_path, tiny_encoder, asked(corpus, stream=True))
    assert len(set(seeds)) == len(seeds) > 4
    assert {passing for _, _, passing, _, _ in seeds} == {0, 1}
    plainly = batches(tmp_path, tiny_encoder, [o for o in asked(corpus, stream=True) if o not in OPTIONS])
    assert [batch.index for batch in varied] == [batch.index for batch in plainly]
    assert not any(map(same, varied, plainly))
    working = batches(tmp_path, tiny_encoder, asked(corpus, "data.num_workers=1", stream=True))
    assert all(map(same, varied, working))


@pytest.mark.parametrize("stream", [False, True])
def test_a_run_with_a_budget_keeps_to_it(tmp_path: Path, tiny_encoder: Path, corpus: Path, stream: bool) -> None:
    options = asked(corpus, "data.batching=token_budget", "data.max_subwords=60", stream=stream)
    found = batches(tmp_path, tiny_encoder, options)
    assert max(batch.input_ids.numel() for batch in found) <= 60
    run = build(resolve_config(train_config(tmp_path, tiny_encoder, *options)))
    tight = build(
        resolve_config(train_config(tmp_path, tiny_encoder, *options, *(o.replace("0.4", "0") for o in OPTIONS)))
    )
    assert run.task.sentences_per_batch < tight.task.sentences_per_batch


def test_what_a_stream_varies_with_goes_to_its_workers(words: WordEncoder) -> None:
    """The seam of a stream is a plain function with its options, which any start method can send."""
    import pickle

    vary = functools.partial(with_augmentation, options=VARIED, tags=TAGS, max_subwords=None)
    again = pickle.loads(pickle.dumps(vary))
    some = [Sentence(("Ann", "x")), Sentence(("Bo", "y", "z"))]
    plainly = Collator(encode(some, words, TAGS), words)
    assert same(vary(plainly, some, (1,))([0, 1]), again(plainly, some, (1,))([0, 1]))
