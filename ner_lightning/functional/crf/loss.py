"""The linear-chain CRF: sequence scores, log-partition and negative log-likelihood, with their own backward.

p(y | x) = exp(score(x, y)) / Z(x); score(x, y) = start[y_1] + sum_t e_t[y_t] +
sum_t transitions[y_{t-1}, y_t] + end[y_n].
Lafferty, McCallum, Pereira, "Conditional random fields", 2001. The gradient of log Z is the marginals, so one pass
from both ends delivers it and nothing is differentiated through time.

All results are float64: log Z of 512 words may be 5,000,000 nats, where float32 resolves only half a nat.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor

from ner_lightning.functional.crf import in_torch, reference
from ner_lightning.functional.crf.backend import Backend, choose_backend, full_precision, refuse_second_derivative
from ner_lightning.functional.crf.chain import check_mask, check_shapes, closed_chain
from ner_lightning.functional.crf.paths import check_tags, closed_path, legal_path

_Scores: TypeAlias = tuple[Tensor, Tensor, Tensor]
_Limits: TypeAlias = tuple[Tensor | None, Tensor | None]


class _PathLoss(torch.autograd.Function):
    """log Z - score(tags), or log Z alone if tags is None; the gradient is expected minus observed counts.

    For the torch kernel; `in_numba.CompiledLoss` is the same for the compiled one.
    """

    @staticmethod
    def forward(
        ctx: Any,
        emissions: Tensor,
        start: Tensor,
        end: Tensor,
        transitions: Tensor,
        tags: Tensor | None,
        mask: Tensor,
        limits: _Limits,
    ) -> Tensor:
        """Compute everything the gradient needs, in one pass.

        The input is saved so that autograd notices a change in place before `backward`, as it does everywhere.
        """
        chain = closed_chain(emissions, mask, start, end, transitions, *limits)
        found = in_torch.posterior(chain)
        ctx.types = emissions.dtype, start.dtype
        path = None if tags is None else legal_path(chain, tags, mask)
        if path is not None:
            found.closed.scatter_(2, path.tags, -1.0, reduce="add")
        ctx.save_for_backward(emissions, start, end, transitions, None if path is None else path.moves, *found)
        return found.log_z if path is None else found.log_z - path.score

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Weight the counts of each sentence by the incoming gradient."""
        refuse_second_derivative()
        *_, path, log_z, closed, left, right, matrix, redo, pairs = ctx.saved_tensors
        found = in_torch.Posterior(log_z, closed, left, right, matrix, redo, pairs)
        (emissions_type, moves_type), weights = ctx.types, gradients[0][:, None]
        by_word = weights[..., None]
        emissions = found.marginals * by_word
        moves = found.expected_moves(weights)
        if path is not None:
            moves.view(-1).index_put_((path,), -by_word, accumulate=True)
        into_tags, end = moves[:, :-1].to(moves_type), moves[:-1, -1].to(moves_type)
        transitions, start = into_tags.split([len(end), 1])
        emissions = emissions.to(emissions_type, memory_format=torch.contiguous_format)
        return emissions, start[0], end, transitions, None, None, None


def log_partition(
    emissions: Float[Tensor, "batch words tags"],
    mask: Bool[Tensor, "batch words"],
    start: Float[Tensor, tags],
    end: Float[Tensor, tags],
    transitions: Float[Tensor, "tags tags"],
    *,
    legal: Bool[Tensor, "closed closed"] | None = None,
    allowed: Bool[Tensor, "batch words tags"] | None = None,
    backend: Backend = "auto",
) -> Float64[Tensor, batch]:
    """Compute the logarithm of Z(x): the summed exp(score) of all tag sequences, in nats.

    Args:
        emissions: score of each tag for each word; anything, NaN included, at padding.
        mask: True for each word, right-padded.
        start: score of beginning with a tag.
        end: score of ending with a tag.
        transitions: score of tag i followed by tag j at [i, j]. Minus infinity forbids (off the CPU use `legal`).
        legal: legal moves, a table as of `chain.closed_moves`; all if None.
        allowed: tags each word may have; all if None.
        backend: `auto`, `torch`, `numba` or `reference`.

    Returns:
        One number a sentence; minus infinity where no sequence is legal.

    Raises:
        ValueError: shapes that do not fit, a mask with holes (CPU), constraints with `reference`.

    >>> mask = torch.ones(1, 3, dtype=torch.bool)
    >>> log_partition(torch.zeros(1, 3, 2), mask, torch.zeros(2), torch.zeros(2), torch.zeros(2, 2)).exp().round()
    tensor([8.], dtype=torch.float64)
    """
    return _loss(emissions, None, mask, (start, end, transitions), (legal, allowed), backend)


def nll(
    emissions: Float[Tensor, "batch words tags"],
    tags: Int[Tensor, "batch words"],
    mask: Bool[Tensor, "batch words"],
    start: Float[Tensor, tags],
    end: Float[Tensor, tags],
    transitions: Float[Tensor, "tags tags"],
    *,
    legal: Bool[Tensor, "closed closed"] | None = None,
    backend: Backend = "auto",
) -> Float64[Tensor, batch]:
    """Compute the negative log-likelihood of the given tags: log Z(x) - score(x, y), in nats.

    `tags` has the id of each word and anything, -100 included, at padding; all else is as in `log_partition`.

    Raises:
        ValueError: as `log_partition`; ids outside the tag set; a path the constraints forbid (both found on the CPU:
            elsewhere a device-side assertion or an infinite loss).

    >>> mask, tags = torch.ones(1, 3, dtype=torch.bool), torch.tensor([[0, 1, 1]])
    >>> nll(torch.zeros(1, 3, 2), tags, mask, torch.zeros(2), torch.zeros(2), torch.zeros(2, 2)).exp().round()
    tensor([8.], dtype=torch.float64)
    """
    return _loss(emissions, tags, mask, (start, end, transitions), (legal, None), backend)


def partial_nll(
    emissions: Float[Tensor, "batch words tags"],
    allowed: Bool[Tensor, "batch words tags"],
    mask: Bool[Tensor, "batch words"],
    start: Float[Tensor, tags],
    end: Float[Tensor, tags],
    transitions: Float[Tensor, "tags tags"],
    *,
    legal: Bool[Tensor, "closed closed"] | None = None,
    backend: Backend = "auto",
) -> Float64[Tensor, batch]:
    """Compute the negative log-likelihood of partial labels: log Z(x) - log Z(x, sequences within `allowed`), in nats.

    Tsuboi et al., "Training conditional random fields using incomplete annotations", 2008. Both sums run as one batch.
    `allowed` has one tag where that of a word is known, several or all where it is not; all else is as in
    `log_partition`, except that `reference` knows no partial labels.

    Raises:
        ValueError: as `log_partition`; on the CPU also labels that no legal sequence fits (elsewhere an infinite loss).

    >>> mask, anything = torch.ones(1, 3, dtype=torch.bool), torch.ones(1, 3, 2, dtype=torch.bool)
    >>> abs(partial_nll(torch.zeros(1, 3, 2), anything, mask, *torch.zeros(2, 2), torch.zeros(2, 2))).round()
    tensor([0.], dtype=torch.float64)
    """
    if allowed.shape != emissions.shape:
        raise ValueError(f"expected `allowed` of shape {tuple(emissions.shape)}, got {tuple(allowed.shape)}")
    twice = torch.cat([torch.ones_like(allowed), allowed])
    both = _loss(
        torch.cat([emissions, emissions]),
        None,
        mask.repeat(2, 1),
        (start, end, transitions),
        (legal, twice),
        backend,
    )
    full, within = both.chunk(2)
    if within.device.type == "cpu" and bool((within == -torch.inf).any()):
        row = int((within == -torch.inf).nonzero()[0])
        raise ValueError(
            f"expected partial labels that some legal tag sequence fits, none fits row {row}; "
            "allow more tags, or use constrain='decode'"
        )
    return full - within


def sequence_score(
    emissions: Float[Tensor, "batch words tags"],
    tags: Int[Tensor, "batch words"],
    mask: Bool[Tensor, "batch words"],
    start: Float[Tensor, tags],
    end: Float[Tensor, tags],
    transitions: Float[Tensor, "tags tags"],
    *,
    legal: Bool[Tensor, "closed closed"] | None = None,
) -> Float64[Tensor, batch]:
    """Compute score(x, y): the sum of the given path's emissions and moves, in nats; arguments as in `nll`.

    Returns:
        One number a sentence; minus infinity for a forbidden path.

    Raises:
        ValueError: shapes that do not fit, a mask with holes or ids outside the tag set (CPU).

    >>> mask, tags = torch.ones(1, 2, dtype=torch.bool), torch.tensor([[0, 1]])
    >>> sequence_score(torch.eye(2)[None], tags, mask, torch.ones(2), torch.zeros(2), torch.zeros(2, 2))
    tensor([3.], dtype=torch.float64)
    """
    check_tags(tags, mask, emissions.shape[2])
    with full_precision(emissions):
        return closed_path(closed_chain(emissions, mask, start, end, transitions, legal), tags, mask).score


def _loss(
    emissions: Tensor,
    tags: Tensor | None,
    mask: Tensor,
    scores: _Scores,
    limits: _Limits,
    backend: Backend,
) -> Tensor:
    """Compute the log-partition, minus the score of the tags if there are any."""
    chosen = choose_backend(backend, emissions)
    differentiable = torch.is_grad_enabled() and any(part.requires_grad for part in (emissions, *scores))
    if chosen == "numba":
        return _compiled_loss(emissions, tags, mask, scores, limits, differentiable)
    if tags is not None:
        check_tags(tags, mask, emissions.shape[2])
    with full_precision(emissions):
        if chosen == "reference":
            return _reference_loss(emissions, tags, mask, scores, limits)
        if differentiable:
            return _PathLoss.apply(emissions, *scores, tags, mask, limits)
        chain = closed_chain(emissions, mask, *scores, *limits)
        log_z = in_torch.log_partition(chain)
        return log_z if tags is None else log_z - legal_path(chain, tags, mask).score


def _compiled_loss(
    emissions: Tensor, tags: Tensor | None, mask: Tensor, scores: _Scores, limits: _Limits, differentiable: bool
) -> Tensor:
    from ner_lightning.functional.crf import in_numba  # numba is slow to import and may be absent

    check_shapes(emissions, mask, *scores)
    legal, allowed = limits
    if allowed is not None:
        emissions = emissions.masked_fill(~allowed, -torch.inf)
    if differentiable:
        return in_numba.CompiledLoss.apply(emissions, *scores, tags, mask, legal)
    log_z = in_numba.log_partition(emissions, mask, scores, legal)
    if tags is None:
        return log_z
    check_tags(tags, mask, emissions.shape[2])
    return log_z - legal_path(closed_chain(emissions, mask, *scores, legal), tags, mask).score.detach()


def _reference_loss(
    emissions: Tensor,
    tags: Tensor | None,
    mask: Tensor,
    scores: _Scores,
    limits: _Limits,
) -> Tensor:
    if any(limit is not None for limit in limits):
        raise ValueError(
            "pytorch-crf (backend='reference') knows no constraints and no partial labels in its loss, its gradient "
            "is NaN where a score is minus infinity; use constrain='decode' or 'none', or another backend"
        )
    check_shapes(emissions, mask, *scores)
    check_mask(mask)
    log_z = reference.log_partition(emissions, mask, *scores)
    if tags is None:
        return log_z.double()
    return (log_z - reference.sequence_score(emissions, tags, mask, *scores)).double()
