"""Vary encoded sentences: each word of a variant is some word of the corpus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ner_lightning.data.augment.keyed_draws import draw_keys, draw_uniform
from ner_lightning.data.augment.substitutes import SameLabel, complete_mentions, row_numbers
from ner_lightning.data.augmentation import Augmentation
from ner_lightning.data.batches.token_budget import Costs
from ner_lightning.data.corpus.encoding import EncodedCorpus, ragged_range
from ner_lightning.tagging.tagset import TagSet

# Purposes of draws for a word (or for the mention that begins there), so that no option disturbs another's draws.
_MENTION, _WHICH_MENTION, _WORD, _WHICH_WORD, _LOWER, _DROP, _PURPOSES = range(7)


class _Words(NamedTuple):
    """Sentences being varied: positions of their words in the corpus, one after another, and `[sentences]` counts."""

    source: NDArray[np.int64]
    counts: NDArray[np.int64]

    @property
    def line(self) -> NDArray[np.int64]:
        """The sentence that each word belongs to."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    @property
    def place(self) -> NDArray[np.int64]:
        """The place of each word in its sentence."""
        return ragged_range(np.zeros_like(self.counts), self.counts)


class Augmenter:
    """Varies sentences of a corpus, a batch at a time.

    A draw depends only on the seed, the epoch, the sentence and the word, not on the batch, the process or earlier
    draws.

    A tag is copied with its word, so mentions keep their types and tags stay legal: a whole mention is replaced by a
    whole mention, a word by one with the same tag. Words that nobody annotated, and mentions among them, are not
    replaced.

    Args:
        corpus: the sentences, and the substitutes for their words.
        tags: of the corpus.
        options: what varies.
        seed: in several parts.
        mask_id: replaces each subword of a dropped word.
        lowered: the corpus in lower case, word by word; None: nothing is lower-cased.
        growth: by how many subwords each sentence may grow, -1 for one that keeps its words; None: no bounds. A
            replacement that would exceed it is not made.
    """

    def __init__(
        self,
        corpus: EncodedCorpus,
        tags: TagSet,
        options: Augmentation,
        *,
        seed: Sequence[int],
        mask_id: int,
        lowered: EncodedCorpus | None = None,
        growth: NDArray[np.int64] | None = None,
    ) -> None:
        self.corpus, self.options, self.lowered, self.growth = corpus, options, lowered, growth
        self.seed, self.mask_id = tuple(seed), mask_id
        if not (options.mention_replacement or options.word_replacement):
            return
        looks = row_numbers(corpus.pieces, corpus.piece_start[:-1], np.diff(corpus.piece_start))
        if options.mention_replacement:
            self._mentions = complete_mentions(corpus, tags)
            first, last, label, _ = self._mentions
            self._same_type = SameLabel(label, row_numbers(looks, first, last - first))
        if options.word_replacement:
            self._same_tag = SameLabel(corpus.tags, looks)

    def __call__(self, indices: Sequence[int], epoch: int) -> EncodedCorpus:
        """Make a small corpus of these sentences as varied in this epoch, in this order."""
        sentences = np.asarray(indices, np.int64)
        of = draw_keys((*self.seed, epoch), sentences)
        start = self.corpus.word_start[sentences]
        counts = self.corpus.word_start[sentences + 1] - start
        words = _Words(ragged_range(start, counts), counts)
        if self.options.mention_replacement:
            words = self._replace_mentions(words, sentences, of)
        if self.options.word_replacement:
            words = self._replace_words(words, sentences, of)
        lower = self._lower(words, sentences, of)
        starts, sizes = self._pieces_of(words.source, lower)
        pieces = self._gather(starts, sizes, lower)
        if self.options.word_dropout:
            dropped = self._draw(of, words, _DROP) < self.options.word_dropout
            pieces[np.repeat(dropped, sizes)] = self.mask_id
        return EncodedCorpus(pieces, _bounds(sizes), _bounds(words.counts), self.corpus.tags[words.source])

    def planned(self, costs: Costs) -> Costs:
        """Add to the costs of sentences the most that they may grow."""
        return costs if self.growth is None else costs.grown(self.growth)

    def _replace_mentions(self, words: _Words, sentences: np.ndarray, of: np.ndarray) -> _Words:
        first, last, _, start = self._mentions
        counts = start[sentences + 1] - start[sentences]
        mentions = ragged_range(start[sentences], counts)
        line = np.repeat(np.arange(len(sentences)), counts)
        place = first[mentions] - self.corpus.word_start[sentences[line]]
        chosen = draw_uniform(of[line], place * _PURPOSES + _MENTION) < self.options.mention_replacement
        mentions, line, place = mentions[chosen], line[chosen], place[chosen]
        others = self._same_type.another(mentions, draw_uniform(of[line], place * _PURPOSES + _WHICH_MENTION))
        pieces = self.corpus.piece_start
        more = (pieces[last[others]] - pieces[first[others]]) - (pieces[last[mentions]] - pieces[first[mentions]])
        made = (others >= 0) & self._fits(np.where(others >= 0, more, 0), line, words, sentences)
        mentions, others = mentions[made], others[made]
        at = (np.cumsum(words.counts) - words.counts)[line[made]] + place[made]
        source, repeat = words.source.copy(), np.ones_like(words.source)
        repeat[ragged_range(at, last[mentions] - first[mentions])] = 0
        source[at], repeat[at] = first[others], last[others] - first[others]
        return _Words(ragged_range(source, repeat), np.diff(_bounds(repeat)[_bounds(words.counts)]))

    def _replace_words(self, words: _Words, sentences: np.ndarray, of: np.ndarray) -> _Words:
        chosen = np.flatnonzero(self._draw(of, words, _WORD) < self.options.word_replacement)
        which = self._draw(of, words, _WHICH_WORD)[chosen]
        others = self._same_tag.another(words.source[chosen], which)
        chosen, others = chosen[others >= 0], others[others >= 0]
        sizes = self.corpus.piece_start
        own = words.source[chosen]
        more = (sizes[others + 1] - sizes[others]) - (sizes[own + 1] - sizes[own])
        made = self._fits(more, words.line[chosen], words, sentences)
        source = words.source.copy()
        source[chosen[made]] = others[made]
        return _Words(source, words.counts)

    def _lower(self, words: _Words, sentences: np.ndarray, of: np.ndarray) -> NDArray[np.bool_] | None:
        """Choose which words are in lower case; None: none."""
        if self.lowered is None or not self.options.lower_case:
            return None
        chosen = draw_uniform(of, np.full(len(of), _LOWER)) < self.options.lower_case
        if self.growth is not None:
            _, sizes = self._pieces_of(words.source, np.ones(len(words.source), bool))
            own = self.corpus.lengths[sentences]
            allowed = self.growth[sentences]
            chosen &= (allowed >= 0) & (_sums(sizes, words.counts) - own <= allowed)
        return np.repeat(chosen, words.counts)

    def _fits(self, more: np.ndarray, line: np.ndarray, words: _Words, sentences: np.ndarray) -> np.ndarray:
        """Choose which replacements, in the order of the words, fit into the growth of their sentences.

        Args:
            more: number of subwords that each adds.
            line: which sentence it belongs to.
            words: the sentences before.
            sentences: their numbers.
        """
        if self.growth is None:
            return np.ones(len(more), bool)
        _, sizes = self._pieces_of(words.source, None)
        room = self.growth[sentences] - (_sums(sizes, words.counts) - self.corpus.lengths[sentences])
        # Shrinking is not counted, so that a replacement that does not fit takes no room from those before it.
        added = np.cumsum(np.maximum(more, 0))
        before = np.searchsorted(line, line)
        in_sentence = added - np.where(before > 0, added[before - 1], 0)
        return ((more <= 0) | (in_sentence <= room[line])) & (self.growth[sentences] >= 0)[line]

    def _draw(self, of: np.ndarray, words: _Words, purpose: int) -> NDArray[np.float64]:
        return draw_uniform(of[words.line], words.place * _PURPOSES + purpose)

    def _pieces_of(self, source: np.ndarray, lower: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Return where the subwords of each word begin, and how many there are."""
        starts = self.corpus.piece_start[source]
        ends = self.corpus.piece_start[source + 1]
        if lower is not None and self.lowered is not None:
            starts = np.where(lower, self.lowered.piece_start[source], starts)
            ends = np.where(lower, self.lowered.piece_start[source + 1], ends)
        return starts, ends - starts

    def _gather(self, starts: np.ndarray, sizes: np.ndarray, lower: np.ndarray | None) -> np.ndarray:
        at = ragged_range(starts, sizes)
        if lower is None or self.lowered is None:
            return self.corpus.pieces[at]
        pieces, of_lowered = np.empty(len(at), self.corpus.pieces.dtype), np.repeat(lower, sizes)
        pieces[of_lowered] = self.lowered.pieces[at[of_lowered]]
        pieces[~of_lowered] = self.corpus.pieces[at[~of_lowered]]
        return pieces


def _bounds(counts: np.ndarray) -> NDArray[np.int64]:
    """Compute where each run begins, and where the last ends."""
    return np.concatenate(([0], np.cumsum(counts)))


def _sums(values: np.ndarray, counts: np.ndarray) -> NDArray[np.int64]:
    """Sum the values of each of several runs."""
    return np.diff(_bounds(values)[_bounds(counts)])
