"""Entities read from tag ids on the device: no loop over sentences or words, no host synchronisation.

A word *continues* the chunk of the word before it when it is an I or E, that word is a B or I, and both have the same
type. Every other tagged word begins a chunk, and a chunk ends where the next word does not continue it. This is the
rule of conlleval, and of seqeval's default mode. The strict reading keeps only the chunks that the scheme would write:
`B I*` in IOB2, `B I* E` and `S` in BIOES.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Int
from torch import Tensor

# Prefix codes, as in `TagSet.prefix_codes`.
OUTSIDE, BEGIN, INSIDE, END, SINGLE = range(5)


class Chunks(NamedTuple):
    """The chunks of a batch, each stored at its last word.

    Attributes:
        is_last: True on the last word of each chunk.
        first: On a chunk's last word, the position of its first word; meaningless elsewhere.
        entity_type: Index of the type of each word, -1 outside.
        is_strict: On a chunk's last word, whether the scheme would write the chunk so; meaningless elsewhere.
    """

    is_last: Bool[Tensor, "batch words"]
    first: Int[Tensor, "batch words"]
    entity_type: Int[Tensor, "batch words"]
    is_strict: Bool[Tensor, "batch words"]


def find_chunks(
    tags: Int[Tensor, "batch words"],
    mask: Bool[Tensor, "batch words"],
    prefixes: Int[Tensor, " tags"],
    types: Int[Tensor, " tags"],
) -> Chunks:
    """Find the chunks in tag sequences by conlleval's rule.

    Args:
        tags: Tag ids; any value, such as -100, where `mask` is False.
        mask: True on real words. A word outside the mask reads as O.
        prefixes: Prefix code of each tag: O=0, B=1, I=2, E=3, S=4.
        types: Type index of each tag, -1 for O.

    Returns:
        The chunks, marked at their last words.

    Example:
        >>> prefixes, types = torch.tensor([0, 1, 2]), torch.tensor([-1, 0, 0])  # O B-PER I-PER
        >>> chunks = find_chunks(torch.tensor([[2, 2, 0, 1]]), torch.ones(1, 4, dtype=torch.bool), prefixes, types)
        >>> chunks.is_last.tolist(), chunks.is_strict[chunks.is_last].tolist()
        ([[False, True, False, True]], [False, True])

    Reference:
        E. Tjong Kim Sang, S. Buchholz. Introduction to the CoNLL-2000 shared task: chunking. CoNLL 2000.
    """
    known = tags.masked_fill(~mask, 0)  # O has id 0, and -100 is no index
    prefix, entity_type = prefixes[known], types[known]
    inside = (prefix == INSIDE) | (prefix == END)
    open_ = (prefix == BEGIN) | (prefix == INSIDE)

    continues = torch.zeros_like(mask)
    continues[:, 1:] = inside[:, 1:] & open_[:, :-1] & (entity_type[:, 1:] == entity_type[:, :-1])
    continued = torch.zeros_like(mask)
    continued[:, :-1] = continues[:, 1:]

    tagged = prefix != OUTSIDE
    position = torch.arange(tags.shape[1], device=tags.device).expand_as(tags)
    # The running maximum carries each chunk's first position to its last word.
    first = position.masked_fill(~(tagged & ~continues), 0).cummax(dim=1).values
    first_prefix = prefix.gather(1, first)
    closes = (prefix == END) | ~(prefixes == END).any()  # IOB2 has no closing tag
    is_strict = (first_prefix == SINGLE) | ((first_prefix == BEGIN) & closes)
    return Chunks(tagged & ~continued, first, entity_type, is_strict)


def without_doubtful(chunks: Chunks, unknown: Bool[Tensor, "batch words"]) -> Chunks:
    """Leave out the chunks that contain, or directly adjoin, a word nobody annotated.

    Nobody knows whether they are right, nor where they end: `B ?` may be an entity of one word or of two. They count
    neither as right nor as wrong, whether predicted or gold, on whichever side the word is, in whichever scheme.

    Args:
        chunks: Predicted or gold.
        unknown: True on words that nobody annotated.

    Example:
        >>> prefixes, types = torch.tensor([0, 1, 2]), torch.tensor([-1, 0, 0])  # O B-PER I-PER
        >>> mask = torch.ones(1, 6, dtype=torch.bool)
        >>> chunks = find_chunks(torch.tensor([[1, 2, 0, 1, 0, 1]]), mask, prefixes, types)
        >>> without_doubtful(chunks, torch.tensor([[True, False, False, False, True, False]])).is_last.any().item()
        False
    """
    words = unknown.shape[1]
    position = torch.arange(words, device=unknown.device).expand_as(unknown)
    # Unknown words up to each position, with a zero in front: integers, exact and deterministic.
    before = torch.nn.functional.pad(unknown.cumsum(1), (1, 0))
    first, behind = (chunks.first - 1).clamp(min=0), (position + 2).clamp(max=words)
    return chunks._replace(is_last=chunks.is_last & (before.gather(1, behind) == before.gather(1, first)))


def count_chunks(predicted: Chunks, gold: Chunks, n_types: int, strict: bool) -> Int[Tensor, "types 3"]:
    """Count correct, predicted and gold entities per type.

    A predicted entity is correct when a gold entity has the same first word, last word and type.

    Args:
        predicted: Chunks of the predicted tags.
        gold: Chunks of the gold tags of the same batch.
        n_types: Number of entity types.
        strict: Count only chunks the scheme would write so.

    Returns:
        One row a type: entities that are correct, predicted, in gold.
    """
    in_predicted = predicted.is_last & predicted.is_strict if strict else predicted.is_last
    in_gold = gold.is_last & gold.is_strict if strict else gold.is_last
    correct = in_predicted & in_gold & (predicted.first == gold.first) & (predicted.entity_type == gold.entity_type)
    events = torch.stack([correct, in_predicted, in_gold]).flatten(1).long()
    # Outside words (type -1) go to an extra last bin, with weight 0. bincount would synchronise with the host.
    bins = torch.stack([predicted.entity_type, predicted.entity_type, gold.entity_type]).flatten(1) % (n_types + 1)
    counts = events.new_zeros(3, n_types + 1).scatter_add_(1, bins, events)
    return counts[:, :n_types].T.contiguous()


def entity_spans(
    tags: Int[Tensor, "batch words"],
    mask: Bool[Tensor, "batch words"],
    prefixes: Int[Tensor, " tags"],
    types: Int[Tensor, " tags"],
) -> Int[Tensor, "spans 4"]:
    """List the entities of a batch by conlleval's rule; the host waits for the device to learn their number.

    Args:
        tags: Tag ids.
        mask: True on real words.
        prefixes: Prefix code of each tag: O=0, B=1, I=2, E=3, S=4.
        types: Type index of each tag, -1 for O.

    Returns:
        One row an entity, in order: sentence, first word, word after the last, type index.

    Example:
        >>> prefixes, types = torch.tensor([0, 1, 2]), torch.tensor([-1, 0, 0])  # O B-PER I-PER
        >>> entity_spans(torch.tensor([[1, 2, 0, 1]]), torch.ones(1, 4, dtype=torch.bool), prefixes, types).tolist()
        [[0, 0, 2, 0], [0, 3, 4, 0]]
    """
    chunks = find_chunks(tags, mask, prefixes, types)
    sentence, last = chunks.is_last.nonzero(as_tuple=True)
    first, entity_type = chunks.first[sentence, last], chunks.entity_type[sentence, last]
    return torch.stack([sentence, first, last + 1, entity_type], dim=1)
