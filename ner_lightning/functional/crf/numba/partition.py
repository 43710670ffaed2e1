"""The log-partition of the linear-chain CRF and its derivatives by the compiled CPU kernels, on numpy arrays.

Every sentence is computed in exponential space, and again in log space if its numbers leave the range there.
"""

from typing import Any

import numpy as np
from jaxtyping import Float, Float64, Int64
from numpy.typing import NDArray

from ner_lightning.functional.crf.numba.exponential_space import marginals_kernel, partition_kernel
from ner_lightning.functional.crf.numba.log_space import log_space_marginals, log_space_partition

__all__ = ["differentiate", "log_partition"]


def log_partition(
    emissions: Float[np.ndarray, "batch words tags"],
    lengths: Int64[np.ndarray, "batch"],
    start: Float[np.ndarray, "tags"],
    end: Float[np.ndarray, "tags"],
    transitions: Float[np.ndarray, "tags tags"],
) -> Float64[np.ndarray, "batch"]:
    """Compute log Z: the log of the sum of exp(score) over all tag sequences of each sentence, in nats.

    Args:
        emissions: Scores of the tags of each word, float32 or float64, checked like all arguments here by
            `in_numba.as_arrays`. Padding is never read.
        lengths: Words of each sentence, at least 1.
        start: Score of a sentence beginning with a tag; minus infinity forbids it, as in the next two.
        end: Score of a sentence ending with a tag.
        transitions: Score of tag i followed by tag j at [i, j].

    Returns:
        float64; minus infinity for a sentence without a legal path.

    >>> zeros = np.zeros(2)
    >>> np.exp(log_partition(np.zeros((1, 3, 2)), np.array([3]), zeros, zeros, np.zeros((2, 2)))).round(6)
    array([8.])
    """
    # float32 is read as it is: a float64 copy of the batch would cost more memory than everything else here.
    emissions, scores = np.ascontiguousarray(emissions), (_scores(start), _scores(end), _scores(transitions))
    log_z = np.empty(len(lengths))
    # The arrays to fill are made here: returning one from a compiled function takes longer than a short sentence.
    if partition_kernel(emissions, lengths, *scores, log_z):
        again = np.flatnonzero(np.isnan(log_z))
        log_z[again] = log_space_partition(_scores(emissions[again]), lengths[again], *scores)
    return log_z


def differentiate(
    emissions: Float[np.ndarray, "batch words tags"],
    lengths: Int64[np.ndarray, "batch"],
    start: Float64[np.ndarray, "tags"],
    end: Float64[np.ndarray, "tags"],
    transitions: Float64[np.ndarray, "tags tags"],
    weights: Float64[np.ndarray, "batch"],
    log_z: Float64[np.ndarray, "batch"],
    d_emissions: Float[np.ndarray, "batch words tags"],
    d_moves: Float64[np.ndarray, "moves tags"],
) -> None:
    """Compute log Z and the derivatives of sum(weights * log Z): expected counts of tags and pairs of tags.

    With weights of one, d_emissions holds the marginals P(tag of word t = j | sentence). Padding gets zeros, and so
    does a sentence without a legal path. Arrays are contiguous; the last three are filled here.

    Args:
        emissions: As in `log_partition`, like the following four.
        lengths: Words of each sentence.
        start: Score of a sentence beginning with a tag.
        end: Score of a sentence ending with a tag.
        transitions: Score of tag i followed by tag j at [i, j].
        weights: Weight of each sentence's log Z in the sum: the incoming gradient.
        log_z: To be filled.
        d_emissions: To be filled, float32 or float64.
        d_moves: The derivatives of start, end and transitions, in this order, are added to its rows.

    >>> given = np.zeros((1, 3, 2)), np.array([3]), np.zeros(2), np.zeros(2), np.zeros((2, 2)), np.ones(1)
    >>> differentiate(*given, np.empty(1), marginals := np.empty((1, 3, 2), np.float32), np.zeros((4, 2)))
    >>> marginals[0, 0]
    array([0.5, 0.5], dtype=float32)
    """
    scores = start, end, transitions
    if marginals_kernel(emissions, lengths, *scores, weights, log_z, d_emissions, d_moves):
        again = np.flatnonzero(np.isnan(log_z))
        found = log_space_marginals(_scores(emissions[again]), lengths[again], *scores, weights[again])
        log_z[again], d_emissions[again] = found[:2]
        d_moves += found[2]


def _scores(array: NDArray[Any]) -> NDArray[np.float64]:
    return np.ascontiguousarray(array, dtype=np.float64)
