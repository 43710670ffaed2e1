"""The CRF by enumeration: every tag sequence scored one by one in float64, every question answered by adding up."""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor


class Enumeration:
    """All legal sequences of one sentence [words, tags] with their scores, in lexicographic order."""

    def __init__(self, emissions, start, end, transitions, legal=None, allowed=None):
        words, tags = emissions.shape
        e, s, f, a = (part.double().tolist() for part in (emissions, start, end, transitions))
        self.paths, self.scores = [], []
        for path in itertools.product(range(tags), repeat=words):
            if allowed is not None and not all(allowed[t, k] for t, k in enumerate(path)):
                continue
            closed = [tags, *path, tags]
            if legal is not None and not all(legal[i, j] for i, j in itertools.pairwise(closed)):
                continue
            score = s[path[0]] + f[path[-1]] + sum(e[t][k] for t, k in enumerate(path))
            self.paths.append(path)
            self.scores.append(score + sum(a[i][j] for i, j in itertools.pairwise(path)))
        self.words, self.tags = words, tags

    @property
    def log_z(self) -> float:
        top = max(self.scores)
        return top + math.log(sum(math.exp(score - top) for score in self.scores))

    @property
    def probabilities(self) -> list[float]:
        log_z = self.log_z
        return [math.exp(score - log_z) for score in self.scores]

    def score(self, path) -> float:
        return self.scores[self.paths.index(tuple(path))]

    def ranked(self) -> list[tuple[tuple[int, ...], float]]:
        return sorted(zip(self.paths, self.scores, strict=True), key=lambda item: -item[1])

    def marginals(self) -> Tensor:
        result = torch.zeros(self.words, self.tags, dtype=torch.float64)
        for path, p in zip(self.paths, self.probabilities, strict=True):
            for t, k in enumerate(path):
                result[t, k] += p
        return result

    def pairs(self) -> Tensor:
        result = torch.zeros(self.tags, self.tags, dtype=torch.float64)
        for path, p in zip(self.paths, self.probabilities, strict=True):
            for i, j in itertools.pairwise(path):
                result[i, j] += p
        return result

    def entropy(self) -> float:
        return -sum(p * math.log(p) for p in self.probabilities if p > 0)

    def mass(self, wanted) -> float:
        """Summed probability of the paths for which `wanted(path)` holds."""
        return sum(p for path, p in zip(self.paths, self.probabilities, strict=True) if wanted(path))
