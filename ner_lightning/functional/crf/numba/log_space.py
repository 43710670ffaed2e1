"""Compiled CPU kernels of the linear-chain CRF in log space: exact for any scores, ten times slower.

They take the sentences that exponential space cannot: those in which a tag more than 500 nats behind at one word may
still be on the best path.
"""

import math

import numpy as np

from ner_lightning.functional.crf.numba.compiled import compiled

__all__ = ["log_space_marginals", "log_space_partition"]


@compiled()
def _log_sum_exp(values):
    """Compute log(sum(exp(values))): minus infinity if all values are, NaN if one is."""
    largest = -np.inf
    for value in values:
        if not value <= largest:
            largest = value
    if largest == -np.inf:
        return largest
    total = 0.0
    for value in values:
        if not value < largest - 750.0:  # exp() of the difference would be zero
            total += math.exp(value - largest)
    return largest + math.log(total)


@compiled()
def _forward(emissions, start, end, into, alphas, scores):
    """Set alphas[t, j] to the log of the summed weight of all that ends in tag j at word t; returns log Z."""
    words, n = emissions.shape
    for j in range(n):
        alphas[0, j] = start[j] + emissions[0, j]
    for t in range(1, words):
        for j in range(n):
            for i in range(n):
                scores[i] = alphas[t - 1, i] + into[j, i]
            alphas[t, j] = _log_sum_exp(scores) + emissions[t, j]
    for j in range(n):
        scores[j] = alphas[words - 1, j] + end[j]
    return _log_sum_exp(scores)


@compiled()
def _backward(emissions, end, transitions, alphas, log_z, weight, scores, d_emissions, d_transitions):
    """Write marginals times weight to d_emissions and add pairs to d_transitions, after `_forward`."""
    words, n = emissions.shape
    beta, ahead = end.copy(), np.empty(n)
    for t in range(words - 1, -1, -1):
        for j in range(n):
            d_emissions[t, j] = weight * math.exp((alphas[t, j] + beta[j]) - log_z)
            ahead[j] = emissions[t, j] + beta[j]
        if t > 0:
            for i in range(n):
                for j in range(n):
                    scores[j] = transitions[i, j] + ahead[j]
                beta[i] = _log_sum_exp(scores)
                for j in range(n):
                    pair = (alphas[t - 1, i] + scores[j]) - log_z
                    if not pair < -750.0:
                        d_transitions[i, j] += weight * math.exp(pair)


@compiled()
def log_space_partition(emissions, lengths, start, end, transitions):
    """Compute the same as `partition.log_partition`, for contiguous float64 and int64 arrays."""
    batch, words, n = emissions.shape
    log_z, alphas, scores, into = np.empty(batch), np.empty((words, n)), np.empty(n), transitions.T.copy()
    for b in range(batch):
        log_z[b] = _forward(emissions[b, : lengths[b]], start, end, into, alphas, scores)
    return log_z


@compiled()
def log_space_marginals(emissions, lengths, start, end, transitions, weights):
    """Compute the same as `partition.differentiate`, for contiguous float64 and int64 arrays."""
    batch, words, n = emissions.shape
    log_z, alphas, scores, into = np.empty(batch), np.empty((words, n)), np.empty(n), transitions.T.copy()
    d_emissions, d_moves = np.zeros((batch, words, n)), np.zeros((n + 2, n))
    for b in range(batch):
        sentence, gradient = emissions[b, : lengths[b]], d_emissions[b, : lengths[b]]
        log_z[b] = _forward(sentence, start, end, into, alphas, scores)
        if log_z[b] == -np.inf:
            continue  # no legal path: nothing to differentiate
        _backward(sentence, end, transitions, alphas, log_z[b], weights[b], scores, gradient, d_moves[2:])
        for j in range(n):
            d_moves[0, j] += gradient[0, j]
            d_moves[1, j] += gradient[lengths[b] - 1, j]
    return log_z, d_emissions, d_moves
