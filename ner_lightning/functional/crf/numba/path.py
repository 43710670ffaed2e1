"""Compiled CPU kernel of the linear-chain CRF: subtracts the score of given tags from log Z, derivatives included."""

from ner_lightning.functional.crf.numba.compiled import compiled

__all__ = ["first_outside", "subtract"]


@compiled()
def first_outside(tags, lengths, n):
    """Find sentence and word of the first id that is no tag; (-1, -1) where all are tags."""
    for b in range(lengths.shape[0]):
        for t in range(lengths[b]):
            if tags[b, t] < 0 or tags[b, t] >= n:
                return b, t
    return -1, -1


@compiled()
def subtract(
    emissions, lengths, start, end, transitions, weights, tags, value, d_emissions, d_start, d_end, d_transitions
):
    """Turn log Z in `value` into the negative log-likelihood log Z - score(tags), and so its derivatives.

    Expected counts become expected minus observed counts, in place, in one pass over the words. All arrays are
    contiguous; the first six are those of `partition.differentiate`, the last five what it filled.
    """
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
