"""Compiled CPU kernels of the linear-chain CRF: the log-partition and its derivatives, on numpy arrays.

Forward and backward run in exponential space in float64, one sentence at a time, rescaled at every word (Rabiner, 1989,
section V.A). That is exact as long as no tag that can be reached underflows; where one does, the sentence is done again
in log space.

Everything compiled for the loss stands in this one file: numba's cache on disk notices a change of the file that a
function is defined in, not of the files it calls.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int64
from numpy.typing import NDArray

from ner_lightning.functional.compiled import check_shapes, compiled

__all__ = ["PartitionGradients", "log_partition", "log_partition_and_marginals"]

# Below this share of its word's total a tag counts as lost. The room down to 1e-308 is for the products with transition
# factors: what those lose is then less than 1e-58 of what it is added to.
_LOST = 1e-250
# exp() of anything below is taken as zero: the result would be a subnormal number.
_LOWEST_EXPONENT = -708.0

# What LLVM may do beyond strict IEEE arithmetic, and why it changes no answer here. `contract` fuses a product and
# a sum (one rounding fewer). `reassoc` reorders sums so that they vectorise; only sums of non-negative float64 numbers
# carry it, and those are accurate to n * 1e-16 in any order. Neither assumes the absence of NaN or infinity.
_FUSED = ("contract",)
_ANY_ORDER = ("contract", "reassoc")


@compiled(*_FUSED)
def _exp(x):
    """e**x for x <= 0, to one unit in the last place; unlike the C library's, loops over it vectorise."""
    y = x if x > _LOWEST_EXPONENT else _LOWEST_EXPONENT
    # x = k ln 2 + r: adding 1.5 * 2**52 leaves the rounded k in the low bits of the float.
    shifted = y * 1.4426950408889634 + 6755399441055744.0
    k = shifted - 6755399441055744.0
    r = (y - k * 0.693147180369123816490) - k * 1.90821492927058770002e-10
    p = 1.6059043836821613e-10  # Taylor series to r**13 / 13!, |r| <= ln 2 / 2
    p = p * r + 2.08767569878681e-09
    p = p * r + 2.505210838544172e-08
    p = p * r + 2.755731922398589e-07
    p = p * r + 2.7557319223985893e-06
    p = p * r + 2.48015873015873e-05
    p = p * r + 1.984126984126984e-04
    p = p * r + 1.388888888888889e-03
    p = p * r + 8.333333333333333e-03
    p = p * r + 4.1666666666666664e-02
    p = p * r + 1.6666666666666666e-01
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    power = np.int64((np.float64(shifted).view(np.int64) + 1023) << 52).view(np.float64)
    result = p * power
    return result if x >= _LOWEST_EXPONENT else (0.0 if x < _LOWEST_EXPONENT else x)  # NaN stays NaN


@compiled(*_FUSED)
def _largest(values):
    """The maximum; 0 if nothing is above minus infinity, so that subtracting it makes no NaN."""
    largest = -np.inf
    for value in values.flat:
        if value > largest:
            largest = value
    return largest if largest > -np.inf else 0.0


@compiled(*_FUSED)
def _exp_scaled(values, out):
    """Set out = exp(values - max) and return the maximum."""
    largest = _largest(values)
    for j in range(values.shape[0]):
        out[j] = _exp(np.float64(values[j]) - largest)
    return np.float64(largest)


@compiled(*_ANY_ORDER)
def _multiply(row, matrix, out):
    """Set out = row @ matrix: four rows of the matrix at a time, the inner loop contiguous, so that it vectorises."""
    n = row.shape[0]
    out[:] = 0.0
    blocked = n - n % 4
    for i in range(0, blocked, 4):
        a, b, c, d = row[i], row[i + 1], row[i + 2], row[i + 3]
        first, second, third, fourth = matrix[i], matrix[i + 1], matrix[i + 2], matrix[i + 3]
        for j in range(n):
            out[j] += (a * first[j] + b * second[j]) + (c * third[j] + d * fourth[j])
    for i in range(blocked, n):
        a = row[i]
        first = matrix[i]
        for j in range(n):
            out[j] += a * first[j]


@compiled(*_ANY_ORDER)
def _weigh(values, factors):
    """Multiply values by factors in place; return their sum and how many of them count as lost (NaN included)."""
    total = 0.0
    lost = 0
    for j in range(values.shape[0]):
        value = values[j] * factors[j]
        values[j] = value
        total += value
        lost += 0 if value >= _LOST else 1
    return total, lost


@compiled(*_FUSED)
def _underflowed(before, weights, transitions, emissions):
    """Whether a tag counted as lost can be reached: if not, its weight of zero is the truth."""
    n = weights.shape[0]
    for j in range(n):
        if weights[j] >= _LOST or emissions[j] == -np.inf:
            continue
        if weights[j] != 0.0:
            return True
        for i in range(n):
            if before[i] > 0.0 and transitions[i, j] != -np.inf:
                return True
    return False


@compiled(*_FUSED)
def _forward(emissions, start, end, transitions, factors, offset, start_factors, end_factors, alphas, exps, scales):
    """One sentence: alphas sum to one at every word; returns (log_z, whether that can be trusted)."""
    words, n = emissions.shape
    log_z = _largest(start) + _largest(end) + offset * (words - 1)
    for t in range(words):
        alpha = alphas[t]
        log_z += _exp_scaled(emissions[t], exps[t])
        if t == 0:
            alpha[:] = start_factors
        else:
            _multiply(alphas[t - 1], factors, alpha)
        total, lost = _weigh(alpha, exps[t])
        if lost:
            if t == 0:
                for j in range(n):
                    if not alpha[j] >= _LOST and start[j] != -np.inf and emissions[t, j] != -np.inf:
                        return log_z, False
            elif _underflowed(alphas[t - 1], alpha, transitions, emissions[t]):
                return log_z, False
            if total == 0.0:
                return -np.inf, True  # no legal path
        inverse = 1.0 / total
        for j in range(n):
            alpha[j] *= inverse
        scales[t] = inverse
        log_z += math.log(total)
    total = 0.0
    for j in range(n):
        total += alphas[words - 1, j] * end_factors[j]
    if total >= _LOST:
        scales[words] = 1.0 / total
        return log_z + math.log(total), True
    for j in range(n):
        if alphas[words - 1, j] != 0.0 and end[j] != -np.inf:
            return log_z, False
    return -np.inf, True


@compiled(*_FUSED)
def _backward(factors_transposed, end_factors, alphas, exps, scales, beta, d_emissions, weight):
    """One sentence after `_forward`: marginals times weight into d_emissions; exps becomes what `_pairs` needs.

    beta carries the scales of alpha, so alpha * beta is the marginal itself (Rabiner's scaling).
    """
    words, n = alphas.shape
    for j in range(n):
        beta[j] = end_factors[j] * scales[words] if alphas[words - 1, j] > 0.0 else 0.0
    for t in range(words - 1, -1, -1):
        alpha, factor, scale = alphas[t], exps[t], scales[t]
        for j in range(n):
            d_emissions[t, j] = weight * (alpha[j] * beta[j])
        if t > 0:
            for j in range(n):
                factor[j] = (factor[j] * beta[j]) * scale
            _multiply(factor, factors_transposed, beta)
            before = alphas[t - 1]
            for j in range(n):
                # A tag that cannot be reached has no marginal, and its beta has no bound.
                beta[j] = beta[j] if before[j] > 0.0 else 0.0


@compiled(*_ANY_ORDER)
def _pairs(alphas, weighted, weight, out):
    """Add weight * sum over t of alphas[t - 1, i] * weighted[t, j] to out[i, j], four words at a time."""
    words, n = alphas.shape
    t = 1
    while t < words:
        block = min(4, words - t)
        if block == 4:
            first, second, third, fourth = weighted[t], weighted[t + 1], weighted[t + 2], weighted[t + 3]
            for i in range(n):
                a, b = weight * alphas[t - 1, i], weight * alphas[t, i]
                c, d = weight * alphas[t + 1, i], weight * alphas[t + 2, i]
                row = out[i]
                for j in range(n):
                    row[j] += (a * first[j] + b * second[j]) + (c * third[j] + d * fourth[j])
        else:
            for s in range(t, t + block):
                first = weighted[s]
                for i in range(n):
                    a = weight * alphas[s - 1, i]
                    row = out[i]
                    for j in range(n):
                        row[j] += a * first[j]
        t += block


@compiled(*_ANY_ORDER)
def _log_sum_exp(values, scratch):
    """log(sum(exp(values))), minus infinity for nothing but minus infinity."""
    largest = _exp_scaled(values, scratch)
    total = 0.0
    for j in range(values.shape[0]):
        total += scratch[j]
    return largest + math.log(total) if total != 0.0 else -np.inf


@compiled(*_FUSED)
def _forward_log(emissions, start, end, transitions_transposed, alphas, scores, scratch):
    """One sentence in log space: alphas[t, j] = log of the sum over all paths that end in tag j at word t."""
    words, n = emissions.shape
    for t in range(words):
        for j in range(n):
            if t == 0:
                alphas[t, j] = start[j] + emissions[t, j]
            else:
                for i in range(n):
                    scores[i] = alphas[t - 1, i] + transitions_transposed[j, i]
                alphas[t, j] = _log_sum_exp(scores, scratch) + emissions[t, j]
    for j in range(n):
        scores[j] = alphas[words - 1, j] + end[j]
    return _log_sum_exp(scores, scratch)


@compiled(*_FUSED)
def _backward_log(
    emissions, end, transitions, alphas, log_z, beta, scores, scratch, d_emissions, d_transitions, weight
):
    """One sentence after `_forward_log`: marginals into d_emissions, pair marginals added to d_transitions."""
    words, n = emissions.shape
    ahead = np.empty(n)
    for j in range(n):
        beta[j] = end[j]
    for t in range(words - 1, -1, -1):
        for j in range(n):
            d_emissions[t, j] = weight * math.exp((alphas[t, j] + beta[j]) - log_z)
            ahead[j] = emissions[t, j] + beta[j]
        if t > 0:
            for i in range(n):
                for j in range(n):
                    scores[j] = transitions[i, j] + ahead[j]
                beta[i] = _log_sum_exp(scores, scratch)
                for j in range(n):
                    d_transitions[i, j] += weight * math.exp((alphas[t - 1, i] + scores[j]) - log_z)


@compiled(*_FUSED)
def _exponentials(start, end, transitions):
    """Exponentials of each score over the largest of its kind, and that largest one of the transitions."""
    start_factors, end_factors = np.empty_like(start), np.empty_like(end)
    _exp_scaled(start, start_factors)
    _exp_scaled(end, end_factors)
    offset = _largest(transitions)
    factors = np.empty_like(transitions)
    for i in range(transitions.shape[0]):
        for j in range(transitions.shape[1]):
            factors[i, j] = _exp(transitions[i, j] - offset)
    return start_factors, end_factors, factors, offset


@compiled(*_FUSED)
def _partition_kernel(emissions, lengths, start, end, transitions):
    batch, words, n = emissions.shape
    start_factors, end_factors, factors, offset = _exponentials(start, end, transitions)
    alphas, exps, scales = np.empty((words, n)), np.empty((words, n)), np.empty(words + 1)
    log_z = np.empty(batch)
    for b in range(batch):
        sentence = emissions[b, : lengths[b]]
        log_z[b], trusted = _forward(
            sentence, start, end, transitions, factors, offset, start_factors, end_factors, alphas, exps, scales
        )
        if not trusted:
            log_z[b] = _forward_log(sentence, start, end, transitions.T.copy(), alphas, np.empty(n), np.empty(n))
    return log_z


@compiled(*_FUSED)
def _marginals_kernel(emissions, lengths, start, end, transitions, weights):
    batch, words, n = emissions.shape
    start_factors, end_factors, factors, offset = _exponentials(start, end, transitions)
    transposed, factors_transposed = transitions.T.copy(), factors.T.copy()
    alphas, exps, scales, beta = np.empty((words, n)), np.empty((words, n)), np.empty(words + 1), np.empty(n)
    scores, scratch = np.empty(n), np.empty(n)
    log_z, d_emissions = np.empty(batch), np.zeros((batch, words, n))
    d_start, d_end = np.zeros(n), np.zeros(n)
    d_transitions, pairs = np.zeros((n, n)), np.zeros((n, n))
    for b in range(batch):
        length = lengths[b]
        sentence, alpha, exp = emissions[b, :length], alphas[:length], exps[:length]
        d_sentence = d_emissions[b, :length]
        log_z[b], trusted = _forward(
            sentence, start, end, transitions, factors, offset, start_factors, end_factors, alpha, exp, scales
        )
        if not trusted:
            log_z[b] = _forward_log(sentence, start, end, transposed, alpha, scores, scratch)
        if log_z[b] == -np.inf:
            continue  # no legal path: nothing to differentiate
        if trusted:
            _backward(factors_transposed, end_factors, alpha, exp, scales, beta, d_sentence, weights[b])
            _pairs(alpha, exp, weights[b], pairs)
        else:
            _backward_log(
                sentence,
                end,
                transitions,
                alpha,
                log_z[b],
                beta,
                scores,
                scratch,
                d_sentence,
                d_transitions,
                weights[b],
            )
        d_start += d_sentence[0]
        d_end += d_sentence[length - 1]
    d_transitions += pairs * factors
    return log_z, d_emissions, d_start, d_end, d_transitions


class PartitionGradients(NamedTuple):
    """Log Z of each sentence, and the derivatives of their weighted sum."""

    log_z: Float64[np.ndarray, "batch"]
    d_emissions: Float64[np.ndarray, "batch words tags"]
    d_start: Float64[np.ndarray, "tags"]
    d_end: Float64[np.ndarray, "tags"]
    d_transitions: Float64[np.ndarray, "tags tags"]


def _scores(array: NDArray[Any]) -> NDArray[np.float64]:
    return np.ascontiguousarray(array, dtype=np.float64)


def _emissions(array: NDArray[Any]) -> NDArray[Any]:
    # float32 is read as it is: a float64 copy of the batch would cost more memory than everything else here.
    return np.ascontiguousarray(array, dtype=np.float32 if array.dtype in (np.float16, np.float32) else np.float64)


def log_partition(
    emissions: Float[np.ndarray, "batch words tags"],
    lengths: Int64[np.ndarray, "batch"],
    start: Float[np.ndarray, "tags"],
    end: Float[np.ndarray, "tags"],
    transitions: Float[np.ndarray, "tags tags"],
) -> Float64[np.ndarray, "batch"]:
    """Log Z: the log of the sum of exp(score) over all tag sequences of each sentence, in nats.

    Args:
        emissions: Scores of the tags of each word, float32 or float64. Padding is never read.
        lengths: Words of each sentence, at least 1.
        start: Score of a sentence beginning with a tag; minus infinity forbids it, as in the next two.
        end: Score of a sentence ending with a tag.
        transitions: Score of tag i followed by tag j at [i, j].

    Returns:
        float64; minus infinity for a sentence without a legal path.

    Raises:
        ValueError: shapes that do not fit together, or a length outside 1..words.

    >>> zeros = np.zeros(2)
    >>> np.exp(log_partition(np.zeros((1, 3, 2)), np.array([3]), zeros, zeros, np.zeros((2, 2)))).round(6)
    array([8.])
    """
    check_shapes(emissions, lengths, start, end, transitions)
    return _partition_kernel(
        _emissions(emissions), lengths.astype(np.int64), _scores(start), _scores(end), _scores(transitions)
    )


def log_partition_and_marginals(
    emissions: Float[np.ndarray, "batch words tags"],
    lengths: Int64[np.ndarray, "batch"],
    start: Float[np.ndarray, "tags"],
    end: Float[np.ndarray, "tags"],
    transitions: Float[np.ndarray, "tags tags"],
    weights: Float[np.ndarray, "batch"],
) -> PartitionGradients:
    """Log Z and the derivatives of sum(weights * log Z): expected counts of tags and pairs of tags (forward-backward).

    With weights of one, d_emissions holds the marginals P(tag of word t = j | sentence). Padding gets
    zeros, and so does a sentence without a legal path.

    Args:
        emissions: As in `log_partition`, like the following four.
        lengths: Words of each sentence, at least 1.
        start: Score of a sentence beginning with a tag.
        end: Score of a sentence ending with a tag.
        transitions: Score of tag i followed by tag j at [i, j].
        weights: What each sentence's log Z counts in the sum: the gradient that comes from above.

    Raises:
        ValueError: shapes that do not fit together, or a length outside 1..words.

    >>> zeros = np.zeros(2)
    >>> emissions = np.array([[[0.0, np.log(3.0)]]])
    >>> found = log_partition_and_marginals(emissions, np.array([1]), zeros, zeros, np.zeros((2, 2)), np.ones(1))
    >>> found.d_emissions.round(6)
    array([[[0.25, 0.75]]])
    """
    check_shapes(emissions, lengths, start, end, transitions)
    if weights.shape != lengths.shape:
        raise ValueError(f"expected a weight for each of {lengths.shape[0]} sentences, got shape {weights.shape}")
    return PartitionGradients(
        *_marginals_kernel(
            _emissions(emissions),
            lengths.astype(np.int64),
            _scores(start),
            _scores(end),
            _scores(transitions),
            _scores(weights),
        )
    )
