"""The exact posterior of entities: the partition constrained to an entity over the full one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor

from ner_lightning.functional import crf_torch
from ner_lightning.functional.backend import full_precision
from ner_lightning.functional.chain import Chain

if TYPE_CHECKING:
    from ner_lightning.tagging.tagset import TagSet

_BEGIN, _INSIDE, _END, _SINGLE = 1, 2, 3, 4


class EntityTags(NamedTuple):
    """Which tags write an entity of each type, and which tag would make it longer.

    Attributes:
        first: tag of the first of several words.
        inside: tag of the words between.
        last: tag of the last of several words.
        single: tag of the only word.
        continues: whether tag k right behind an entity of a type would be part of it (IOB2: its I-).
    """

    first: Int[Tensor, types]
    inside: Int[Tensor, types]
    last: Int[Tensor, types]
    single: Int[Tensor, types]
    continues: Bool[Tensor, "types closed"]


def entity_tags(tags: TagSet) -> EntityTags:
    """Read the table off a tag set.

    >>> from ner_lightning.tagging.tagset import TagSet
    >>> entity_tags(TagSet(("LOC",), "IOB2")).last, entity_tags(TagSet(("LOC",), "BIOES")).last
    (tensor([2]), tensor([3]))
    """
    written = {key: i for i, key in enumerate(zip(tags.type_codes, tags.prefix_codes, strict=True))}
    types, ends = range(len(tags.types)), (0, _END) in written
    first, inside = ([written[kind, prefix] for kind in types] for prefix in (_BEGIN, _INSIDE))
    last = [written[kind, _END] for kind in types] if ends else inside
    single = [written[kind, _SINGLE] for kind in types] if ends else first
    continues = torch.zeros(len(types), len(tags) + 1, dtype=torch.bool)
    if not ends:
        continues[list(types), inside] = True
    ids = [torch.tensor(column, dtype=torch.long) for column in (first, inside, last, single)]
    return EntityTags(ids[0], ids[1], ids[2], ids[3], continues)


def entity_paths(
    entities: Int[Tensor, "entities four"], tags: EntityTags, words: int
) -> tuple[Int[Tensor, "entities words"], Bool[Tensor, "entities words"]]:
    """The tags that write each entity, in its first positions, and which positions those are.

    >>> tags = EntityTags(*(torch.tensor([i]) for i in (1, 2, 3, 4)), torch.zeros(1, 6, dtype=torch.bool))
    >>> entity_paths(torch.tensor([[0, 4, 7, 0]]), tags, 4)
    (tensor([[1, 2, 3, 2]]), tensor([[ True,  True,  True, False]]))
    """
    _, start, end, kind = entities.unbind(1)
    offsets = torch.arange(words, device=entities.device)
    length = (end - start)[:, None]
    path = torch.where(offsets == length - 1, tags.last[kind][:, None], tags.inside[kind][:, None])
    path[:, 0] = torch.where(length[:, 0] == 1, tags.single[kind], tags.first[kind])
    return path, offsets < length


def span_probability(
    chain: Chain, entities: Int[Tensor, "entities four"], tags: EntityTags
) -> Float64[Tensor, entities]:
    """P(this is an entity of this type, with exactly these ends, given x), all entities in one pass.

    sum of exp(score) of all sequences in which the entity's words have its tags and the next word does not continue it,
    over Z. Culotta and McCallum, "Confidence estimation for information extraction", 2004.

    Args:
        chain: scores in float64.
        entities: rows of sentence, first word, word behind the last, and type, as positions and indices.
        tags: how entities are written.

    Returns:
        One probability an entity. Of a sentence's overlapping alternatives they add up to 1 at most.

    Raises:
        ValueError: entities that are not rows of four; on the CPU also an entity outside of its sentence.
    """
    if entities.dim() != 2 or entities.shape[1] != 4:
        raise ValueError(
            f"expected entities as rows of (sentence, start, end, type), got shape {tuple(entities.shape)}"
        )
    _check_inside(chain, entities)
    with full_precision(chain.emissions), torch.no_grad():
        found = crf_torch.lattice(chain)
        sentence, start, end, kind = entities.unbind(1)
        path, inside = entity_paths(
            entities, EntityTags(*(part.to(entities.device) for part in tags)), chain_words(chain)
        )
        # Positions are words shifted by one, for the boundary in front.
        position = (start[:, None] + 1 + torch.arange(path.shape[1], device=path.device)).clamp_(max=chain_words(chain))
        score = found.log_alpha[sentence, start + 1, path[:, 0]]
        emissions = chain.emissions[sentence[:, None], position[:, 1:], path[:, 1:]]
        moves = chain.moves[path[:, :-1], path[:, 1:]]
        score = score + (emissions + moves).masked_fill(~inside[:, 1:], 0.0).sum(1)
        last = path.gather(1, (end - start - 1)[:, None]).squeeze(1)
        ahead = chain.moves[last] + chain.emissions[sentence, end + 1] + found.log_beta[sentence, end + 1]
        ahead = ahead.masked_fill(tags.continues.to(entities.device)[kind], -torch.inf)
        probability = (score + torch.logsumexp(ahead, dim=1) - found.log_z[sentence]).exp_()
        return probability.clamp_(max=1.0)


def chain_words(chain: Chain) -> int:
    """How many words the longest sentence may have."""
    return chain.emissions.shape[1] - 2


def _check_inside(chain: Chain, entities: Int[Tensor, "entities four"]) -> None:
    if entities.device.type != "cpu" or not len(entities):
        return
    rows, ends = entities.numpy(), (chain.emissions[..., -1] == -torch.inf).sum(1).numpy()
    sentence, start, end = rows[:, 0], rows[:, 1], rows[:, 2]
    wrong = (sentence < 0) | (sentence >= len(ends)) | (start < 0) | (start >= end)
    wrong |= end > ends[sentence.clip(0, len(ends) - 1)]
    if wrong.any():
        raise ValueError(
            f"expected 0 <= start < end <= words of the sentence, got {rows[wrong][0].tolist()} "
            "(sentence, start, end, type); positions are words, ends are exclusive"
        )


def independent_span_probability(
    marginals: Float[Tensor, "batch words tags"], entities: Int[Tensor, "entities four"], tags: EntityTags
) -> Float[Tensor, entities]:
    """Product of the token probabilities of an entity's words: what a softmax model has to offer, for comparison.

    The word behind counts too, with the probability that it does not continue the entity.

    >>> tags = EntityTags(*(torch.tensor([i]) for i in (1, 2, 2, 1)), torch.tensor([[False, False, True, False]]))
    >>> half = torch.tensor([[[0.0, 1.0, 0.0], [0.25, 0.25, 0.5], [0.5, 0.0, 0.5]]])
    >>> independent_span_probability(half, torch.tensor([[0, 0, 2, 0]]), tags)
    tensor([0.2500])
    """
    words = marginals.shape[1]
    sentence, start, end, kind = entities.unbind(1)
    tags = EntityTags(*(part.to(entities.device) for part in tags))
    path, inside = entity_paths(entities, tags, words)
    position = (start[:, None] + torch.arange(words, device=path.device)).clamp_(max=words - 1)
    product = marginals[sentence[:, None], position, path].masked_fill(~inside, 1.0).prod(1)
    # Behind the last word, and at padding, there is nothing that could continue.
    behind = marginals[sentence, end.clamp(max=words - 1)] * tags.continues[kind][:, :-1]
    return product * (1.0 - behind.sum(1).masked_fill(end >= words, 0.0))
