"""Varied sentences, read back as words, against what may stand in each place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ner_lightning.data.augment.augmented import lower_cased
from ner_lightning.data.augment.augmenter import Augmenter
from ner_lightning.data.augmentation import Augmentation
from ner_lightning.data.corpus.encoding import EncodedCorpus, WordEncoder, encode
from ner_lightning.data.sentence import Sentence
from ner_lightning.tagging.spans import EntitySpan
from ner_lightning.tagging.tagset import TagSet
from tests.data.sentences import TYPES
from tests.oracle.augmentation import Tagged, may_be, tagged, with_other_mentions, with_other_words

SCHEMES = st.sampled_from(["IOB2", "BIOES"])
PROBABILITIES = st.sampled_from([0, 0.5, 1])
EPOCHS = st.integers(0, 3)


@st.composite
def sentences(draw: st.DrawFn, unknown: bool = True) -> Sentence:
    """A sentence of words that the tiny encoder spells out letter by letter."""
    words = tuple(draw(st.lists(st.text("aBc", min_size=1, max_size=4), min_size=1, max_size=9)))
    spans, index = [], 0
    while index < len(words):
        end = min(index + draw(st.integers(1, 3)), len(words))
        if draw(st.booleans()):
            spans.append(EntitySpan(index, end, draw(st.sampled_from(TYPES))))
        index = end
    gaps = draw(st.sets(st.integers(0, len(words) - 1), max_size=2)) if unknown else set()
    return Sentence(words, tuple(spans), tuple(sorted(gaps)))


CORPORA = st.lists(sentences(), min_size=1, max_size=6)


def augmenter(
    some: Sequence[Sentence], words: WordEncoder, tags: TagSet, seed: int = 1, growth: Any = None, **options: float
) -> Augmenter:
    corpus = encode(some, words, tags)
    lowered = lower_cased(some, words, tags) if options.get("lower_case") else None
    return Augmenter(
        corpus, tags, Augmentation(**options), seed=(seed,), mask_id=words.mask_id, lowered=lowered, growth=growth
    )


def read(view: EncodedCorpus, words: WordEncoder, tags: TagSet) -> list[Tagged]:
    """Encoded sentences as words with tags; a masked word is [MASK] as often as it has subwords."""
    found = []
    for first, last in zip(view.word_start[:-1], view.word_start[1:], strict=True):
        pieces = [view.pieces[view.piece_start[w] : view.piece_start[w + 1]] for w in range(first, last)]
        spelled = [str(words.tokenizer.decode(piece)).replace(" ", "") for piece in pieces]
        known = [None if tag < 0 else tags.tags[tag] for tag in view.tags[first:last]]
        found.append(tuple(zip(spelled, known, strict=True)))
    return found


@pytest.mark.parametrize(
    ("option", "with_others"), [("mention_replacement", with_other_mentions), ("word_replacement", with_other_words)]
)
@given(CORPORA, SCHEMES, PROBABILITIES, EPOCHS)
def test_what_stands_in_is_of_the_same_type_or_tag(
    words: WordEncoder,
    option: str,
    with_others: Callable[..., Any],
    some: list[Sentence],
    scheme: str,
    probability: float,
    epoch: int,
) -> None:
    tags = TagSet(TYPES, scheme)
    view = augmenter(some, words, tags, **{option: probability})(range(len(some)), epoch)
    for sentence, found in zip(some, read(view, words, tags), strict=True):
        assert may_be(found, with_others(sentence, some, tags, probability))


@given(st.lists(sentences(unknown=False), min_size=1, max_size=6), SCHEMES, EPOCHS, st.sampled_from([0, 0.5]))
def test_entities_keep_their_types_whatever_varies(
    words: WordEncoder, some: list[Sentence], scheme: str, epoch: int, dropout: float
) -> None:
    tags = TagSet(TYPES, scheme)
    varied = augmenter(
        some, words, tags, mention_replacement=0.5, word_replacement=0.3, lower_case=0.5, word_dropout=dropout
    )
    view = varied(range(len(some)), epoch)
    surfaces = {(s.words[e.start : e.end], e.label) for s in some for e in s.spans}
    only_mentions = augmenter(some, words, tags, mention_replacement=0.5)(range(len(some)), epoch)
    for line, sentence in enumerate(some):
        ids = view.tags[view.word_start[line] : view.word_start[line + 1]].tolist()
        spans, repaired = tags.decode(ids)
        assert repaired == 0
        assert [span.label for span in spans] == [span.label for span in sentence.spans]
        found = read(only_mentions, words, tags)[line]
        for span in spans:  # no option disturbs the draws of another: the same mentions stand there
            assert (tuple(word for word, _ in found[span.start : span.end]), span.label) in surfaces


@given(CORPORA, EPOCHS)
def test_probability_0_changes_nothing(words: WordEncoder, some: list[Sentence], epoch: int) -> None:
    tags = TagSet(TYPES)
    varied = augmenter(some, words, tags)
    view, corpus = varied(range(len(some)), epoch), varied.corpus
    for name in ("pieces", "piece_start", "word_start", "tags"):
        assert getattr(view, name).tolist() == getattr(corpus, name).tolist()
        assert getattr(view, name).dtype == getattr(corpus, name).dtype


@given(CORPORA, st.integers(0, 9), EPOCHS)
def test_what_is_drawn_depends_on_seed_epoch_and_sentence_alone(
    words: WordEncoder, some: list[Sentence], seed: int, epoch: int
) -> None:
    tags = TagSet(TYPES)
    options = asdict(Augmentation(0.5, 0.5, 0.5, 0.5))
    varied = augmenter(some, words, tags, seed, **options)
    together = read(varied(range(len(some)), epoch), words, tags)
    varied(range(len(some)), epoch + 1)  # what was asked for before
    backwards = read(augmenter(some, words, tags, seed, **options)(range(len(some))[::-1], epoch), words, tags)
    alone = [read(varied([index], epoch), words, tags)[0] for index in range(len(some))]
    assert together == alone == backwards[::-1]


MANY = [
    Sentence(("Ann", "Lee", "of", "Oslo", "saw", "it"), (EntitySpan(0, 2, "PER"), EntitySpan(3, 4, "LOC"))),
    Sentence(("Bo", "of", "New", "York", "met", "us"), (EntitySpan(0, 1, "PER"), EntitySpan(2, 4, "LOC"))),
] * 400
TAGS = TagSet(TYPES, "IOB2")


def share_of(found: int, of: int, probability: float) -> bool:
    """Whether so many are no surprise: within what happens in all but one of a million cases."""
    low, high = stats.binom.interval(1 - 1e-6, of, probability)
    return bool(low <= found <= high)


def test_as_many_mentions_as_asked(words: WordEncoder) -> None:
    found = read(augmenter(MANY, words, TAGS, mention_replacement=0.3)(range(len(MANY)), 2), words, TAGS)
    people = sum(
        (pairs[0][0] == "Bo") == (sentence.words[0] == "Ann") for sentence, pairs in zip(MANY, found, strict=True)
    )
    places = sum(
        any(word == "York" for word, _ in pairs) == ("Oslo" in sentence.words)
        for sentence, pairs in zip(MANY, found, strict=True)
    )
    assert share_of(people, len(MANY), 0.3)
    assert share_of(places, len(MANY), 0.3)
    assert not share_of(people, len(MANY), 0.2)


def test_as_many_words_as_asked(words: WordEncoder) -> None:
    found = read(augmenter(MANY, words, TAGS, word_replacement=0.2)(range(len(MANY)), 2), words, TAGS)
    able = changed = 0
    for sentence, pairs in zip(MANY, found, strict=True):
        for own, (word, tag) in zip(sentence.words, pairs, strict=True):
            able += tag != "I-PER" and tag != "I-LOC"  # Lee and York are the only ones of their tags
            changed += word != own
    assert share_of(changed, able, 0.2)


@pytest.mark.parametrize("option", ["mention_replacement", "word_replacement"])
@pytest.mark.parametrize("probability", [0.5, 1])
def test_what_is_frequent_is_drawn_often(words: WordEncoder, option: str, probability: float) -> None:
    some = [Sentence((name,), (EntitySpan(0, 1, "LOC"),)) for name in ["Oslo"] * 600 + ["Rome"] * 300 + ["Kyiv"] * 100]
    varied = augmenter(some, words, TAGS, **{option: probability})  # type: ignore[arg-type]
    names = [pairs[0][0] for pairs in read(varied(range(600), 0), words, TAGS)]
    assert share_of(names.count("Rome"), 600, probability * 3 / 4)
    assert share_of(names.count("Oslo"), 600, 1 - probability)


def test_options_are_drawn_apart(words: WordEncoder) -> None:
    """What one does to the first word of a sentence says nothing of what another does."""
    some = [Sentence((name,), (EntitySpan(0, 1, "LOC"),)) for name in ("Oslo", "Rome") * 500]
    changed = []
    for name in asdict(Augmentation()):
        varied = augmenter(some, words, TAGS, **{name: 0.3})  # type: ignore[arg-type]
        found = read(varied(range(1000), 0), words, TAGS)
        changed.append([pairs[0][0] != sentence.words[0] for sentence, pairs in zip(some, found, strict=True)])
    for one, other in combinations(changed, 2):
        assert share_of(sum(map(all, zip(one, other, strict=True))), 1000, 0.09)


def test_dropped_words_are_masked_piece_by_piece(words: WordEncoder) -> None:
    varied = augmenter(MANY, words, TAGS, word_dropout=0.1)
    view = varied(range(len(MANY)), 3)
    assert np.array_equal(view.piece_start, varied.corpus.piece_start)
    assert np.array_equal(view.tags, varied.corpus.tags)
    found = [word for pairs in read(view, words, TAGS) for word, _ in pairs]
    own = [word for sentence in MANY for word in sentence.words]
    masked = ["[MASK]" * len(word) for word in own]
    assert all(a in (b, c) for a, b, c in zip(found, own, masked, strict=True))
    assert share_of(sum(a == c for a, c in zip(found, masked, strict=True)), len(own), 0.1)


def test_a_sentence_is_in_lower_case_as_a_whole(words: WordEncoder) -> None:
    view = augmenter(MANY, words, TAGS, lower_case=0.4, mention_replacement=0.5)(range(len(MANY)), 3)
    lowered = 0
    for pairs in read(view, words, TAGS):
        text = "".join(word for word, _ in pairs)
        lowered += text.islower()
        names = [word for word, tag in pairs if tag != "O"]
        assert text.islower() or all(name[0].isupper() for name in names)
    assert share_of(lowered, len(MANY), 0.4)


@pytest.mark.parametrize("epochs", [(0, 1), (5, 6)])
def test_each_epoch_draws_anew(words: WordEncoder, epochs: tuple[int, int]) -> None:
    """The two are independent: as many mentions are replaced in both as chance says."""
    varied = augmenter(MANY, words, TAGS, mention_replacement=0.3)
    first, second = (read(varied(range(len(MANY)), epoch), words, TAGS) for epoch in epochs)
    both = sum(
        (a[0][0] == b[0][0]) and (a[0][0] != sentence.words[0])
        for a, b, sentence in zip(first, second, MANY, strict=True)
    )
    assert share_of(both, len(MANY), 0.09)


@settings(max_examples=200)
@given(CORPORA, st.lists(st.integers(-1, 6), min_size=6, max_size=6), EPOCHS, st.booleans())
def test_a_sentence_grows_no_further_than_allowed(
    words: WordEncoder, some: list[Sentence], growth: list[int], epoch: int, lower: bool
) -> None:
    tags = TagSet(TYPES)
    bounds = np.array(growth[: len(some)])
    varied = augmenter(
        some, words, tags, growth=bounds, mention_replacement=0.7, word_replacement=0.5, lower_case=0.5 * lower
    )
    view = varied(range(len(some)), epoch)
    grown = view.lengths - varied.corpus.lengths
    assert (grown <= np.maximum(bounds, 0)).all()
    for line in np.flatnonzero(bounds < 0):
        assert read(view, words, tags)[line] == tagged(some[line], tags)


def test_what_fits_is_replaced(words: WordEncoder) -> None:
    """With room for the longest mentions as much is replaced as without bounds; without room, what does not grow."""
    free = augmenter(MANY, words, TAGS, mention_replacement=0.5)(range(len(MANY)), 1)
    roomy = augmenter(MANY, words, TAGS, mention_replacement=0.5, growth=np.full(len(MANY), 99))(range(len(MANY)), 1)
    assert np.array_equal(free.pieces, roomy.pieces)
    tight = augmenter(MANY, words, TAGS, mention_replacement=0.5, growth=np.zeros(len(MANY), int))
    found = read(tight(range(len(MANY)), 1), words, TAGS)
    assert not any(pairs[0][0] == "Ann" for pairs in found[1::2])
    assert share_of(sum(pairs[0][0] == "Bo" for pairs in found[::2]), 400, 0.5)


def test_lower_case_that_is_longer_is_left_out_where_there_is_no_room(words: WordEncoder) -> None:
    """The upper case of an alphabet may be one letter and the lower case two: U+0130."""
    some = [Sentence(("\u0130a",)), Sentence(("Aa",))]
    corpus, lowered = encode(some, words, TAGS), lower_cased(some, words, TAGS)
    longer = EncodedCorpus(
        np.insert(lowered.pieces, 1, 9), np.array([0, *(lowered.piece_start[1:] + 1)]), lowered.word_start, lowered.tags
    )
    every = Augmentation(lower_case=1)
    bounded, free = (
        Augmenter(corpus, TAGS, every, seed=(1,), mask_id=4, lowered=longer, growth=growth)
        for growth in (np.zeros(2, int), None)
    )
    assert bounded([0, 1], 0).lengths.tolist() == corpus.lengths.tolist()
    assert free([0, 1], 0).lengths.tolist() == longer.lengths.tolist() != corpus.lengths.tolist()
    assert words.tokenizer.decode(bounded([1], 0).pieces) == "aa"
    stays = Augmenter(longer, TAGS, every, seed=(1,), mask_id=4, lowered=lowered, growth=np.array([-1, 0]))
    assert stays([0], 0).pieces.tolist() == longer.pieces[: longer.piece_start[1]].tolist()
    assert stays([1], 0).lengths.tolist() == lowered.lengths[1:].tolist()
