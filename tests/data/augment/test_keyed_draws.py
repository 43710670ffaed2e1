"""Numbers that are drawn by name."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ner_lightning.data.augment.keyed_draws import draw_keys, draw_uniform


def test_the_bits_are_those_of_splitmix64() -> None:
    """The first numbers that its authors' program gives from state 0."""
    reference = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    drawn = draw_uniform(np.zeros(3, np.uint64), np.arange(3))
    assert drawn.tolist() == [(bits >> 11) * 2.0**-53 for bits in reference]


def test_a_draw_depends_on_its_names_alone() -> None:
    some = draw_keys((3, 1), np.array([5, 9, 5]))
    assert some[0] == some[2] != some[1]
    assert draw_keys((3, 1), np.array([9]))[0] == some[1]
    for other in ((4, 1), (3, 2), (1, 3)):
        assert draw_keys(other, np.array([9]))[0] != some[1]
    assert draw_uniform(some, np.array([2, 2, 3]))[0] != draw_uniform(some, np.array([2, 2, 3]))[2]


@pytest.mark.parametrize("along", ["sentences", "epochs", "words"])
def test_draws_are_even_and_neighbours_know_nothing_of_each_other(along: str) -> None:
    count = 20_000
    if along == "words":
        drawn = draw_uniform(np.repeat(draw_keys((1, 1), np.array([7])), count), np.arange(count))
    elif along == "sentences":
        drawn = draw_uniform(draw_keys((1, 1), np.arange(count)), np.full(count, 4))
    else:
        count = 2_000
        drawn = np.array(
            [draw_uniform(draw_keys((1, epoch), np.array([7])), np.array([4]))[0] for epoch in range(count)]
        )
    assert 0 <= drawn.min() < drawn.max() < 1
    assert stats.kstest(drawn, "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(drawn[1:], drawn[:-1])[0, 1]) < 4 / np.sqrt(count)
