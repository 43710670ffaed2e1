"""Make a collator that varies its sentences, and bound how much they may grow."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from pytorch_lightning.utilities import rank_zero_info
from torch.utils.data import get_worker_info

from ner_lightning.data.augment.augmenter import Augmenter
from ner_lightning.data.augmentation import Augmentation
from ner_lightning.data.batches.collate import Collator
from ner_lightning.data.batches.token_budget import Costs
from ner_lightning.data.corpus.encoding import EncodedCorpus, WordEncoder, encode
from ner_lightning.data.sentence import Sentence
from ner_lightning.tagging.tagset import TagSet

GROWTH = 0.25
"""Share of its length by which a sentence may grow if the subwords of a batch are bounded."""


def with_augmentation(
    collator: Collator,
    sentences: Sequence[Sentence],
    seed: Sequence[int],
    *,
    options: Augmentation,
    tags: TagSet,
    max_subwords: int | None,
) -> Collator:
    """Make a collator that varies its training sentences; if nothing is to vary, return the same one.

    Args:
        collator: of the encoded sentences, from which substitutes are drawn.
        sentences: the sentences that were encoded.
        seed: of the draws, in several parts; the epoch is added.
        options: what varies.
        tags: of the corpus.
        max_subwords: most subwords of a batch; None: any number, and sentences may grow without bounds.
    """
    if not options:
        return collator
    words, corpus = collator.words, collator.corpus
    lowered = lower_cased(sentences, words, tags) if options.lower_case else None
    if lowered is not None and np.array_equal(lowered.pieces, corpus.pieces):
        lowered = None
        _say_that_case_is_nothing(options.lower_case)
    room = None
    if max_subwords is not None and options.lengthens:
        room = subword_growth(collator.costs(), words, max_subwords)
    augmenter = Augmenter(corpus, tags, options, seed=seed, mask_id=words.mask_id, lowered=lowered, growth=room)
    return Collator(corpus, words, collator.layout, collator.overlap, augmenter, collator.context)


def lower_cased(sentences: Iterable[Sentence], words: WordEncoder, tags: TagSet) -> EncodedCorpus:
    """Encode the sentences in lower case, word by word as in their own corpus; without entities."""
    return encode([Sentence(tuple(map(str.lower, sentence.words))) for sentence in sentences], words, tags)


def subword_growth(costs: Costs, words: WordEncoder, max_subwords: int) -> NDArray[np.int64]:
    """Compute by how many subwords each sentence may grow, so that batches can be planned; -1: not varied.

    That is a quarter of its row, but not beyond one row, nor beyond a batch of its own. A sentence that is read in
    windows is not varied, since the cost of its windows depends on where they fall.

    Args:
        costs: of the sentences as they are.
        words: for special tokens and the length of a row.
        max_subwords: most subwords of a batch.
    """
    special = len(words.prefix) + len(words.suffix)
    room = np.maximum(min(words.room + special, max_subwords) - costs.subwords, 0)
    wanted = np.ceil((costs.subwords - special) * GROWTH).astype(np.int64)
    return np.where(costs.rows == 1, np.minimum(wanted, room), -1)


@functools.cache
def _say_that_case_is_nothing(probability: float) -> None:
    """Warn once that case makes no difference, even if several processes encode blocks of a stream."""
    worker = get_worker_info()
    if worker is None or worker.id == 0:
        rank_zero_info(
            f"data.augment.lower_case={probability} changes nothing: in lower case the training sentences are the "
            "same to this encoder"
        )
