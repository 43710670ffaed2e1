"""pytorch-crf itself, for comparison: its arithmetic, its speed, its limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ner_lightning.functional.crf.backend import wide

if TYPE_CHECKING:
    from torchcrf import CRF


def _model(start: Tensor, end: Tensor, transitions: Tensor) -> CRF:
    """Make a torchcrf.CRF that computes with these very tensors, so that autograd reaches them."""
    from torchcrf import CRF

    model: Any = CRF(len(start), batch_first=True)
    for name, scores in (("start_transitions", start), ("end_transitions", end), ("transitions", transitions)):
        delattr(model, name)
        setattr(model, name, scores)
    return model


def _clean(emissions: Float[Tensor, "batch words tags"], mask: Bool[Tensor, "batch words"]) -> Tensor:
    """Convert to float32 at least and zero the padding, where pytorch-crf would let NaN through its mask."""
    return emissions.to(wide(emissions.dtype)).masked_fill(~mask[..., None], 0.0)


def log_partition(
    emissions: Float[Tensor, "batch words tags"],
    mask: Bool[Tensor, "batch words"],
    start: Float[Tensor, tags],
    end: Float[Tensor, tags],
    transitions: Float[Tensor, "tags tags"],
) -> Float[Tensor, batch]:
    """Compute the log-partition with pytorch-crf, in the precision of the emissions (float32 at least).

    >>> mask = torch.ones(1, 3, dtype=torch.bool)
    >>> log_partition(torch.zeros(1, 3, 2), mask, *torch.zeros(2, 2), torch.zeros(2, 2)).exp().round()
    tensor([8.])
    """
    steps = _clean(emissions, mask).transpose(0, 1)
    return _model(start, end, transitions)._compute_normalizer(steps, mask.T)


def sequence_score(
    emissions: Float[Tensor, "batch words tags"],
    tags: Int[Tensor, "batch words"],
    mask: Bool[Tensor, "batch words"],
    start: Float[Tensor, tags],
    end: Float[Tensor, tags],
    transitions: Float[Tensor, "tags tags"],
) -> Float[Tensor, batch]:
    """Score the given tags with pytorch-crf.

    >>> ones = torch.ones(1, 1)
    >>> sequence_score(ones[None], torch.zeros(1, 1, dtype=torch.long), ones.bool(), ones[0], ones[0], ones)
    tensor([3.])
    """
    steps, ids = _clean(emissions, mask).transpose(0, 1), torch.where(mask, tags.long(), 0).T
    return _model(start, end, transitions)._compute_score(steps, ids, mask.T)


def decode(
    emissions: Float[Tensor, "batch words tags"],
    mask: Bool[Tensor, "batch words"],
    start: Float[Tensor, tags],
    end: Float[Tensor, tags],
    transitions: Float[Tensor, "tags tags"],
) -> Int[Tensor, "batch words"]:
    """Find the best path with pytorch-crf, padded with 0.

    >>> decode(torch.eye(2)[None], torch.ones(1, 2, dtype=torch.bool), *torch.zeros(2, 2), torch.zeros(2, 2)).tolist()
    [[0, 1]]
    """
    paths = _model(start, end, transitions).decode(_clean(emissions, mask), mask)
    return torch.tensor([path + [0] * (mask.shape[1] - len(path)) for path in paths], device=emissions.device)
