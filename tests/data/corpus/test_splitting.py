"""Parts of a corpus: nothing torn, nothing lost, every part its share."""

from __future__ import annotations

import itertools
import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ner_lightning.data.corpus.splitting import Units, arrange_units, first_share, stratify, tie_sentences

Rows = list[tuple[int, str, tuple[int, int]]]  # document, words, mentions of two types

ROWS = st.lists(
    st.tuples(st.integers(-1, 4), st.sampled_from("abcdefghijklmnop"), st.tuples(st.integers(0, 2), st.integers(0, 1))),
    min_size=1,
    max_size=50,
)


def units_of(rows: Rows, seed: int, largest: float = 1e9) -> Units:
    documents, texts = [row[0] for row in rows], [row[1].encode() for row in rows]
    labels = np.array([row[2] for row in rows], np.int64)
    return arrange_units(tie_sentences(documents, texts, largest), texts, labels, seed)


@given(ROWS, st.integers(0, 3), st.sampled_from([(0.8, 0.1, 0.1), (1, 1, 1, 1, 1)]))
def test_documents_and_repeated_sentences_stay_together(rows: Rows, seed: int, shares: tuple[float, ...]) -> None:
    units = units_of(rows, seed)
    parts = stratify(units, shares, seed)[units.of_sentence]
    assert len(parts) == len(rows)
    assert set(parts.tolist()) <= set(range(len(shares)))
    for key in (0, 1):
        homes: dict[object, set[int]] = {}
        for row, part in zip(rows, parts.tolist(), strict=True):
            if row[key] != -1:
                homes.setdefault(row[key], set()).add(part)
        assert all(len(home) == 1 for home in homes.values())


@given(ROWS, st.integers(0, 3))
def test_documents_stay_whole_where_repeated_sentences_tie_too_many(rows: Rows, largest: int) -> None:
    of_sentence = tie_sentences([row[0] for row in rows], [row[1].encode() for row in rows], largest)
    for document in {row[0] for row in rows} - {-1}:
        assert len({unit for unit, row in zip(of_sentence.tolist(), rows, strict=True) if row[0] == document}) == 1
    for unit in set(of_sentence.tolist()):
        own = [row for row, each in zip(rows, of_sentence.tolist(), strict=True) if each == unit]
        # Above the limit is only what is one document, or one sentence said again and again.
        assert (
            len(own) <= largest or len({row[0] for row in own}) == 1 or len({row[1] for row in own if row[0] < 0}) == 1
        )


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_sentences_decides_nothing(rows: Rows, rng: random.Random) -> None:
    rows = [(document, text + str(document), counts) for document, text, counts in rows]
    rows = list({row[1]: row for row in rows}.values())
    other = rng.sample(rows, len(rows))
    found = []
    for each in (rows, other):
        units = units_of(each, 7)
        parts = stratify(units, (0.6, 0.2, 0.2), 7)[units.of_sentence]
        first = first_share(units, 0.4, 7)
        found.append(
            ({row[1]: part for row, part in zip(each, parts.tolist(), strict=True)}, {each[i][1] for i in first})
        )
    assert found[0] == found[1]


@given(ROWS, st.lists(st.floats(0.01, 1), min_size=2, max_size=4))
def test_smaller_shares_lie_in_larger_ones(rows: Rows, shares: list[float]) -> None:
    units = units_of(rows, 1)
    chosen = [set(first_share(units, share, 1).tolist()) for share in sorted([*shares, 1.0])]
    assert all(small <= large for small, large in itertools.pairwise(chosen))
    assert chosen[0]
    assert chosen[-1] == set(range(len(rows)))


def corpus(documents: int, seed: int) -> Rows:
    """Documents of 1 to 20 sentences, each with types of its own liking."""
    rng = random.Random(seed)
    rows: Rows = []
    for document in range(documents):
        liking = rng.random()
        for number in range(rng.randint(1, 20)):
            counts = (int(rng.random() < liking) + int(rng.random() < liking), int(rng.random() > 0.9 + liking / 20))
            rows.append((document, f"{document} {number}", counts))
    return rows


def test_every_part_has_its_share_of_each_type() -> None:
    rows = corpus(300, 0)
    labels = np.array([row[2] for row in rows])
    units = units_of(rows, 3)
    for shares in ((0.8, 0.1, 0.1), (0.2,) * 5):
        parts = stratify(units, shares, 3)[units.of_sentence]
        for part, share in enumerate(shares):
            own = parts == part
            assert abs(own.mean() - share) < 0.02 * share + 2 / len(rows)
            assert (np.abs(labels[own].sum(0) / labels.sum(0) - share) < 0.02 * share + 2 / labels.sum(0)).all()
    first = first_share(units, 0.3, 3)
    assert abs(len(first) / len(rows) - 0.3) < 0.01
    assert (np.abs(labels[first].sum(0) / labels.sum(0) - 0.3) < 0.06).all()


def test_the_seed_decides() -> None:
    rows = corpus(60, 1)
    one, same, other = (
        stratify(u, (0.5, 0.5), seed)[u.of_sentence] for seed in (1, 1, 2) for u in [units_of(rows, seed)]
    )
    assert (one == same).all()
    assert (one != other).any()
