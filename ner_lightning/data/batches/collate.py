"""Turn a list of sentences into one batch: rows of subwords, positions of words in them, gold tags."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor

from ner_lightning.data.batches.token_budget import Costs
from ner_lightning.data.batches.windows import Window, split_windows
from ner_lightning.data.corpus.encoding import UNKNOWN_TAG, EncodedCorpus, WordEncoder

if TYPE_CHECKING:
    from ner_lightning.data.augment.augmenter import Augmenter
    from ner_lightning.data.batches.context import DocumentContext

Layout = Literal["packed", "padded"]


@dataclass
class Batch:
    """The input of one step. `W` is the number of words of the longest sentence; padding is on the right.

    Packed, all rows follow one another in a single row without padding; padded, each row is one line. Word positions
    are counted over the flattened rows in both.
    """

    input_ids: Tensor  # int64 [rows, subwords], packed [1, total]
    attention_mask: Tensor | None  # bool [rows, subwords]; None when packed
    position_ids: Tensor | None  # int64 [1, total], from 0 within each row; None when padded
    row_lengths: tuple[int, ...]  # subwords of each row, on the host
    first_subword: Tensor  # int64 [batch, W]: position of each word's first subword in the flattened rows
    subword_count: Tensor  # int64 [batch, W]: subwords of each word, 0 in the padding
    mask: Tensor  # bool [batch, W]: real words
    tags: Tensor  # int64 [batch, W]: gold tag ids, 0 where unknown or padding
    unknown: Tensor | None  # bool [batch, W]: words whose tag nobody annotated; None when there are none
    weight: Tensor  # float32 [batch]: 1, or 0 for a sentence only added to fill up a rank
    index: tuple[int, ...]  # which sentences of the corpus, on the host

    def _map(self, change: Callable[[Tensor], Tensor]) -> Batch:
        values: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        for key, value in values.items():
            if isinstance(value, Tensor):
                values[key] = change(value)
        return Batch(**values)

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Batch:
        """Move the batch to another device; what the host needs stays on the host."""
        return self._map(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> Batch:
        """Copy the batch to page-locked memory, for asynchronous copies."""
        return self._map(Tensor.pin_memory)


def _positions(counts: np.ndarray) -> np.ndarray:
    """Count 0, 1, … within each of several runs: `[2, 3]` gives `[0, 1, 0, 1, 2]`."""
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    return np.arange(counts.sum()) - starts


class Collator:
    """Makes batches of one corpus.

    Args:
        corpus: the encoded sentences.
        words: the word encoder, for special tokens and the length of a row.
        layout: `packed` (no padding, for encoders that support it) or `padded`.
        overlap: subwords that neighbouring windows of a long sentence share; at most half a row.
        augmenter: varies the sentences anew in every epoch; None: they do not vary.
        context: the part of its document that surrounds a sentence in its row; None: nothing. Only the encoder sees it;
            its words are not in the batch. It is not varied, and a sentence that is read in windows has none.
    """

    def __init__(
        self,
        corpus: EncodedCorpus,
        words: WordEncoder,
        layout: Layout = "packed",
        overlap: int = 64,
        augmenter: Augmenter | None = None,
        context: DocumentContext | None = None,
    ) -> None:
        self.corpus, self.words, self.layout, self.augmenter, self.context = corpus, words, layout, augmenter, context
        self.overlap = min(overlap, words.room // 2)  # otherwise short rows would hardly advance

    def __call__(self, indices: Sequence[int], fillers: int = 0, epoch: int = 0) -> Batch:
        """Make the batch of these sentences in this epoch; the last `fillers` of them have weight 0."""
        corpus = self.corpus
        places: Sequence[int] = indices
        if self.augmenter is not None:
            corpus, places = self.augmenter(indices, epoch), range(len(indices))
        n_words = [int(corpus.word_start[i + 1] - corpus.word_start[i]) for i in places]
        width = max(n_words)
        first = np.zeros((len(indices), width), dtype=np.int64)
        count = np.zeros((len(indices), width), dtype=np.int64)
        tags = np.zeros((len(indices), width), dtype=np.int64)
        rows: list[np.ndarray] = []
        owners: list[tuple[int, Window, np.ndarray]] = []
        edges = self._edges(indices, corpus, places)
        for line, (index, n, (before, after)) in enumerate(zip(places, n_words, edges, strict=True)):
            word = int(corpus.word_start[index])
            starts = corpus.piece_start[word : word + n + 1]
            count[line, :n] = np.diff(starts)
            tags[line, :n] = corpus.tags[word : word + n]
            for window in self._windows(count[line, :n]):
                content = corpus.pieces[starts[window.first] : starts[window.last]]
                rows.append(np.concatenate((before, content, after)).astype(np.int64))
                own = starts[window.own_first : window.own_last] - starts[window.first] + len(before)
                owners.append((line, window, own))
        lengths = np.array([len(row) for row in rows])
        stride = lengths if self.layout == "packed" else np.full(len(rows), lengths.max())
        for base, (line, window, own) in zip(np.cumsum(stride) - stride, owners, strict=True):
            first[line, window.own_first : window.own_last] = base + own
        mask = np.arange(width) < np.array(n_words)[:, None]
        unknown = tags == UNKNOWN_TAG
        weight = np.ones(len(indices), dtype=np.float32)
        weight[len(indices) - fillers :] = 0.0
        return Batch(
            **self._lay_out(rows, lengths),
            row_lengths=tuple(lengths.tolist()),
            first_subword=torch.from_numpy(first),
            subword_count=torch.from_numpy(count),
            mask=torch.from_numpy(mask),
            tags=torch.from_numpy(np.where(unknown, 0, tags)),
            unknown=torch.from_numpy(unknown) if unknown.any() else None,
            weight=torch.from_numpy(weight),
            index=tuple(int(i) for i in indices),
        )

    def costs(self) -> Costs:
        """Compute what each sentence costs in a batch of this layout; at most, if it is varied."""
        corpus, special = self.corpus, len(self.words.prefix) + len(self.words.suffix)
        subwords = corpus.lengths + special
        if self.context is not None:
            subwords += self.context.sizes()
        rows, longest = np.ones_like(subwords), subwords.copy()
        for index in np.flatnonzero(corpus.lengths > self.words.room):
            starts = corpus.piece_start[corpus.word_start[index] : corpus.word_start[index + 1] + 1]
            lengths = [starts[w.last] - starts[w.first] + special for w in self._windows(np.diff(starts))]
            rows[index], longest[index], subwords[index] = len(lengths), max(lengths), sum(lengths)
        costs = Costs(rows, longest, subwords)
        return costs if self.augmenter is None else self.augmenter.planned(costs)

    def _edges(
        self, indices: Sequence[int], corpus: EncodedCorpus, places: Sequence[int]
    ) -> list[tuple[Sequence[int] | np.ndarray, Sequence[int] | np.ndarray]]:
        """Return what comes before and after each sentence in its row; `places` are its positions in `corpus`."""
        prefix, suffix = self.words.prefix, self.words.suffix
        if self.context is None:
            return [(prefix, suffix)] * len(indices)
        sentences = np.asarray(indices, np.int64)
        # A varied sentence gets no more context than was planned.
        lengths = np.maximum(self.corpus.lengths[sentences], corpus.lengths[np.asarray(places, np.int64)])
        return [
            (np.concatenate((prefix, before)), np.concatenate((after, suffix)))
            for before, after in self.context.around(sentences, lengths)
        ]

    def _windows(self, lengths: np.ndarray) -> list[Window]:
        if int(lengths.sum()) <= self.words.room:
            return [Window(0, len(lengths), 0, len(lengths))]
        return split_windows(lengths.tolist(), self.words.room, self.overlap)

    def _lay_out(self, rows: list[np.ndarray], lengths: np.ndarray) -> dict[str, Any]:
        if self.layout == "packed":
            return {
                "input_ids": torch.from_numpy(np.concatenate(rows)[None]),
                "attention_mask": None,
                "position_ids": torch.from_numpy(_positions(lengths)[None]),
            }
        filled = np.full((len(rows), int(lengths.max())), self.words.pad_id, dtype=np.int64)
        mask = np.arange(filled.shape[1]) < lengths[:, None]
        filled[mask] = np.concatenate(rows)
        return {
            "input_ids": torch.from_numpy(filled),
            "attention_mask": torch.from_numpy(mask),
            "position_ids": None,
        }
