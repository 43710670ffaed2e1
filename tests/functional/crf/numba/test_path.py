"""The compiled score of given tags, against sums in Python and against pytorch-crf."""

import numpy as np
import pytest
import torch
import torchcrf

pytest.importorskip("numba")

from ner_lightning.functional.crf.numba.path import first_outside
from tests.functional.crf.numba.kernels import derivatives, subtract_path

LENGTHS = np.array([7, 1, 2, 7, 5])


def make_inputs(dtype=np.float64, tags: int = 4) -> tuple[list[np.ndarray], np.ndarray]:
    rng = np.random.default_rng(0)
    scores = [rng.normal(size=shape).astype(dtype) for shape in ((5, 7, tags), (tags,), (tags,), (tags, tags))]
    path = rng.integers(0, tags, (5, 7))
    for b, length in enumerate(LENGTHS):
        scores[0][b, length:], path[b, length:] = np.nan, -100
    return [scores[0], LENGTHS, *scores[1:], np.linspace(-1.0, 2.0, 5)], path


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equals_pytorch_crf(dtype):
    given, path = make_inputs(dtype)
    found = derivatives(*given)
    subtract_path(found, *given, tags=path)
    crf = torchcrf.CRF(4, batch_first=True)
    for name, value in zip(("start_transitions", "end_transitions", "transitions"), given[2:5], strict=True):
        setattr(crf, name, torch.nn.Parameter(torch.from_numpy(value).double()))
    emissions = torch.from_numpy(np.nan_to_num(given[0])).double().requires_grad_()
    mask = torch.arange(7) < torch.from_numpy(LENGTHS)[:, None]
    nll = -crf.double()(emissions, torch.from_numpy(path).clamp(min=0), mask, reduction="none")
    wanted = [emissions, crf.start_transitions, crf.end_transitions, crf.transitions]
    gradients = torch.autograd.grad((nll * torch.from_numpy(given[5])).sum(), wanted)
    # pytorch-crf multiplies transitions by a float32 mask, but that is exact.
    np.testing.assert_allclose(found.log_z, nll.detach().numpy(), atol=1e-12)
    for ours, theirs in zip(found[1:], gradients, strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-12)


def test_a_forbidden_path_has_an_infinite_loss():
    given, path = make_inputs()
    given[4][path[0, 0], path[0, 1]] = -np.inf
    found = derivatives(*given)
    subtract_path(found, *given, tags=path)
    assert found.log_z[0] == np.inf
    assert np.isfinite(found.log_z[1])


@pytest.mark.parametrize("tag", [4, -100])
def test_a_tag_that_is_none(tag):
    _, path = make_inputs()
    assert first_outside(path, LENGTHS, 4) == (-1, -1)  # -100 at padding is never read
    path[3, 6] = tag
    assert first_outside(path, LENGTHS, 4) == (3, 6)
