"""Compiled CPU kernel of the linear-chain CRF: Viterbi decoding, on numpy arrays."""

import numpy as np
from jaxtyping import Float, Float64, Int64

from ner_lightning.functional.compiled import check_shapes, compiled

__all__ = ["viterbi"]


@compiled()
def _best_before(before, transitions, out):
    """out[j] = max over i of before[i] + transitions[i, j]: four i at a time, so that the inner loop is contiguous."""
    n = before.shape[0]
    out[:] = -np.inf
    blocked = n - n % 4
    for i in range(0, blocked, 4):
        s0, s1, s2, s3 = before[i], before[i + 1], before[i + 2], before[i + 3]
        row0, row1, row2, row3 = transitions[i], transitions[i + 1], transitions[i + 2], transitions[i + 3]
        for j in range(n):
            a, b, c, d = s0 + row0[j], s1 + row1[j], s2 + row2[j], s3 + row3[j]
            a = b if b > a else a
            c = d if d > c else c
            a = c if c > a else a
            out[j] = a if a > out[j] else out[j]
    for i in range(blocked, n):
        s0, row0 = before[i], transitions[i]
        for j in range(n):
            a = s0 + row0[j]
            out[j] = a if a > out[j] else out[j]


@compiled()
def _viterbi_kernel(emissions, lengths, start, end, transitions):
    batch, words, n = emissions.shape
    transposed = transitions.T.copy()
    scores = np.empty((words, n), emissions.dtype)
    tags, best_score = np.zeros((batch, words), np.int64), np.empty(batch)
    for b in range(batch):
        length = lengths[b]
        sentence = emissions[b]
        for j in range(n):
            scores[0, j] = start[j] + sentence[0, j]
        for t in range(1, length):
            row, emission = scores[t], sentence[t]
            _best_before(scores[t - 1], transitions, row)
            # Rounding is monotonic, so the emission may be added after the maximum: the same number as inside of it.
            for j in range(n):
                row[j] += emission[j]
        tag = 0
        last = scores[length - 1]
        for j in range(1, n):
            if last[j] + end[j] > last[tag] + end[tag]:
                tag = j
        best_score[b] = last[tag] + end[tag]
        tags[b, length - 1] = tag
        for t in range(length - 1, 0, -1):
            # The back pointer: the first tag that gives the maximum, the emission added as in pytorch-crf.
            before, into, emission, target = scores[t - 1], transposed[tag], sentence[t, tag], scores[t, tag]
            tag = 0
            for i in range(n):
                if (before[i] + into[i]) + emission == target:
                    tag = i
                    break
            tags[b, t - 1] = tag
    return tags, best_score


def viterbi(
    emissions: Float[np.ndarray, "batch words tags"],
    lengths: Int64[np.ndarray, "batch"],
    start: Float[np.ndarray, "tags"],
    end: Float[np.ndarray, "tags"],
    transitions: Float[np.ndarray, "tags tags"],
) -> tuple[Int64[np.ndarray, "batch words"], Float64[np.ndarray, "batch"]]:
    """The tag sequence of the highest score for each sentence, and that score (Viterbi, 1967).

    Arithmetic is that of pytorch-crf, in the precision of the arguments: (score + transition) + emission, and among
    equals the tag of the lowest index. So the paths are those of pytorch-crf, ties and rounding included.

    Args:
        emissions: Scores of the tags of each word; padding is never read.
        lengths: Words of each sentence, at least 1.
        start: Score of a sentence beginning with a tag; minus infinity forbids it, as in the next two.
        end: Score of a sentence ending with a tag.
        transitions: Score of tag i followed by tag j at [i, j].

    Returns:
        Tags padded with 0, and the scores; a score of minus infinity says that the sentence has no legal path.

    Raises:
        ValueError: shapes that do not fit together, or a length outside 1..words.

    >>> emissions = np.array([[[1.0, 0.0], [0.0, 3.0], [0.0, 0.0]]])
    >>> viterbi(emissions, np.array([2]), np.zeros(2), np.zeros(2), np.zeros((2, 2)))
    (array([[0, 1, 0]]), array([4.]))
    """
    check_shapes(emissions, lengths, start, end, transitions)
    # Half precision has no arithmetic here; a mixture is computed in the wider type, as in torch.
    dtype = np.result_type(np.float32, emissions, start, end, transitions)
    return _viterbi_kernel(
        np.ascontiguousarray(emissions, dtype),
        lengths.astype(np.int64),
        np.ascontiguousarray(start, dtype),
        np.ascontiguousarray(end, dtype),
        np.ascontiguousarray(transitions, dtype),
    )
