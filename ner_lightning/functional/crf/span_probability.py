"""The exact probability of an entity: the weight of all tag sequences that read as it, divided by that of all.

Sequences are read by conlleval's rule, as predictions are (`functional.entities`). With constraints, only the proper
form of an entity can occur (`B I E`). Without them, `O I-PER O` reads as an entity too, and its probability is then
that of all forms together, not that of the proper one, which the model may think unlikely.

In tags of one type, an entity of several words is (B or I) I ... I (I or E), and an entity of one word is any of the
four. I and E begin an entity only after a word that is not B or I of the type; B and I end one only before a word that
is not I or E of the type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor

from ner_lightning.functional.crf import in_torch
from ner_lightning.functional.crf.backend import full_precision
from ner_lightning.functional.crf.chain import Chain, closed_emissions
from ner_lightning.functional.crf.in_log_space import Lattice

if TYPE_CHECKING:
    from ner_lightning.tagging.tagset import TagSet

# Columns of `EntityTags.ids`; prefix codes of a tag set are one more.
_BEGIN, _INSIDE, _END, _SINGLE = range(4)
# In an entity of several words: the two tags that may come first, and the two that may come last.
_FIRST, _LAST = slice(_BEGIN, _INSIDE + 1), slice(_INSIDE, _END + 1)


class EntityTags(NamedTuple):
    """The tags of each entity type.

    Attributes:
        ids: B, I, E and S of the type; -1 where the scheme has none.
        leaves_open: whether an entity of the type may go on after a tag: B and I.
        goes_on: whether a tag may be part of an entity that began before it: I and E.
        may_stand: for B, I, E and S, whether it may be the first of several words, the last of several, or alone.
    """

    ids: Int[Tensor, "types four"]
    leaves_open: Bool[Tensor, "types closed"]
    goes_on: Bool[Tensor, "types closed"]
    may_stand: Bool[Tensor, "three four"]


def entity_tags(tags: TagSet, *, properly: bool = False) -> EntityTags:
    """Read the tags of each entity type off a tag set.

    Args:
        tags: the tag set.
        properly: count only entities written as the scheme demands, not every form that reads as one.

    >>> from ner_lightning.tagging.tagset import TagSet
    >>> entity_tags(TagSet(("LOC",), "IOB2")).ids, entity_tags(TagSet(("LOC",), "BIOES")).ids
    (tensor([[ 1,  2, -1, -1]]), tensor([[1, 2, 3, 4]]))
    """
    ids = torch.full((len(tags.types), 4), -1)
    of_type = torch.zeros(2, len(tags.types), len(tags) + 1, dtype=torch.bool)
    for tag, (kind, prefix) in enumerate(zip(tags.type_codes, tags.prefix_codes, strict=True)):
        if kind >= 0:
            ids[kind, prefix - 1] = tag
            of_type[:, kind, tag] = torch.tensor([prefix - 1 in (_BEGIN, _INSIDE), prefix - 1 in (_INSIDE, _END)])
    # First of several, last of several, alone; as letters of B I E S.
    places = ("BI", "IE", "BIES")
    if properly:
        places = ("B", "E", "S") if tags.scheme == "BIOES" else ("B", "I", "B")
    may_stand = torch.tensor([[letter in letters for letter in "BIES"] for letters in places])
    return EntityTags(ids, of_type[0], of_type[1], may_stand)


def span_probability(
    chain: Chain, entities: Int[Tensor, "entities four"], tags: EntityTags
) -> Float64[Tensor, entities]:
    """Compute P(the tags read as an entity of this type with exactly these ends | x), all in one pass.

    It is the sum of exp(score) over all sequences that read so, divided by Z. After Culotta and McCallum, "Confidence
    estimation for information extraction", 2004.

    Args:
        chain: scores in float64.
        entities: rows of sentence, first word, word behind the last, and type, as positions and indices.
        tags: how entities are written.

    Returns:
        One probability per entity. Those of overlapping alternatives in a sentence add up to at most 1.

    Raises:
        ValueError: entities that are not rows of four; on the CPU also an entity outside of its sentence.
    """
    with full_precision(chain.emissions), torch.no_grad():
        return _probability(chain, in_torch.lattice(chain), entities, tags)


def independent_span_probability(
    log_probabilities: Float[Tensor, "batch words tags"],
    mask: Bool[Tensor, "batch words"],
    entities: Int[Tensor, "entities four"],
    tags: EntityTags,
) -> Float64[Tensor, entities]:
    """Compute the same for words independent of each other, as under a softmax.

    >>> from ner_lightning.tagging.tagset import TagSet
    >>> tags = entity_tags(TagSet(("LOC",), "IOB2"))
    >>> words = torch.tensor([[[0.0, 1.0, 0.0], [0.25, 0.25, 0.5], [0.5, 0.0, 0.5]]])
    >>> mask = torch.ones(1, 3, dtype=torch.bool)
    >>> independent_span_probability(words.log(), mask, torch.tensor([[0, 0, 2, 0]]), tags)
    tensor([0.2500], dtype=torch.float64)
    """
    with full_precision(log_probabilities), torch.no_grad():
        emissions = closed_emissions(log_probabilities, mask, dtype=torch.float64)
        closed = emissions.shape[2]
        # Whatever stands before and behind a word adds up to 1, and so do all sequences.
        lattice = Lattice(emissions, torch.zeros_like(emissions), emissions.new_zeros(len(emissions)))
        return _probability(Chain(emissions, emissions.new_zeros(closed, closed), True), lattice, entities, tags)


def _probability(
    chain: Chain, lattice: Lattice, entities: Int[Tensor, "entities four"], tags: EntityTags
) -> Float64[Tensor, entities]:
    if entities.dim() != 2 or entities.shape[1] != 4:
        raise ValueError(
            f"expected entities as rows of (sentence, start, end, type), got shape {tuple(entities.shape)}"
        )
    _check_inside(chain, entities)
    tags = EntityTags(*(part.to(entities.device) for part in tags))
    before, behind = _before(chain, lattice, entities, tags), _behind(chain, lattice, entities, tags)
    first, last, alone = torch.where(tags.may_stand, 0.0, -torch.inf).to(before)
    single = torch.logsumexp(before + behind + alone, 1)
    ways = (before + first)[:, _FIRST, None] + _between(chain, entities, tags) + (behind + last)[:, None, _LAST]
    sentence, start, end, _ = entities.unbind(1)
    score = torch.where(end - start == 1, single, torch.logsumexp(ways, (1, 2)))
    log_z = lattice.log_z[sentence]
    # Where no sequence is legal there is no entity: minus infinity less minus infinity would be NaN.
    return (score - log_z.masked_fill(log_z == -torch.inf, 0.0)).exp_().clamp_(max=1.0)


def _before(chain: Chain, lattice: Lattice, entities: Tensor, tags: EntityTags) -> Float64[Tensor, "entities four"]:
    """Compute the log-weight of all beginnings up to the first word, for each tag with which an entity begins there."""
    sentence, start, _, kind = entities.unbind(1)
    ids = tags.ids[kind]
    column = ids.clamp(min=0)
    # Positions are words shifted by one, because of the boundary in front.
    weights = lattice.log_alpha[sentence, start + 1].gather(1, column)
    going_on = column[:, _LAST]
    apart = lattice.log_alpha[sentence, start].masked_fill(tags.leaves_open[kind], -torch.inf)
    into = torch.logsumexp(apart[:, None] + chain.moves.T[going_on], 2)
    weights[:, _LAST] = into + chain.emissions[sentence, start + 1].gather(1, going_on)
    return weights.masked_fill(ids < 0, -torch.inf)


def _behind(chain: Chain, lattice: Lattice, entities: Tensor, tags: EntityTags) -> Float64[Tensor, "entities four"]:
    """Compute the log-weight of all endings after the last word, for each tag with which the entity ends there."""
    sentence, _, end, kind = entities.unbind(1)
    ids = tags.ids[kind]
    column = ids.clamp(min=0)
    weights = lattice.log_beta[sentence, end].gather(1, column)
    ahead = chain.emissions[sentence, end + 1] + lattice.log_beta[sentence, end + 1]
    apart = ahead.masked_fill(tags.goes_on[kind], -torch.inf)
    weights[:, _FIRST] = torch.logsumexp(apart[:, None] + chain.moves[column[:, _FIRST]], 2)
    return weights.masked_fill(ids < 0, -torch.inf)


def _between(chain: Chain, entities: Tensor, tags: EntityTags) -> Float64[Tensor, "entities first last"]:
    """Score all from after the first word to the last, by their tags; meaningless for a single word."""
    sentence, start, end, kind = entities.unbind(1)
    column = tags.ids[kind].clamp(min=0)
    first, last, inside = column[:, _FIRST, None], column[:, None, _LAST], column[:, _INSIDE]
    inner = end - start - 2
    # Moves among inner words are all the same one. Zero of them count zero, even if the move is minus infinity.
    stays = torch.where(inner > 1, (inner - 1) * chain.moves[inside, inside], 0.0)
    through = _inner_emissions(chain, entities, tags) + stays
    inner_ways = chain.moves[first, inside[:, None, None]] + chain.moves[inside[:, None, None], last]
    ways = torch.where(inner[:, None, None] > 0, inner_ways + through[:, None, None], chain.moves[first, last])
    return ways + chain.emissions[sentence, end].gather(1, column[:, _LAST])[:, None]


def _inner_emissions(chain: Chain, entities: Tensor, tags: EntityTags) -> Float64[Tensor, entities]:
    """Sum the emissions of I at the words between the first and the last; 0 where there are none.

    Running sums do it: a table of entities by words would take 50 GB for one line of 100,000 words.
    """
    sentence, start, end, kind = entities.unbind(1)
    emissions = chain.emissions[:, :, tags.ids[:, _INSIDE]]
    impossible = emissions == -torch.inf
    sums, holes = emissions.masked_fill(impossible, 0.0).cumsum(1), impossible.cumsum(1)
    # For a single word the end comes before the beginning here; the number is not used.
    until, since = (sentence, end - 1, kind), (sentence, start + 1, kind)
    return (sums[until] - sums[since]).masked_fill(holes[until] > holes[since], -torch.inf)


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
