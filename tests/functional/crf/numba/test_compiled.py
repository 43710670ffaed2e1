"""Compiling with numba: where its cache cannot be written, and after a fork."""

import os

import numpy as np
import pytest

pytest.importorskip("numba")

from ner_lightning.functional.crf.numba.compiled import compiled
from ner_lightning.functional.crf.numba.viterbi import viterbi


def test_without_a_folder_for_the_cache(monkeypatch):
    """With `cache=True` numba raises where it can write neither beside the source nor in the user's cache folder."""
    import numba

    njit = numba.njit

    def no_locator(*args, cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function 'double': no locator available")
        return njit(*args, **options)

    monkeypatch.setattr(numba, "njit", no_locator)
    double = compiled("contract")(lambda x: 2.0 * x)
    assert double(1.5) == 3.0


def test_division_by_zero_is_infinity():
    assert compiled()(lambda x: 1.0 / x)(0.0) == np.inf


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_can_go_on():
    """Data-loader workers and ddp_fork inherit kernels that have run; a pool of threads would hang them."""
    given = np.zeros((1, 2, 3)), np.array([2]), np.zeros(3), np.zeros(3), np.zeros((3, 3))
    viterbi(*given)
    child = os.fork()
    if child == 0:
        os._exit(0 if viterbi(*given)[1][0] == 0.0 else 1)
    assert os.waitpid(child, 0)[1] == 0
