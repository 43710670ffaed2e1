"""Small random batches for the CRF, ragged, with and without constraints, and their enumeration."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from ner_lightning.functional.crf.chain import Chain, closed_chain, closed_moves
from ner_lightning.tagging.tagset import TagSet
from tests.oracle.enumeration import Enumeration


class Case(NamedTuple):
    emissions: Tensor
    mask: Tensor
    start: Tensor
    end: Tensor
    transitions: Tensor
    legal: Tensor | None

    @property
    def scores(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.start, self.end, self.transitions

    @property
    def lengths(self) -> list[int]:
        return self.mask.sum(1).tolist()

    def chain(self) -> Chain:
        return closed_chain(self.emissions, self.mask, *self.scores, self.legal)

    def enumerated(self, allowed: Tensor | None = None) -> list[Enumeration]:
        return [
            Enumeration(e[:n], *self.scores, self.legal, None if allowed is None else allowed[b, :n])
            for b, (e, n) in enumerate(zip(self.emissions, self.lengths, strict=True))
        ]


def legal_of(tags: TagSet) -> Tensor:
    parts = (torch.tensor(part) for part in (tags.allowed_start, tags.allowed_end, tags.allowed_transitions))
    return closed_moves(*parts)


def random_case(seed: int, lengths=(4, 1, 3), tags: int | TagSet = 3, scale: float = 2.0, dtype=torch.float64) -> Case:
    generator = torch.Generator().manual_seed(seed)
    n = tags if isinstance(tags, int) else len(tags)
    words = max(lengths)

    def draw(*shape):
        return scale * torch.randn(*shape, generator=generator, dtype=dtype)

    emissions = draw(len(lengths), words, n)
    mask = torch.arange(words) < torch.tensor(lengths)[:, None]
    legal = None if isinstance(tags, int) else legal_of(tags)
    return Case(emissions, mask, draw(n), draw(n), draw(n, n), legal)


CASES = {
    "two tags": random_case(0, (5, 1, 3), 2),
    "three tags": random_case(1, (4, 2, 1, 4), 3),
    "four tags": random_case(2, (4, 3), 4),
    "one tag": random_case(3, (3, 1), 1),
    "one word": random_case(4, (1, 1), 4),
    "IOB2": random_case(5, (5, 1, 3), TagSet(("A",), "IOB2")),
    "BIOES": random_case(6, (4, 1, 3), TagSet(("A",), "BIOES")),
    "IOB2, two types": random_case(7, (4, 2), TagSet(("A", "B"), "IOB2")),
}


def legal_tags(case: Case, seed: int = 0) -> Tensor:
    """A random legal path for each sentence, padded with -100."""
    generator = torch.Generator().manual_seed(seed)
    tags = torch.full(case.mask.shape, -100)
    for b, found in enumerate(case.enumerated()):
        path = found.paths[int(torch.randint(len(found.paths), (), generator=generator))]
        tags[b, : len(path)] = torch.tensor(path)
    return tags


class Counter(TorchDispatchMode):
    """Counts dispatched operations, and among them those for which a device would make the host wait."""

    WAITING = ("_local_scalar_dense", "nonzero", "is_nonzero", "equal.default", "masked_select", "unique")

    def __init__(self) -> None:
        super().__init__()
        self.operations = self.waits = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.operations += 1
        self.waits += any(name in str(function) for name in self.WAITING)
        return function(*args, **(kwargs or {}))
