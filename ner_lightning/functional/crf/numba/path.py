"""Compiled CPU kernel of the linear-chain CRF: the score of given tags, taken from log Z and its derivatives."""

from typing import Any

import numpy as np
from jaxtyping import Float, Float64, Int64
from numpy.typing import NDArray

from ner_lightning.functional.crf.numba.compiled import check_lengths, check_shapes, compiled
from ner_lightning.functional.crf.numba.partition import PartitionGradients

__all__ = ["first_outside", "subtract", "subtract_path"]


@compiled()
def first_outside(tags, lengths, n):
    """Sentence and word of the first tag that is none, or (-1, -1)."""
    for b in range(lengths.shape[0]):
        for t in range(lengths[b]):
            if tags[b, t] < 0 or tags[b, t] >= n:
                return b, t
    return -1, -1


@compiled()
def subtract(
    emissions, lengths, start, end, transitions, weights, tags, value, d_emissions, d_start, d_end, d_transitions
):
    """`subtract_path` without a look at the arguments, which are contiguous."""
    for b in range(lengths.shape[0]):
        weight, last = weights[b], lengths[b] - 1
        score = start[tags[b, 0]] + end[tags[b, last]]
        d_start[tags[b, 0]] -= weight
        d_end[tags[b, last]] -= weight
        for t in range(last + 1):
            score += emissions[b, t, tags[b, t]]
            d_emissions[b, t, tags[b, t]] -= weight
            if t > 0:
                score += transitions[tags[b, t - 1], tags[b, t]]
                d_transitions[tags[b, t - 1], tags[b, t]] -= weight
        value[b] -= score


def subtract_path(
    found: PartitionGradients,
    emissions: Float[np.ndarray, "batch words tags"],
    lengths: Int64[np.ndarray, "batch"],
    start: Float[np.ndarray, "tags"],
    end: Float[np.ndarray, "tags"],
    transitions: Float[np.ndarray, "tags tags"],
    weights: Float64[np.ndarray, "batch"],
    tags: Int64[np.ndarray, "batch words"],
) -> None:
    """Turn log Z into the negative log-likelihood of tags, log Z - score(tags), and so its derivatives, in place.

    Expected counts become expected minus observed counts, in one pass over the words.

    Args:
        found: What `log_partition_and_marginals` returned for the arguments that follow.
        emissions: Scores of the tags of each word, float32 or float64. Padding is never read, here as in tags.
        lengths: Words of each sentence, at least 1.
        start: Score of a sentence beginning with a tag.
        end: Score of a sentence ending with a tag.
        transitions: Score of tag i followed by tag j at [i, j].
        weights: The weights that `found` was computed with.
        tags: The tag of each word.

    Raises:
        ValueError: shapes that do not fit together, or a tag that is none.

    >>> from ner_lightning.functional.crf.numba.partition import log_partition_and_marginals
    >>> given = (np.zeros((1, 3, 2)), np.array([3]), np.zeros(2), np.zeros(2), np.zeros((2, 2)), np.ones(1))
    >>> found = log_partition_and_marginals(*given)
    >>> subtract_path(found, *given, np.array([[0, 1, 1]]))
    >>> np.exp(found.log_z).round(6), found.d_emissions[0, 0]
    (array([8.]), array([-0.5,  0.5]))
    """
    check_shapes(emissions, lengths, start, end, transitions)
    check_lengths(emissions, lengths)
    if tags.shape != emissions.shape[:2]:
        raise ValueError(f"expected tags of shape {emissions.shape[:2]}, got {tags.shape}")
    tags, lengths = np.ascontiguousarray(tags, np.int64), lengths.astype(np.int64)
    row, word = first_outside(tags, lengths, len(start))
    if row >= 0:
        raise ValueError(
            f"expected tags of 0 to {len(start) - 1} at each word, got {tags[row, word]} in row {row} at word {word}"
        )
    scores: list[NDArray[Any]] = [
        np.ascontiguousarray(array, np.float64) for array in (start, end, transitions, weights)
    ]
    dtype = np.float32 if emissions.dtype in (np.float16, np.float32) else np.float64
    subtract(np.ascontiguousarray(emissions, dtype), lengths, *scores, tags, *found)
