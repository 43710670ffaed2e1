"""Entities of a batch as the outside world wants them: spans with exact probabilities, on the host."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from ner_lightning.functional.entities import entity_spans
from ner_lightning.tagging.spans import EntitySpan
from ner_lightning.tagging.tagset import TagSet

if TYPE_CHECKING:
    from torch import nn


class ScoredSpan(NamedTuple):
    """An entity the model found.

    Attributes:
        span: where it is, and its type.
        probability: posterior probability that exactly this entity stands there.
    """

    span: EntitySpan
    probability: float


@torch.no_grad()
def batch_entities(
    decoder: nn.Module, emissions: Tensor, predicted: Tensor, mask: Tensor, tags: TagSet
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
    probabilities = span_probability(decoder, emissions, mask, spans, tags)
    rows = torch.cat([spans.double(), probabilities.double().unsqueeze(1)], dim=1).tolist()
    found: list[list[ScoredSpan]] = [[] for _ in range(len(mask))]
    for line, start, end, label, probability in rows:
        span = EntitySpan(int(start), int(end), tags.types[int(label)])
        found[int(line)].append(ScoredSpan(span, probability))
    return [tuple(entities) for entities in found]


def span_probability(decoder: nn.Module, emissions: Tensor, mask: Tensor, spans: Tensor, tags: TagSet) -> Tensor:
    """Posterior probability of each span: the partition over the sequences that hold it, over that of all sequences.

    Args:
        decoder: its loss takes the tags that each word may have.
        emissions: `[batch words tags]`.
        mask: `[batch words]`.
        spans: `[spans 4]`: sentence, first word, word after the last, type.
        tags: the inventory.
    """
    if not len(spans):
        return emissions.new_zeros(0)
    sentence, start, end, label = spans.unbind(1)
    prefixes = torch.tensor(tags.prefix_codes, device=mask.device)
    types = torch.tensor(tags.type_codes, device=mask.device)
    word = torch.arange(mask.shape[1], device=mask.device)[None, :, None]
    first, last = word == start[:, None, None], word == (end - 1)[:, None, None]
    within = (word >= start[:, None, None]) & (word < end[:, None, None])
    closing = bool((prefixes == 3).any())
    wanted = torch.where(first, 1, 2)
    if closing:
        wanted = torch.where(last, torch.where(first, 4, 3), wanted)
    inside = (types == label[:, None, None]) & (prefixes == wanted)
    after = (word == end[:, None, None]) & (types == label[:, None, None]) & (prefixes == 2) & (not closing)
    allowed = torch.where(within, inside, ~after)
    gold = torch.zeros_like(mask[sentence], dtype=torch.long)
    return torch.exp(-decoder.loss(emissions[sentence], gold, mask[sentence], allowed))  # type: ignore[operator]
