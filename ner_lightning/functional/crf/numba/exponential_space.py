"""Compiled CPU kernels of the linear-chain CRF: the log-partition and its derivatives in exponential space.

Forward and backward run in float64, one sentence at a time, rescaled where needed (Rabiner, 1989, section V.A). That is
exact as long as no tag underflows that may still count; a sentence in which one does is left to `log_space`.

Rows are passed as an array and an index, not as slices: numba counts references to a slice, atomically, at each word.
"""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from ner_lightning.functional.crf.numba.compiled import compiled

__all__ = ["marginals_kernel", "partition_kernel"]

# Weights of a word are divided by their sum when it leaves this range.
_SMALL, _LARGE = 1e-20, 1e20
# A smaller weight counts as lost. The range down to 1e-308 is for products with transition factors: what they lose is
# then less than 1e-58 of what it is added to.
_LOST = 1e-250
# If moves differ by no more than this, in nats, a lost tag cannot catch up again. 400 would do.
_HARMLESS_SPREAD = 120.0
# exp() of anything below is taken as zero, since the result would be a subnormal number.
_LOWEST_EXPONENT = -708.0

# What LLVM may do beyond strict IEEE arithmetic, and why it changes no answer here. `contract` fuses a product and
# a sum (one rounding fewer). `reassoc` reorders sums so that they vectorise; only sums of non-negative float64 numbers
# carry it, and those are accurate to n * 1e-16 in any order. Neither assumes the absence of NaN or infinity.
_FUSED = ("contract",)
_ANY_ORDER = ("contract", "reassoc")


@compiled(*_FUSED)
def _exp(x):
    """Compute e**x for x <= 0, to one unit in the last place; unlike the C library's, loops over it vectorise."""
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


class _Moves(NamedTuple):
    """Start, end and transition scores, and their exponentials relative to the largest of each kind."""

    start: Float64[np.ndarray, "tags"]
    end: Float64[np.ndarray, "tags"]
    transitions: Float64[np.ndarray, "tags tags"]
    start_factors: Float64[np.ndarray, "tags"]
    end_factors: Float64[np.ndarray, "tags"]
    factors: Float64[np.ndarray, "tags tags"]
    factors_into: Float64[np.ndarray, "tags tags"]  # transposed: [to, from]
    ends_offset: float  # what log Z lost by the division, once a sentence
    offset: float  # and once a transition
    guarded: bool  # whether a lost tag may count in the end


@compiled(*_FUSED)
def _exp_all(values, count):
    """Exponentiate the first `count` values in place: one long loop instead of a short one for each word."""
    for k in range(count):
        values[k] = _exp(values[k])


@compiled(*_FUSED)
def _largest(emissions, b, t):
    """Find the largest score of a word, by four interleaved maxima, so that no step waits for the one before."""
    n = emissions.shape[2]
    first = second = third = fourth = emissions[b, t, 0]
    for j in range(0, n - 3, 4):
        first = emissions[b, t, j] if emissions[b, t, j] > first else first
        second = emissions[b, t, j + 1] if emissions[b, t, j + 1] > second else second
        third = emissions[b, t, j + 2] if emissions[b, t, j + 2] > third else third
        fourth = emissions[b, t, j + 3] if emissions[b, t, j + 3] > fourth else fourth
    for j in range(n - n % 4, n):
        first = emissions[b, t, j] if emissions[b, t, j] > first else first
    return np.float64(max(max(first, second), max(third, fourth)))


@compiled(*_FUSED)
def _factors(emissions, b, words, factors):
    """Set factors[t, j] = exp(emission - largest of its word) for sentence b; returns the sum of these largest."""
    n = emissions.shape[2]
    total = 0.0
    for t in range(words):
        shift = _largest(emissions, b, t)
        shift = shift if shift != -np.inf else 0.0  # subtracting minus infinity would make NaN
        for j in range(n):
            factors[t, j] = emissions[b, t, j] - shift
        total += shift
    _exp_all(factors.reshape(-1), words * n)
    return total


@compiled(*_ANY_ORDER)
def _multiply(matrix, rows, t, out, s):
    """Set out[s] = matrix @ rows[t], four sums at a time: they vectorise and are stored only once."""
    n = matrix.shape[0]
    blocked = n - n % 4
    for i in range(0, blocked, 4):
        a = b = c = d = 0.0
        for j in range(n):
            value = rows[t, j]
            a += value * matrix[i, j]
            b += value * matrix[i + 1, j]
            c += value * matrix[i + 2, j]
            d += value * matrix[i + 3, j]
        out[s, i], out[s, i + 1], out[s, i + 2], out[s, i + 3] = a, b, c, d
    for i in range(blocked, n):
        a = 0.0
        for j in range(n):
            a += rows[t, j] * matrix[i, j]
        out[s, i] = a


@compiled(*_ANY_ORDER)
def _weigh(alphas, t, factors):
    """Multiply alphas[t] by the word's factors, lost ones to zero; returns their sum and how many are zero."""
    total = 0.0
    lost = 0
    for j in range(alphas.shape[1]):
        value = alphas[t, j] * factors[t, j]
        value = 0.0 if value < _LOST else value
        alphas[t, j] = value
        total += value
        lost += 0 if value > 0.0 else 1
    return total, lost


@compiled(*_FUSED)
def _underflowed(alphas, t, emissions, b, start, transitions):
    """Tell whether a tag of word t with weight zero can be reached; if none can, the zeros are the truth."""
    n = alphas.shape[1]
    for j in range(n):
        if alphas[t, j] > 0.0 or emissions[b, t, j] == -np.inf:
            continue
        if t == 0:
            if start[j] != -np.inf:
                return True
            continue
        for i in range(n):
            if alphas[t - 1, i] > 0.0 and transitions[i, j] != -np.inf:
                return True
    return False


@compiled(*_FUSED)
def _exponentials(scores, out, transposed):
    """Set out = exp(scores - largest); returns the largest, 0 if that is minus infinity, and the smallest."""
    largest, smallest = -np.inf, np.inf
    for value in scores.flat:
        largest = max(largest, value)
        smallest = min(smallest, value)
    shift = largest if largest != -np.inf else 0.0
    rows, columns = scores.shape
    for i in range(rows):
        for j in range(columns):
            out[i, j] = transposed[j, i] = _exp(scores[i, j] - shift)
    return shift, smallest


@compiled(*_FUSED)
def _moves(start, end, transitions):
    n = start.shape[0]
    start_factors, end_factors, unused = np.empty((1, n)), np.empty((1, n)), np.empty((n, 1))
    factors, factors_into = np.empty((n, n)), np.empty((n, n))
    start_top, start_low = _exponentials(start.reshape(1, n), start_factors, unused)
    end_top, end_low = _exponentials(end.reshape(1, n), end_factors, unused)
    top, low = _exponentials(transitions, factors, factors_into)
    spread = max(start_top, end_top, top) - min(start_low, end_low, low)
    return _Moves(
        start,
        end,
        transitions,
        start_factors[0],
        end_factors[0],
        factors,
        factors_into,
        start_top + end_top,
        top,
        not spread <= _HARMLESS_SPREAD,
    )


@compiled(*_ANY_ORDER)
def _finish(alphas, last, end_factors):
    """Sum the weights of the last word, each times the factor of ending there."""
    total = 0.0
    for j in range(alphas.shape[1]):
        total += alphas[last, j] * end_factors[j]
    return total


@compiled(*_FUSED)
def _can_end(alphas, last, end):
    # A loop, because numba compiles `any` of a generator to something slow.
    possible = False
    for j in range(alphas.shape[1]):
        possible |= alphas[last, j] != 0.0 and end[j] != -np.inf
    return possible


@compiled(*_FUSED)
def _forward(emissions, b, words, moves, alphas, factors, scales):
    """Set alphas[t, j] to the weight of all beginnings of sentence b; returns log Z and whether to trust it."""
    n = alphas.shape[1]
    log_z = _factors(emissions, b, words, factors) + moves.ends_offset + (words - 1) * moves.offset
    for t in range(words):
        if t == 0:
            for j in range(n):
                alphas[0, j] = moves.start_factors[j]
        else:
            _multiply(moves.factors_into, alphas, t - 1, alphas, t)
        total, lost = _weigh(alphas, t, factors)
        if lost and moves.guarded and _underflowed(alphas, t, emissions, b, moves.start, moves.transitions):
            return log_z, False
        scales[t] = 1.0
        if total < _SMALL or total > _LARGE:
            if total == 0.0:
                return -np.inf, True  # no legal path
            scales[t] = 1.0 / total
            for j in range(n):
                alphas[t, j] *= scales[t]
            log_z += math.log(total)
    total = _finish(alphas, words - 1, moves.end_factors)
    scales[words] = 1.0 / total
    if total < _LOST:
        return -np.inf, not _can_end(alphas, words - 1, moves.end)
    return log_z + math.log(total), True


@compiled(*_FUSED)
def _backward(b, words, moves, weight, alphas, factors, scales, betas, d_emissions):
    """Turn betas into marginals after `_forward` of sentence b, and factors[t] into what `_pairs` needs.

    betas carry the scales of alphas, so that alpha * beta is the marginal itself (Rabiner's scaling).
    """
    n = alphas.shape[1]
    for j in range(n):
        betas[words - 1, j] = moves.end_factors[j] * scales[words]
    for t in range(words - 1, -1, -1):
        scale = scales[t]
        for j in range(n):
            # A tag that cannot be reached has marginal zero, but its beta may be arbitrarily large.
            beta = betas[t, j] if alphas[t, j] > 0.0 else 0.0
            betas[t, j] = alphas[t, j] * beta
            d_emissions[b, t, j] = weight * betas[t, j]
            factors[t, j] = (factors[t, j] * beta) * scale
        if t > 0:
            _multiply(moves.factors, factors, t, betas, t - 1)


@compiled(*_ANY_ORDER)
def _pairs(words, alphas, weighted, weight, out):
    """Add weight * sum over t of alphas[t - 1, i] * weighted[t, j] to out[i, j], four words at a time."""
    n = alphas.shape[1]
    blocked = words - (words - 1) % 4
    for t in range(1, blocked, 4):
        for i in range(n):
            a, b = weight * alphas[t - 1, i], weight * alphas[t, i]
            c, d = weight * alphas[t + 1, i], weight * alphas[t + 2, i]
            for j in range(n):
                out[i, j] += (a * weighted[t, j] + b * weighted[t + 1, j]) + (
                    c * weighted[t + 2, j] + d * weighted[t + 3, j]
                )
    for t in range(blocked, words):
        for i in range(n):
            a = weight * alphas[t - 1, i]
            for j in range(n):
                out[i, j] += a * weighted[t, j]


@compiled(*_FUSED)
def partition_kernel(emissions, lengths, start, end, transitions, log_z):
    """Fill log_z; returns how many sentences need log space (their log_z is NaN)."""
    _, words, n = emissions.shape
    moves = _moves(start, end, transitions)
    alphas, factors, scales = np.empty((words, n)), np.empty((words, n)), np.empty(words + 1)
    untrusted = 0
    for b in range(lengths.shape[0]):
        log_z[b], trusted = _forward(emissions, b, lengths[b], moves, alphas, factors, scales)
        if not trusted:
            log_z[b] = np.nan
            untrusted += 1
    return untrusted


@compiled(*_FUSED)
def marginals_kernel(emissions, lengths, start, end, transitions, weights, log_z, d_emissions, d_moves):
    """Fill log_z as `partition_kernel` does, fill d_emissions, and add to d_moves: start, end, transitions."""
    _, words, n = emissions.shape
    moves = _moves(start, end, transitions)
    alphas, factors, scales = np.empty((words, n)), np.empty((words, n)), np.empty(words + 1)
    betas, d_transitions = np.empty((words, n)), d_moves[2:]
    untrusted = 0
    for b in range(lengths.shape[0]):
        length, weight, filled = lengths[b], weights[b], 0
        log_z[b], trusted = _forward(emissions, b, length, moves, alphas, factors, scales)
        if not trusted:
            log_z[b] = np.nan
            untrusted += 1
        elif log_z[b] != -np.inf:  # else there is nothing to differentiate
            _backward(b, length, moves, weight, alphas, factors, scales, betas, d_emissions)
            _pairs(length, alphas, factors, weight, d_transitions)
            for j in range(n):
                d_moves[0, j] += weight * betas[0, j]
                d_moves[1, j] += weight * betas[length - 1, j]
            filled = length
        for t in range(filled, words):
            for j in range(n):
                d_emissions[b, t, j] = 0.0
    for i in range(n):
        for j in range(n):
            d_transitions[i, j] *= moves.factors[i, j]
    return untrusted
