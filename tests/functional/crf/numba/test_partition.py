"""The compiled kernels against loops in log space, against enumeration, and against pytorch-crf."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
import pytest
import torch
import torchcrf

pytest.importorskip("numba")

from ner_lightning.functional.crf.numba.partition import log_partition
from ner_lightning.functional.crf.numba.viterbi import viterbi
from tests.functional.crf.numba.kernels import derivatives

RAGGED = np.array([7, 1, 2, 7, 5])


class Inputs(NamedTuple):
    emissions: np.ndarray
    lengths: np.ndarray
    start: np.ndarray
    end: np.ndarray
    transitions: np.ndarray


def make_inputs(tags: int, lengths=RAGGED, dtype=np.float64, spread: float = 1.0, seed: int = 0) -> Inputs:
    """Normal scores; NaN wherever a kernel has no business to read."""
    rng = np.random.default_rng(seed)
    emissions = rng.normal(size=(len(lengths), max(lengths), tags)) * spread
    for sentence, length in zip(emissions, lengths, strict=True):
        sentence[length:] = np.nan
    scores = [rng.normal(size=shape).astype(dtype) for shape in ((tags,), (tags,), (tags, tags))]
    return Inputs(emissions.astype(dtype), np.asarray(lengths), *scores)


def forbid(inputs: Inputs, share: float = 0.4, seed: int = 1) -> Inputs:
    """Minus infinity at random places; tag 0 keeps every move, so that each sentence has a legal path."""
    rng = np.random.default_rng(seed)
    start, end, transitions = (np.where(rng.random(x.shape) < share, -np.inf, x) for x in inputs[2:])
    for free, given in ((start, inputs.start), (end, inputs.end), (transitions, inputs.transitions)):
        free[..., 0] = given[..., 0]
    transitions[0] = inputs.transitions[0]
    return inputs._replace(start=start, end=end, transitions=transitions)


def path_scores(inputs: Inputs, b: int) -> dict[tuple[int, ...], float]:
    """Every tag sequence of one sentence and its score."""
    emissions = inputs.emissions[b, : inputs.lengths[b]].astype(np.float64)
    scores = {}
    for path in itertools.product(range(emissions.shape[1]), repeat=len(emissions)):
        score = inputs.start[path[0]] + inputs.end[path[-1]] + sum(emissions[t, tag] for t, tag in enumerate(path))
        scores[path] = float(score + sum(inputs.transitions[i, j] for i, j in itertools.pairwise(path)))
    return scores


def forward_in_log_space(inputs: Inputs, b: int) -> float:
    """The textbook loop."""
    length, transitions = inputs.lengths[b], inputs.transitions.astype(np.float64)
    emissions = inputs.emissions[b, :length].astype(np.float64)
    alpha = inputs.start + emissions[0]
    for t in range(1, length):
        alpha = np.logaddexp.reduce(alpha[:, None] + transitions, axis=0) + emissions[t]
    return float(np.logaddexp.reduce(alpha + inputs.end))


def torch_gradients(inputs: Inputs, weights: np.ndarray) -> list[np.ndarray]:
    """Derivatives by autograd through pytorch-crf in float64 (and NaN-free padding, which it multiplies by zero)."""
    crf = to_torchcrf(inputs).double()
    emissions = torch.from_numpy(np.nan_to_num(inputs.emissions)).double().requires_grad_()
    log_z = crf._compute_normalizer(emissions.transpose(0, 1), to_mask(inputs).T)
    wanted = [emissions, crf.start_transitions, crf.end_transitions, crf.transitions]
    return [g.numpy() for g in torch.autograd.grad((log_z * torch.from_numpy(weights)).sum(), wanted)]


def to_torchcrf(inputs: Inputs) -> torchcrf.CRF:
    crf = torchcrf.CRF(inputs.emissions.shape[2], batch_first=True)
    for name, value in zip(("start_transitions", "end_transitions", "transitions"), inputs[2:], strict=True):
        setattr(crf, name, torch.nn.Parameter(torch.from_numpy(value)))
    return crf


def to_mask(inputs: Inputs) -> torch.Tensor:
    return torch.arange(inputs.emissions.shape[1]) < torch.from_numpy(inputs.lengths)[:, None]


@pytest.mark.parametrize("constrained", [False, True])
@pytest.mark.parametrize("tags", [1, 2, 3])
def test_everything_equals_enumeration(tags, constrained):
    inputs = make_inputs(tags, lengths=[4, 1, 2, 5])
    inputs = forbid(inputs) if constrained else inputs
    weights = np.array([1.0, -2.0, 0.0, 0.5])
    log_z, d_emissions, d_start, d_end, d_transitions = derivatives(*inputs, weights)
    paths, best = viterbi(*inputs)
    expected = [np.zeros_like(x) for x in (d_emissions, d_start, d_end, d_transitions)]
    for b in range(4):
        scores = path_scores(inputs, b)
        total = np.logaddexp.reduce(list(scores.values()))
        assert log_z[b] == pytest.approx(total, abs=1e-12)
        assert best[b] == pytest.approx(max(scores.values()), abs=1e-12)
        assert scores[tuple(paths[b, : inputs.lengths[b]])] == max(scores.values())
        for path, score in scores.items():
            share = weights[b] * np.exp(score - total)
            expected[0][b, range(len(path)), path] += share
            expected[1][path[0]] += share
            expected[2][path[-1]] += share
            for pair in itertools.pairwise(path):
                expected[3][pair] += share
    for found, wanted in zip((d_emissions, d_start, d_end, d_transitions), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-13)
    np.testing.assert_array_equal(log_partition(*inputs), log_z)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("tags", [5, 8, 23])
def test_equals_pytorch_crf_in_float64(tags, dtype):
    inputs = make_inputs(tags, lengths=[40, 3, 17, 1, 2, 39, 40, 5, 6, 12], dtype=dtype)
    weights = np.linspace(-1.0, 2.0, 10)
    found = derivatives(*inputs, weights)
    np.testing.assert_allclose(found.log_z, [forward_in_log_space(inputs, b) for b in range(10)], rtol=1e-13)
    for ours, theirs in zip(found[1:], torch_gradients(inputs, weights), strict=True):
        assert ours.dtype == np.float64
        np.testing.assert_allclose(ours, theirs, atol=1e-12)


@pytest.mark.parametrize("tags", [1, 5, 8, 37])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("step", [0.0, 0.5])
def test_paths_are_those_of_pytorch_crf(tags, dtype, step):
    """With scores on a coarse grid nearly every word has ties."""
    inputs = make_inputs(tags, lengths=[60, 3, 17, 1, 2, 59, 60, 5], dtype=dtype)
    if step:
        inputs = inputs._replace(
            **{n: np.round(getattr(inputs, n) / step) * step for n in inputs._fields if n != "lengths"}
        )
    inputs = forbid(inputs, share=0.2)
    inputs = Inputs(*(x.astype(dtype) if x.dtype.kind == "f" else x for x in inputs))
    paths, best = viterbi(*inputs)
    with torch.no_grad():
        expected = to_torchcrf(inputs).decode(torch.from_numpy(inputs.emissions), to_mask(inputs))
    for b, length in enumerate(inputs.lengths):
        assert paths[b, :length].tolist() == expected[b]
        assert (paths[b, length:] == 0).all()
        score = inputs.start[paths[b, 0]] + inputs.emissions[b, range(length), paths[b, :length]].sum()
        score += inputs.transitions[paths[b, : length - 1], paths[b, 1:length]].sum() + inputs.end[paths[b, length - 1]]
        assert best[b] == pytest.approx(score, rel=1e-5, abs=1e-4)


def test_two_islands():
    """No move between two groups of tags; the one that is 100 nats ahead at first loses by 80 in the end."""
    transitions = np.full((4, 4), -np.inf)
    transitions[:2, :2] = transitions[2:, 2:] = 0.0
    emissions = np.zeros((1, 2, 4))
    emissions[0, 0, :2], emissions[0, 1, 2:] = 100.0, 180.0
    inputs = Inputs(emissions, np.array([2]), np.zeros(4), np.zeros(4), transitions)
    assert log_partition(*inputs)[0] == pytest.approx(180.0 + np.log(4.0), abs=1e-12)


@pytest.mark.parametrize("gap", [400.0, 600.0, 2000.0, 1e5])
@pytest.mark.parametrize("word", [0, 1])
def test_islands_beyond_the_range_of_float64(gap, word):
    """exp(-gap) is subnormal or zero: only log space gives the answer, and only where needed."""
    transitions = np.full((4, 4), -np.inf)
    transitions[:2, :2] = transitions[2:, 2:] = 0.0
    inputs = make_inputs(4, lengths=[4, 4, 4])._replace(transitions=transitions)
    inputs.emissions[0, word, :2] += gap
    inputs.emissions[0, 3, 2:] += gap + 1.0
    inputs.emissions[2, word, 2:] += gap + 1.0
    inputs.emissions[2, 3, :2] += gap
    found = derivatives(*inputs, np.ones(3))
    np.testing.assert_allclose(found.log_z, [forward_in_log_space(inputs, b) for b in range(3)], rtol=1e-13)
    for ours, theirs in zip(found[1:], torch_gradients(inputs, np.ones(3)), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-9)
    np.testing.assert_array_equal(found.log_z, log_partition(*inputs))


def test_a_tag_that_cannot_be_reached_has_a_beta_without_bound():
    """Tag 0 is far ahead at each word and no sentence may begin with it, nor move to it."""
    inputs = make_inputs(2, lengths=[9])
    inputs.emissions[:] = [200.0, 0.0]
    inputs.start[:], inputs.end[:] = (-np.inf, 0.0), 0.0
    inputs.transitions[:] = [[0.0, 0.0], [-np.inf, 0.0]]
    found = derivatives(*inputs, np.ones(1))
    assert found.log_z[0] == pytest.approx(0.0, abs=1e-9)
    np.testing.assert_allclose(found.d_emissions[0], [[0.0, 1.0]] * 9)
    np.testing.assert_allclose(found.d_transitions, [[0.0, 0.0], [0.0, 8.0]])


def test_finite_penalties_of_ten_thousand_nats():
    """A finite score may underflow to zero like a forbidden move, but the tag behind it can be reached."""
    inputs = make_inputs(3, lengths=[3])
    inputs.transitions[:] = np.array([[0.0, -1e4, -1e4], [-1e4, 0.0, -1e4], [-1e4, -1e4, 0.0]])
    inputs.start[:], inputs.end[:] = (0.0, -1e4, -1e4), (-1e4, -1e4, 0.0)
    found = derivatives(*inputs, np.ones(1))
    assert found.log_z[0] == pytest.approx(forward_in_log_space(inputs, 0), rel=1e-13)
    np.testing.assert_allclose(found.d_transitions, torch_gradients(inputs, np.ones(1))[3], atol=1e-10)


def test_long_sentences_of_huge_scores():
    inputs = make_inputs(73, lengths=[512, 100], dtype=np.float32, spread=1e4)
    found = derivatives(*inputs, np.ones(2))
    np.testing.assert_allclose(found.log_z, [forward_in_log_space(inputs, b) for b in range(2)], rtol=1e-13)
    for ours, theirs in zip(found[1:], torch_gradients(inputs, np.ones(2)), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
    paths, best = viterbi(*(x.astype(np.float64) if x.dtype == np.float32 else x for x in inputs))
    assert (best <= found.log_z).all()
    assert (best > found.log_z - 10.0).all()
    np.testing.assert_array_equal(found.d_emissions[0].argmax(-1), paths[0])


def test_sentence_without_a_legal_path():
    """Its log Z is minus infinity; it moves nothing, and its neighbours are as they were."""
    inputs = make_inputs(3, lengths=[4, 3, 2])
    inputs.emissions[1, 1] = -np.inf
    log_z, d_emissions, *_ = derivatives(*inputs, np.ones(3))
    assert log_z[1] == -np.inf
    assert (d_emissions[1] == 0.0).all()
    np.testing.assert_allclose(d_emissions[[0, 2]].sum(-1), [[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 0.0, 0.0]])
    assert viterbi(*inputs)[1][1] == -np.inf
    forbidden = inputs._replace(end=np.full(3, -np.inf))
    assert (log_partition(*forbidden) == -np.inf).all()


def test_allowed_tags_as_emissions_of_minus_infinity():
    """Partial labels: the log-partition over the allowed tags only."""
    inputs = make_inputs(3, lengths=[4, 2])
    inputs.emissions[0, [0, 2, 2], [1, 0, 2]] = -np.inf
    log_z, d_emissions, *_ = derivatives(*inputs, np.ones(2))
    assert log_z[0] == pytest.approx(forward_in_log_space(inputs, 0), abs=1e-12)
    assert d_emissions[0, [0, 2, 2], [1, 0, 2]].tolist() == [0.0, 0.0, 0.0]


def test_nan_in_a_word_is_not_hidden():
    inputs = make_inputs(5)
    inputs.emissions[0, 2, 3] = np.nan
    log_z = log_partition(*inputs)
    assert np.isnan(log_z[0])
    assert np.isfinite(log_z[1:]).all()


def test_a_batch_is_its_sentences_one_by_one():
    inputs = make_inputs(9, lengths=[6, 2, 9, 1, 9, 4, 3, 8, 5, 7, 9])
    log_z, d_emissions, *_ = derivatives(*inputs, np.ones(11))
    for b, length in enumerate(inputs.lengths):
        alone = inputs._replace(emissions=inputs.emissions[b : b + 1, :length], lengths=inputs.lengths[b : b + 1])
        found = derivatives(*alone, np.ones(1))
        assert found.log_z[0] == log_z[b]
        np.testing.assert_array_equal(found.d_emissions[0], d_emissions[b, :length])
