"""Splits that a corpus does not have: shares, folds, and a part of the training data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from pytorch_lightning.utilities import rank_zero_info

from ner_lightning.data.pieces import Numbers, Piece
from ner_lightning.data.report import DataError
from ner_lightning.data.splitting import Units, arrange, first_share, stratify, tie

SPLITS = ("train", "dev", "test")


@dataclass(frozen=True)
class Division:
    """How sentences are divided; each corpus may have shares of its own.

    Attributes:
        seed: of everything, whatever the seed of the training is.
        fold: which fold is tested; None: there are no folds. The next one is dev, the rest train.
        folds: how many.
        fraction: of the training data that is used; a smaller one lies in a larger one.

    Raises:
        DataError: a value that cannot be used.
    """

    seed: int = 0
    fold: int | None = None
    folds: int = 5
    fraction: float = 1.0

    def __post_init__(self) -> None:
        if self.folds < 3:
            raise DataError(f"data.folds={self.folds}: expected at least 3, one each for test, dev and train")
        if self.fold is not None and not 0 <= self.fold < self.folds:
            raise DataError(
                f"data.fold={self.fold}: expected a fold from 0 to {self.folds - 1}, for data.folds={self.folds}"
            )
        if not 0 < self.fraction <= 1:
            raise DataError(
                f"data.fraction={self.fraction}: expected a share of the training data, above 0 and up to 1"
            )

    def divided(self, pieces: Sequence[Piece], shares: Mapping[str, float] | None) -> dict[str, list[Piece]]:
        """The splits made of pieces, each in their order.

        Args:
            pieces: what is divided, together.
            shares: of the splits; None: folds.

        Raises:
            DataError: a split would be empty, or without any entity.
        """
        names = list(shares or ())
        sizes = list(shares.values()) if shares else [1 / self.folds] * self.folds
        seen = _Seen.of(pieces)
        units = arrange(seen.tied(min(sizes) * len(seen.texts)), seen.texts, seen.labels, self.seed)
        part = stratify(units, sizes, self.seed)[units.of_sentence]
        if shares is None:
            assert self.fold is not None
            of_fold = {self.fold: "test", (self.fold + 1) % self.folds: "dev"}
            names = [of_fold.get(number, "train") for number in range(self.folds)]
        splits = np.array(names)[part]
        made = {name: np.flatnonzero(splits == name) for name in SPLITS if name in names}
        self._check(made, seen, "data.splits" if shares else f"data.folds={self.folds}")
        return {name: _taken(pieces, chosen) for name, chosen in made.items()}

    def _check(self, made: Mapping[str, Numbers], seen: _Seen, what: str) -> None:
        for name, chosen in made.items():
            if not seen.labels[chosen].any() and seen.labels.any():
                raise DataError(
                    f"{what}: the {name} split would have {len(chosen)} sentences and no entity; give it a larger "
                    f"share, or try another seed (data.split_seed={self.seed + 1})"
                )
        trained = {seen.texts[index] for index in made["train"].tolist()}
        others = [index for name, chosen in made.items() if name != "train" for index in chosen.tolist()]
        if repeated := sum(seen.texts[index] in trained for index in others):
            rank_zero_info(
                f"{what}: {repeated} of {len(others)} sentences of dev and test also stand in train, in other "
                "documents: documents that have sentences in common are too many to stay together"
            )

    def reduced(self, pieces: Sequence[Piece]) -> list[Piece]:
        """The part of the training data that is used."""
        if self.fraction == 1 or not pieces:
            return list(pieces)
        seen = _Seen.of(pieces)
        alone = [number.to_bytes(8, "little") for number in range(len(seen.texts))]  # repeated sentences may part
        units: Units = arrange(tie(seen.documents, alone, 0), seen.texts, seen.labels, self.seed)
        return _taken(pieces, first_share(units, self.fraction, self.seed))


def check_shares(shares: Mapping[str, float], key: str) -> dict[str, float]:
    """Shares of the splits that are made, in their order; what is left of 1 is for train.

    Raises:
        DataError: shares that cannot be.

    >>> check_shares({"dev": 0.25}, "data.splits")
    {'train': 0.75, 'dev': 0.25}
    """
    example = f"{key}={{train: 0.8, dev: 0.1, test: 0.1}}, or {key}={{dev: 0.1}} to take dev from train"
    if unknown := [str(name) for name in shares if name not in SPLITS]:
        raise DataError(f"{key}: no split is called {', '.join(unknown)}; write {example}")
    for name, share in shares.items():
        if not isinstance(share, int | float) or isinstance(share, bool) or not 0 < share < 1:
            raise DataError(f"{key}.{name}={share}: expected a share between 0 and 1; write {example}")
    rest = 1 - sum(share for name, share in shares.items() if name != "train")
    if not set(shares) - {"train"} or rest <= 0 or abs(shares.get("train", rest) - rest) > 1e-6:
        total = f"{sum(shares.values()):g}"
        raise DataError(
            f"{key}: expected dev, test or both, and shares that sum to 1 with train, not {total}; {example}"
        )
    return {name: shares.get(name, rest) for name in SPLITS if name in shares or name == "train"}


class _Seen(NamedTuple):
    """What is known of the sentences of pieces, one after another.

    Attributes:
        documents: number of the document, -1 where there is none.
        texts: the words.
        labels: `[sentences, labels]`: mentions of each type of each corpus; of several corpora which it is, too.
    """

    documents: list[int]
    texts: list[bytes]
    labels: Numbers

    @classmethod
    def of(cls, pieces: Sequence[Piece]) -> _Seen:
        corpora = sorted({piece.corpus.name for piece in pieces})
        kinds = {
            (piece.corpus.name, label)
            for piece in pieces
            for name in piece.store.types
            if (label := piece.corpus.label(name))
        }
        columns = {kind: number for number, kind in enumerate(sorted(kinds))}
        several = len(corpora) > 1
        names: dict[tuple[str, str], int] = {}
        documents, texts, labels = [], [], []
        for piece in pieces:
            of_piece = np.zeros((len(piece), len(columns) + several * len(corpora)), np.int64)
            if several:
                of_piece[:, len(columns) + corpora.index(piece.corpus.name)] = 1
            own = {name: columns.get((piece.corpus.name, piece.corpus.label(name) or "")) for name in piece.store.types}
            for row, index in enumerate(piece.indices.tolist()):
                sentence = piece.store[index]
                texts.append("\0".join(sentence.words).encode())
                whole = (piece.corpus.name, sentence.document)
                documents.append(names.setdefault(whole, len(names)) if sentence.document else -1)
                for span in sentence.spans:
                    if (column := own[span.label]) is not None:
                        of_piece[row, column] += 1
            labels.append(of_piece)
        return cls(documents, texts, np.concatenate(labels))

    def tied(self, largest: float) -> Numbers:
        """The unit of each sentence."""
        return tie(self.documents, self.texts, largest)


def _taken(pieces: Sequence[Piece], chosen: Numbers) -> list[Piece]:
    """The chosen of all sentences, piece by piece."""
    starts = np.cumsum([0, *map(len, pieces)])
    found = []
    for piece, first, last in zip(pieces, starts, starts[1:], strict=False):
        own = chosen[(chosen >= first) & (chosen < last)] - first
        if len(own):
            found.append(piece.take(own))
    return found
