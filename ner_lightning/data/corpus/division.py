"""Make splits that a corpus does not have: by shares, folds, and a part of the training data."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ner_lightning.data.corpus.pieces import Numbers, Piece
from ner_lightning.data.corpus.splitting import Units, arrange_units, first_share, stratify, tie_sentences
from ner_lightning.errors import DataError

log = logging.getLogger(__name__)

SPLITS = ("train", "dev", "test")


class PieceGroup(NamedTuple):
    """Pieces that are divided by the same shares of the splits; None: into folds."""

    pieces: Sequence[Piece]
    shares: Mapping[str, float] | None


@dataclass(frozen=True)
class Division:
    """How sentences are divided; each corpus may have its own shares.

    Attributes:
        seed: of the division, independent of the seed of training.
        fold: the fold that is tested; None: there are no folds. The next one is dev, the rest train.
        folds: number of folds.
        fraction: share of the training data that is used; a smaller share is part of a larger one.

    Raises:
        DataError: a value cannot be used.
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

    def divided(
        self, groups: Sequence[PieceGroup], files: Mapping[str, Sequence[Piece]] | None = None
    ) -> list[dict[str, list[Piece]]]:
        """Divide each group into splits, each in its order.

        Sentences shared by two groups, or by a group and a split that is a file, go to the same split in both: the
        larger part of them decides. Groups with more splits come first. If a later group does not have such a split,
        they go to another one that is not trained on.

        Args:
            groups: the groups to divide, each with its own shares.
            files: existing splits of other corpora.

        Raises:
            DataError: a split would be empty, or without any entity.
        """
        files = files or {}
        whole = [piece for group in groups for piece in group.pieces] + [p for each in files.values() for p in each]
        documents, texts = _contents(whole)
        least = min(min(self._sizes(group)) * sum(map(len, group.pieces)) for group in groups)
        common = _Common(tie_sentences(documents, texts, least))
        first = sum(len(piece) for group in groups for piece in group.pieces)
        for split, pieces in files.items():
            last = first + sum(map(len, pieces))
            common.put(np.arange(first, last), split)
            first = last
        starts = np.cumsum([0, *(sum(map(len, group.pieces)) for group in groups)])
        found: list[dict[str, list[Piece]]] = [{} for _ in groups]
        made: dict[str, list[Numbers]] = {}
        for number in sorted(range(len(groups)), key=lambda each: -len(groups[each].shares or ())):
            rows = np.arange(starts[number], starts[number + 1])
            for split, chosen in self._divided(groups[number], rows, common).items():
                made.setdefault(split, []).append(rows[chosen])
                found[number][split] = _taken(groups[number].pieces, chosen)
        self._say_what_is_torn({split: np.concatenate(parts) for split, parts in made.items()}, texts, groups)
        return found

    def _divided(self, group: PieceGroup, rows: Numbers, common: _Common) -> dict[str, Numbers]:
        """Divide a group, and record the decisions in `common`."""
        sizes = self._sizes(group)
        names = list(group.shares or (self._name_of_fold(number) for number in range(self.folds)))
        seen = _Seen.of(group.pieces)
        units = arrange_units(common.units_among(rows), seen.texts, seen.labels, self.seed)
        settled = common.settled(rows, units.of_sentence, len(units.sizes))
        held_out = [name for name in ("dev", "test") if name in names]
        settled[(settled != "") & ~np.isin(settled, names)] = held_out[0]
        free = np.flatnonzero(settled == "")
        splits = settled.copy()
        if len(free):
            taken = [units.sizes[settled == name].sum() for name in names]
            left = np.maximum(np.array(sizes) * units.sizes.sum() - taken, 1e-6) if len(free) < len(settled) else sizes
            splits[free] = np.array(names)[stratify(units, list(left), self.seed, free)]
        of_row = splits[units.of_sentence]
        made = {name: np.flatnonzero(of_row == name) for name in SPLITS if name in names}
        self._check(made, seen, self._what([group]))
        for name, chosen in made.items():
            common.put(rows[chosen], name)
        return made

    def _sizes(self, group: PieceGroup) -> list[float]:
        return list(group.shares.values()) if group.shares else [1 / self.folds] * self.folds

    def _name_of_fold(self, number: int) -> str:
        assert self.fold is not None
        return {self.fold: "test", (self.fold + 1) % self.folds: "dev"}.get(number, "train")

    def _what(self, groups: Sequence[PieceGroup]) -> str:
        return "data.splits" if groups[0].shares else f"data.folds={self.folds}"

    def _check(self, made: Mapping[str, Numbers], seen: _Seen, what: str) -> None:
        for name, chosen in made.items():
            if not seen.labels[chosen].any() and seen.labels.any():
                raise DataError(
                    f"{what}: the {name} split would have {len(chosen)} sentences and no entity; give it a larger "
                    f"share, or try another seed (data.split_seed={self.seed + 1})"
                )

    def _say_what_is_torn(
        self, made: Mapping[str, Numbers], texts: Sequence[bytes], groups: Sequence[PieceGroup]
    ) -> None:
        trained = {texts[index] for index in made.get("train", np.zeros(0, np.int64)).tolist()}
        others = [index for name, chosen in made.items() if name != "train" for index in chosen.tolist()]
        if repeated := sum(texts[index] in trained for index in others):
            log.info(
                "%s: %d of %d sentences of dev and test also stand in train, in other documents: documents that have "
                "sentences in common are too many to stay together",
                self._what(groups),
                repeated,
                len(others),
            )

    def reduced(self, pieces: Sequence[Piece]) -> list[Piece]:
        """Take the part of the training data that is used."""
        if self.fraction == 1 or not pieces:
            return list(pieces)
        seen = _Seen.of(pieces)
        alone = [number.to_bytes(8, "little") for number in range(len(seen.texts))]  # repeated ones may part
        units: Units = arrange_units(tie_sentences(seen.documents, alone, 0), seen.texts, seen.labels, self.seed)
        return _taken(pieces, first_share(units, self.fraction, self.seed))


def check_shares(shares: Mapping[str, float], key: str) -> dict[str, float]:
    """Check the shares of the splits to be made, and sort them; what is left of 1 is for train.

    Raises:
        DataError: the shares are impossible.

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


class _Common:
    """The sentences of all groups that belong together, and the splits they have been put into.

    Args:
        units: the unit of each sentence.
    """

    def __init__(self, units: Numbers) -> None:
        self._units = units
        self._in_split = np.zeros((int(units.max(initial=-1)) + 1, len(SPLITS)), np.int64)

    def put(self, rows: Numbers, split: str) -> None:
        """Record that some sentences are in a split."""
        np.add.at(self._in_split[:, SPLITS.index(split)], self._units[rows], 1)

    def units_among(self, rows: Numbers) -> Numbers:
        """Return the unit of each of some sentences, numbered from 0."""
        return np.unique(self._units[rows], return_inverse=True)[1].astype(np.int64)

    def settled(self, rows: Numbers, of_sentence: Numbers, number: int) -> NDArray[np.str_]:
        """Find the split that most of each unit is in already, by the numbers in `of_sentence`; empty for none."""
        unit = np.zeros(number, np.int64)
        unit[of_sentence] = self._units[rows]
        counts = self._in_split[unit]
        return np.where(counts.any(axis=1), np.array(SPLITS)[counts.argmax(axis=1)], "")


def _contents(pieces: Sequence[Piece]) -> tuple[list[int], list[bytes]]:
    """Return the document of each sentence, by a number, -1 if there is none; and its words."""
    names: dict[tuple[str, str], int] = {}
    documents, texts = [], []
    for piece in pieces:
        for index in piece.indices.tolist():
            sentence = piece.store[index]
            texts.append("\0".join(sentence.words).encode())
            whole = (piece.corpus.name, sentence.document)
            documents.append(names.setdefault(whole, len(names)) if sentence.document else -1)
    return documents, texts


class _Seen(NamedTuple):
    """What is known about the sentences of pieces, one after another.

    Attributes:
        documents: number of the document, -1 if there is none.
        texts: their words.
        labels: `[sentences, labels]`: mentions of each type of each corpus; if there are several, also the corpus.
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
        labels = []
        for piece in pieces:
            of_piece = np.zeros((len(piece), len(columns) + several * len(corpora)), np.int64)
            if several:
                of_piece[:, len(columns) + corpora.index(piece.corpus.name)] = 1
            own = {name: columns.get((piece.corpus.name, piece.corpus.label(name) or "")) for name in piece.store.types}
            for row, index in enumerate(piece.indices.tolist()):
                for span in piece.store[index].spans:
                    if (column := own[span.label]) is not None:
                        of_piece[row, column] += 1
            labels.append(of_piece)
        return cls(*_contents(pieces), np.concatenate(labels))


def _taken(pieces: Sequence[Piece], chosen: Numbers) -> list[Piece]:
    """Take the chosen of all sentences, piece by piece."""
    starts = np.cumsum([0, *map(len, pieces)])
    found = []
    for piece, first, last in zip(pieces, starts, starts[1:], strict=False):
        own = chosen[(chosen >= first) & (chosen < last)] - first
        if len(own):
            found.append(piece.take(own))
    return found
