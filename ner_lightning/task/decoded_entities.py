"""Entities of a batch for the world outside: spans with exact probabilities, on the host."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from ner_lightning.errors import UserError
from ner_lightning.functional.entities import entity_spans
from ner_lightning.tagging.spans import EntitySpan, ScoredSpan
from ner_lightning.tagging.tagset import TagSet

if TYPE_CHECKING:
    from ner_lightning.model.decoder.decoder import Decoder


class DecodedSentence(NamedTuple):
    """The model's output for one sentence: its entities, and the tag id of each word."""

    entities: tuple[ScoredSpan, ...]
    tag_ids: tuple[int, ...]


@torch.no_grad()
def read_batch(
    decoder: Decoder, emissions: Tensor, predicted: Tensor, mask: Tensor, tags: TagSet
) -> list[DecodedSentence]:
    """Read entities, in order, and tags of each sentence off a batch; one copy from the device to the host.

    Before the copy, the host waits for the device once, to learn the number of entities.

    Args:
        decoder: computes the probabilities.
        emissions: `[batch words tags]`.
        predicted: tag ids, `[batch words]`.
        mask: real words, `[batch words]`.
        tags: the model's inventory.

    Raises:
        UserError: scores that are not numbers.
    """
    prefixes = torch.tensor(tags.prefix_codes, device=predicted.device)
    types = torch.tensor(tags.type_codes, device=predicted.device)
    spans = entity_spans(predicted, mask, prefixes, types)
    probabilities = decoder.span_probability(emissions, mask, spans)
    rows = torch.cat([spans.double(), probabilities.double().unsqueeze(1)], dim=1)
    # All in one tensor: float64 holds every position and tag id exactly.
    ours = predicted.masked_fill(~mask, -1).double().flatten()
    broken = (emissions.isnan().any(2) & mask).any(1).double()
    copied = torch.cat([rows.flatten(), ours, broken]).cpu().numpy()
    n_rows, nan = rows.numel(), copied[len(copied) - len(mask) :]
    if nan.any():
        raise UserError(
            f"The model's scores are NaN in {int(nan.sum())} of {len(mask)} sentences: its weights most likely are. "
            "Look in metrics.csv for the step at which train/loss became NaN; lower the learning rate or train with "
            "trainer.precision=32-true"
        )
    ids = copied[n_rows : len(copied) - len(mask)].astype(int).reshape(mask.shape).tolist()
    found: list[list[ScoredSpan]] = [[] for _ in ids]
    for line, start, end, label, probability in copied[:n_rows].reshape(rows.shape).tolist():
        span = EntitySpan(int(start), int(end), tags.types[int(label)])
        found[int(line)].append(ScoredSpan(span, probability))
    return [
        DecodedSentence(tuple(entities), tuple(one for one in line if one >= 0))
        for entities, line in zip(found, ids, strict=True)
    ]
