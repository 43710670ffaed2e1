"""Compiled CPU kernel of the linear-chain CRF: Viterbi decoding, on numpy arrays."""

import numpy as np
from jaxtyping import Float, Float64, Int64

from ner_lightning.functional.crf.numba.compiled import compiled

__all__ = ["viterbi"]


@compiled()
def _advance(scores, t, transitions, emissions, b):
    """Set scores[t, j] = (max over i of scores[t - 1, i] + transitions[i, j]) + emission, looping over i outside.

    The inner loop, over j, is contiguous. Rounding is monotonic, so adding the emission after the maximum gives the
    same number as adding it inside.
    """
    n = scores.shape[1]
    for j in range(n):
        scores[t, j] = -np.inf
    blocked = n - n % 4
    for i in range(0, blocked, 4):
        s0, s1, s2, s3 = scores[t - 1, i], scores[t - 1, i + 1], scores[t - 1, i + 2], scores[t - 1, i + 3]
        for j in range(n):
            a, c = s0 + transitions[i, j], s2 + transitions[i + 2, j]
            other, another = s1 + transitions[i + 1, j], s3 + transitions[i + 3, j]
            a = other if other > a else a
            c = another if another > c else c
            a = c if c > a else a
            scores[t, j] = a if a > scores[t, j] else scores[t, j]
    for i in range(blocked, n):
        s0 = scores[t - 1, i]
        for j in range(n):
            a = s0 + transitions[i, j]
            scores[t, j] = a if a > scores[t, j] else scores[t, j]
    for j in range(n):
        scores[t, j] += emissions[b, t, j]


@compiled()
def _best_last(scores, last, end):
    """Find the first tag with the highest score at the last word, and that score."""
    best, best_score = 0, scores[last, 0] + end[0]
    for j in range(1, scores.shape[1]):
        score = scores[last, j] + end[j]
        if score > best_score:
            best, best_score = j, score
    return best, best_score


@compiled()
def _back(scores, t, into, tag, emission):
    """Find the back pointer of a tag at word t: the first tag that gives its score, summed as in pytorch-crf."""
    for i in range(scores.shape[1]):
        if (scores[t - 1, i] + into[tag, i]) + emission == scores[t, tag]:
            return i
    return 0  # only if the score is NaN


@compiled()
def _viterbi_kernel(emissions, lengths, start, end, transitions, tags, best_score):
    _, words, n = emissions.shape
    into, scores = transitions.T.copy(), np.empty((words, n), emissions.dtype)
    for b in range(lengths.shape[0]):
        last = lengths[b] - 1
        for j in range(n):
            scores[0, j] = start[j] + emissions[b, 0, j]
        for t in range(1, last + 1):
            _advance(scores, t, transitions, emissions, b)
        tag, best_score[b] = _best_last(scores, last, end)
        tags[b, last] = tag
        for t in range(last, 0, -1):
            # Recomputed on the path alone: keeping every back pointer would cost more than finding the maxima.
            tag = _back(scores, t, into, tag, emissions[b, t, tag])
            tags[b, t - 1] = tag


def viterbi(
    emissions: Float[np.ndarray, "batch words tags"],
    lengths: Int64[np.ndarray, "batch"],
    start: Float[np.ndarray, "tags"],
    end: Float[np.ndarray, "tags"],
    transitions: Float[np.ndarray, "tags tags"],
) -> tuple[Int64[np.ndarray, "batch words"], Float64[np.ndarray, "batch"]]:
    """Find the tag sequence of the highest score for each sentence, and that score (Viterbi, 1967).

    Arithmetic is that of pytorch-crf, in the precision of the arguments: (score + transition) + emission, and among
    equals the tag of the lowest index. So the paths are those of pytorch-crf, ties and rounding included.

    Args:
        emissions: Scores of the tags of each word, checked like all arguments here by `in_numba.as_arrays`.
            Padding is never read.
        lengths: Words of each sentence, at least 1.
        start: Score of a sentence beginning with a tag; minus infinity forbids it, as in the next two.
        end: Score of a sentence ending with a tag.
        transitions: Score of tag i followed by tag j at [i, j].

    Returns:
        Tags padded with 0, and the scores; a score of minus infinity says that the sentence has no legal path.

    >>> emissions = np.array([[[1.0, 0.0], [0.0, 3.0], [0.0, 0.0]]])
    >>> viterbi(emissions, np.array([2]), np.zeros(2), np.zeros(2), np.zeros((2, 2)))
    (array([[0, 1, 0]]), array([4.]))
    """
    # numpy computes nothing in half precision here; mixed types are computed in the wider one, as in torch.
    dtype = np.dtype(np.float64 if np.float64 in (emissions.dtype, start.dtype, transitions.dtype) else np.float32)
    given = [np.ascontiguousarray(array, dtype) for array in (emissions, start, end, transitions)]
    # The arrays to fill are made here: returning one from a compiled function takes longer than a short sentence.
    tags, best_score = np.zeros(emissions.shape[:2], np.int64), np.empty(len(lengths))
    _viterbi_kernel(given[0], lengths, *given[1:], tags, best_score)
    return tags, best_score
