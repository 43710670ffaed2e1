"""Entities of a batch as the outside world wants them: spans with exact probabilities, on the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ner_lightning.functional.entities import entity_spans
from ner_lightning.tagging.spans import EntitySpan, ScoredSpan
from ner_lightning.tagging.tagset import TagSet

if TYPE_CHECKING:
    from ner_lightning.model.decoder.crf import CRF
    from ner_lightning.model.decoder.softmax import Softmax


@torch.no_grad()
def batch_entities(
    decoder: CRF | Softmax, emissions: Tensor, predicted: Tensor, mask: Tensor, tags: TagSet
) -> list[tuple[ScoredSpan, ...]]:
    """The entities of each sentence of a batch, in order; one copy from the device to the host.

    Args:
        decoder: computes the probabilities.
        emissions: `[batch words tags]`.
        predicted: tag ids, `[batch words]`.
        mask: real words, `[batch words]`.
        tags: the model's inventory.
    """
    prefixes = torch.tensor(tags.prefix_codes, device=predicted.device)
    types = torch.tensor(tags.type_codes, device=predicted.device)
    spans = entity_spans(predicted, mask, prefixes, types)
    probabilities = decoder.span_probability(emissions, mask, spans)
    rows = torch.cat([spans.double(), probabilities.double().unsqueeze(1)], dim=1).tolist()
    found: list[list[ScoredSpan]] = [[] for _ in range(len(mask))]
    for line, start, end, label, probability in rows:
        span = EntitySpan(int(start), int(end), tags.types[int(label)])
        found[int(line)].append(ScoredSpan(span, probability))
    return [tuple(entities) for entities in found]
