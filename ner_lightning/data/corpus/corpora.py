"""The splits of a run: one corpus or several, divided and combined."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import numpy as np

from ner_lightning.data.corpus.corpus import Corpus
from ner_lightning.data.corpus.division import SPLITS, Division, PieceGroup
from ner_lightning.data.corpus.pieces import Extent, Piece, Weighted, find_extents, join_pieces
from ner_lightning.data.corpus.sentence_store import SentenceStore
from ner_lightning.data.read_report import ReadReport
from ner_lightning.errors import DataError
from ner_lightning.storage.cache import Cache

log = logging.getLogger(__name__)

Found = dict[str, list[Piece]]


class Corpora:
    """The splits of a run.

    All are divided together, whatever their shares, so that a sentence in two of them is not in train of one and in
    test of the other. Sentences that their own split files share stay where they are.

    Args:
        corpora: at least one; if several, they have names.
        division: the folds, and the part of train that is used.
        cache: keeps combined splits; None: they are not kept.

    Attributes:
        extents: for each split, the place of the sentences of each corpus.
    """

    def __init__(self, corpora: Sequence[Corpus], division: Division, cache: Cache | None) -> None:
        self.corpora, self.division, self._cache = list(corpora), division, cache
        self.extents: dict[str, dict[str, Extent]] = {}
        self._made: dict[tuple[tuple[str, float], ...], Found] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the corpora, if there are several."""
        return tuple(corpus.name for corpus in self.corpora if corpus.name)

    @property
    def are_files(self) -> bool:
        """Whether splits are files as they are."""
        plain = self.division.fold is None and self.division.fraction == 1
        return plain and not any(corpus.name or corpus.shares or corpus.common_map for corpus in self.corpora)

    def read(self, *splits: str) -> dict[str, SentenceStore]:
        """Read splits, those that exist.

        Raises:
            DataError: a file cannot be understood, or sentences cannot be divided as asked.
        """
        found: Found = {split: [] for split in splits}
        for shares, members in self._alike():
            made = self._divided().get(_key_of(shares), {})
            for split in splits:
                found[split] += made.get(split, [])
                if split not in _makes(shares):
                    found[split] += self._files(split, members)
        if "train" in found:
            found["train"] = self.division.reduced(self._sorted(found["train"]))
            self._warn_of_unused_labels()
        stores = {}
        for split, pieces in found.items():
            if pieces := self._sorted(pieces):
                stores[split] = join_pieces(pieces, self._cache)
                self.extents[split] = find_extents(pieces, stores[split])
        return stores

    def missing(self, split: str) -> DataError:
        """Make the error for a split that is needed and does not exist."""
        if not self.names:
            return self.corpora[0].missing(split)
        return DataError(
            f"no {split} split: none of the sources {', '.join(self.names)} has a file called {split}; name one with "
            f"data.sources.{self.names[0]}.{split}=FILE, or have it made by data.splits"
        )

    def files(self) -> dict[str, ReadReport]:
        """Return the report of reading each file by name, prefixed by its corpus if there are several."""
        return {
            f"{corpus.name}/{path.name}" if corpus.name else path.name: store.report
            for corpus in self.corpora
            for path, store in corpus.seen.items()
        }

    def counts(self) -> dict[str, dict[str, dict[str, int]]]:
        """Count sentences, words, entities and types of each corpus in each split that was read."""
        return {
            split: {
                name: {"sentences": each.last - each.first, **dict(zip(each._fields[2:], each[2:], strict=True))}
                for name, each in places.items()
            }
            for split, places in self.extents.items()
        }

    def sentences(self) -> dict[str, int | dict[str, int]]:
        """Count the sentences of each split that was read; if there are several corpora, of each."""
        found: dict[str, int | dict[str, int]] = {}
        for split, counts in self.counts().items():
            sizes = {name: each["sentences"] for name, each in counts.items()}
            found[split] = sizes if self.names else sum(sizes.values())
        return found

    def weighted(self) -> list[Weighted] | None:
        """Return how often training sentences are drawn per epoch; None: each once."""
        weights = {corpus.name: corpus.weight for corpus in self.corpora}
        if set(weights.values()) == {1}:
            return None
        return [Weighted(each.first, each.last, weights[name]) for name, each in self.extents["train"].items()]

    def names_of(self, split: str, sentences: Sequence[int]) -> list[str]:
        """Name the corpora that some sentences of a split come from."""
        names, places = zip(*self.extents[split].items(), strict=True)
        found = np.searchsorted([place.last for place in places], sentences, side="right")
        return [names[number] for number in found.tolist()]

    def _alike(self) -> list[tuple[Mapping[str, float] | None, list[Corpus]]]:
        """Group corpora that are divided together."""
        if self.division.fold is not None:
            return [(None, self.corpora)]
        groups: dict[tuple[tuple[str, float], ...], list[Corpus]] = {}
        for corpus in self.corpora:
            groups.setdefault(tuple((corpus.shares or {}).items()), []).append(corpus)
        return [(dict(shares), members) for shares, members in groups.items()]

    def _divided(self) -> dict[tuple[tuple[str, float], ...], Found]:
        """Divide once, by shares; corpora whose splits are files decide first where shared sentences go."""
        groups = [(shares, members) for shares, members in self._alike() if shares != {}]
        if self._made is None and groups:
            undivided = [PieceGroup(self._undivided(shares, members), shares) for shares, members in groups]
            whole = [corpus for shares, members in self._alike() if shares == {} for corpus in members]
            files = {split: pieces for split in SPLITS if (pieces := self._files(split, whole))}
            made = self.division.divided(undivided, files)
            self._made = {_key_of(shares): found for (shares, _), found in zip(groups, made, strict=True)}
        return self._made or {}

    def _undivided(self, shares: Mapping[str, float] | None, members: Sequence[Corpus]) -> list[Piece]:
        parts, made = (("train", "dev"), ()) if shares is None else (("train",), tuple(shares)[1:])
        return [Piece(corpus, store) for corpus in members for store in corpus.undivided(parts, made)]

    def _files(self, split: str, members: Sequence[Corpus]) -> list[Piece]:
        return [Piece(corpus, store) for corpus in members if (store := corpus.read(split)) is not None]

    def _sorted(self, pieces: Sequence[Piece]) -> list[Piece]:
        """Sort pieces by their corpora."""
        return [piece for corpus in self.corpora for piece in pieces if piece.corpus is corpus]

    def _warn_of_unused_labels(self) -> None:
        """Warn about types of a label map that do not occur."""
        found: dict[str, set[str]] = {}
        mapped: set[str | None] = set()
        for corpus in self.corpora:
            types = {name for store in corpus.seen.values() for name in store.types}
            found[f"{corpus.key}.label_map"] = set(corpus.label_map) - types
            mapped |= {corpus.label_map.get(name, name) for name in types}
        found["data.label_map"] = set(self.corpora[0].common_map) - mapped
        for key, names in found.items():
            if names:
                log.warning("%s names %s, and no sentence has an entity of such a type", key, ", ".join(sorted(names)))


def _key_of(shares: Mapping[str, float] | None) -> tuple[tuple[str, float], ...]:
    return tuple((shares or {}).items())


def _makes(shares: Mapping[str, float] | None) -> set[str]:
    """Return the splits made of a corpus with these shares; None: folds, of all but a test file."""
    return set(SPLITS) if shares is None else set(shares)
