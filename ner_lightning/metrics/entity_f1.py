"""Entity precision, recall and F1 as a torchmetrics metric."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Int
from torch import Tensor
from torchmetrics import Metric

from ner_lightning.functional.entities import count_chunks, find_chunks, without_doubtful
from ner_lightning.metrics.scores import entity_scores
from ner_lightning.tagging.tagset import TagSet


class EntityF1(Metric):
    """Strict and lenient entity F1, exact however the sentences are spread over batches and processes.

    The state is integers, summed over batches and ranks; ratios are computed once, in `compute`, so that nothing is an
    average of averages. Strict equals seqeval's `mode="strict"` with the scheme of the tag set; lenient equals its
    default mode, and conlleval. `update` stays on the device; `compute` copies the counts to the host, once.

    Args:
        tags: The tag set whose ids `update` receives.

    Example:
        >>> metric = EntityF1(TagSet(("PER",), "IOB2"))  # O B-PER I-PER
        >>> gold, mask = torch.tensor([[1, 2, 0, 1]]), torch.ones(1, 4, dtype=torch.bool)
        >>> metric.update(torch.tensor([[1, 2, 0, 2]]), gold, mask)
        >>> scores = metric.compute()
        >>> scores["precision"], scores["recall"], scores["lenient_f1"]
        (1.0, 0.5, 1.0)
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False

    counts: Int[Tensor, "2 types 3"]  # strict, lenient
    prefixes: Int[Tensor, " tags"]
    types: Int[Tensor, " tags"]

    def __init__(self, tags: TagSet) -> None:
        super().__init__()
        self.tags = tags
        # The tag set is stored in the checkpoint already; these buffers only move with the module.
        self.register_buffer("prefixes", torch.tensor(tags.prefix_codes), persistent=False)
        self.register_buffer("types", torch.tensor(tags.type_codes), persistent=False)
        self.add_state("counts", torch.zeros(2, len(tags.types), 3, dtype=torch.long), dist_reduce_fx="sum")

    def update(
        self,
        predicted: Int[Tensor, "batch words"],
        gold: Int[Tensor, "batch words"],
        mask: Bool[Tensor, "batch words"],
        unknown: Bool[Tensor, "batch words"] | None = None,
    ) -> None:
        """Add the entities of a batch.

        Args:
            predicted: Predicted tag ids.
            gold: Gold tag ids.
            mask: True on real words; a word outside reads as O on both sides.
            unknown: True on words that nobody annotated, whatever gold says there: entities that contain or
                adjoin one count neither as right nor as wrong; None: there are none.
        """
        ours = find_chunks(predicted, mask, self.prefixes, self.types)
        theirs = find_chunks(gold if unknown is None else gold.masked_fill(unknown, 0), mask, self.prefixes, self.types)
        if unknown is not None:
            ours, theirs = (without_doubtful(side, unknown & mask) for side in (ours, theirs))
        readings = [count_chunks(ours, theirs, len(self.tags.types), strict) for strict in (True, False)]
        # Not in place: a state that was reset under inference_mode refuses in-place updates outside it.
        self.counts = self.counts + torch.stack(readings)

    def compute(self) -> dict[str, float]:
        """Compute the scores of everything seen so far, on all ranks; keys as in `entity_scores`."""
        strict, lenient = self.counts.tolist()
        return entity_scores(strict, lenient, self.tags.types)
