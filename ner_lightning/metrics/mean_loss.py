"""The mean loss per sentence as a torchmetrics metric."""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import Metric


class MeanLoss(Metric):
    """Mean of the losses of sentences, exact however they are spread over batches and processes.

    Lightning's own mean over processes divides by the average number of sentences per process, rounded down; it is too
    large if that is zero.

    Example:
        >>> metric = MeanLoss()
        >>> metric.update(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 1.0]))
        >>> metric.update(torch.tensor([6.0, 9.0]), torch.tensor([1.0, 0.0]))
        >>> metric.compute().item()
        3.0
    """

    is_differentiable = False
    higher_is_better = False
    full_state_update = False

    total: Tensor
    sentences: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("total", torch.zeros(()), dist_reduce_fx="sum")
        self.add_state("sentences", torch.zeros(()), dist_reduce_fx="sum")

    def update(self, losses: Tensor, weight: Tensor) -> None:
        """Add the sentences of a batch.

        Args:
            losses: of each sentence.
            weight: 1, or 0 for a sentence that was only added to fill up a rank.
        """
        self.total = self.total + (losses * weight).sum()
        self.sentences = self.sentences + weight.sum()

    def compute(self) -> Tensor:
        """Compute the mean of everything seen so far, on all ranks; 0 if there was nothing."""
        return self.total / self.sentences.clamp(min=1)
