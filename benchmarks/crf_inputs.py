"""What the CRF benchmarks compute with, and ours and pytorch-crf behind one interface."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
import torchcrf
from torch import Tensor

from ner_lightning.functional.crf.loss import nll
from ner_lightning.functional.crf.numba.partition import differentiate
from ner_lightning.functional.crf.numba.path import subtract
from ner_lightning.functional.crf.numba.viterbi import viterbi
from ner_lightning.functional.crf.viterbi import viterbi_decode


class Inputs(NamedTuple):
    """A ragged batch: lengths uniform from half the longest to the longest, which occurs."""

    emissions: Tensor
    tags: Tensor
    mask: Tensor
    model: torchcrf.CRF

    @property
    def moves(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.model.start_transitions, self.model.end_transitions, self.model.transitions

    @property
    def leaves(self) -> list[Tensor]:
        return [self.emissions, *self.moves]


class Contender(NamedTuple):
    """A CRF implementation: the mean loss of a batch, and its best paths as lists or as a padded tensor."""

    loss: Callable[[], Tensor] | None
    decode: Callable[[], object] | None


def make_inputs(tags: int, batch: int, words: int) -> Inputs:
    torch.manual_seed(tags * 1000 + batch + words)
    lengths = torch.randint(max(1, words // 2), words + 1, (batch,))
    lengths[0] = words
    return Inputs(
        torch.randn(batch, words, tags, requires_grad=True),
        torch.randint(0, tags, (batch, words)),
        torch.arange(words) < lengths[:, None],
        torchcrf.CRF(tags, batch_first=True),
    )


def pytorch_crf(inputs: Inputs) -> Contender:
    emissions, tags, mask, model = inputs
    return Contender(lambda: -model(emissions, tags, mask, reduction="mean"), lambda: model.decode(emissions, mask))


def ours(inputs: Inputs, backend: str) -> Contender:
    emissions, tags, mask, _ = inputs
    return Contender(
        lambda: nll(emissions, tags, mask, *inputs.moves, backend=backend).mean(),
        lambda: viterbi_decode(emissions, mask, *inputs.moves, backend=backend).tags,
    )


class _Kernels(torch.autograd.Function):
    """The compiled kernels and as little around them as a loss needs."""

    @staticmethod
    def forward(ctx: Any, tags: Tensor, mask: Tensor, *scores: Tensor) -> Tensor:
        emissions, *moves = (part.detach().numpy() for part in scores)
        batch, _, n = emissions.shape
        given = (emissions, mask.numpy().sum(1), *(part.astype(np.float64) for part in moves), np.ones(batch))
        value, d_emissions, d_moves = np.empty(batch), np.empty_like(emissions), np.zeros((n + 2, n))
        differentiate(*given, value, d_emissions, d_moves)
        gradients = d_emissions, d_moves[0], d_moves[1], d_moves[2:]
        subtract(*given, tags.numpy(), value, *gradients)
        ctx.gradients = [torch.from_numpy(part).float() for part in gradients]
        return torch.from_numpy(value)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        weight = gradients[0][0].item()  # the loss is a mean: all are the same
        return None, None, *(part.mul_(weight) for part in ctx.gradients)


def kernels(inputs: Inputs) -> Contender:
    """Call the compiled kernels without the public functions, to see what checks and dtypes around them cost."""
    emissions, tags, mask, _ = inputs
    return Contender(
        lambda: _Kernels.apply(tags, mask, *inputs.leaves).mean(),
        lambda: viterbi(*(x.detach().numpy() for x in (emissions, mask.sum(1), *inputs.moves)))[0],
    )


def step(inputs: Inputs, loss: Callable[[], Tensor]) -> Callable[[], object]:
    """Loss forward and backward, gradients dropped as an optimiser does."""

    def run() -> None:
        for leaf in inputs.leaves:
            leaf.grad = None
        loss().backward()

    return run


def without_gradient(decode: Callable[[], object]) -> Callable[[], object]:
    def run() -> None:
        with torch.no_grad():
            decode()

    return run


def disagreement(inputs: Inputs, contender: Contender) -> str:
    """Name what differs from pytorch-crf: nothing, the loss, the gradient, or the paths."""
    truth, found = pytorch_crf(inputs), []
    if contender.loss is not None:
        for loss in (truth.loss, contender.loss):
            step(inputs, loss)()
            found.append((loss().detach().double(), inputs.emissions.grad))
        (theirs, wanted), (value, gradient) = found
        if not torch.allclose(value.double(), theirs, rtol=1e-4):
            return f"loss {value.item():.4f}, not {theirs.item():.4f}"
        if gradient is None or (gradient - wanted).abs().max() > 5e-3:
            return "gradient"
    if contender.decode is not None:
        with torch.no_grad():
            paths, expected = contender.decode(), truth.decode()
        if any(list(map(int, path[: len(best)])) != best for path, best in zip(paths, expected, strict=True)):
            return "paths"
    return ""
