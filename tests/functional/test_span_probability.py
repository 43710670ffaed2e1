"""Entity probabilities against enumeration: the mass of all sequences in which exactly this entity stands."""

import pytest
import torch

from ner_lightning.functional.chain import closed_chain
from ner_lightning.functional.span_probability import entity_tags, independent_span_probability, span_probability
from ner_lightning.tagging.spans import EntitySpan
from ner_lightning.tagging.tagset import TagSet
from tests.oracle.crf_cases import Case, random_case

SETS = [TagSet(("A",), "IOB2"), TagSet(("A", "B"), "IOB2"), TagSet(("A",), "BIOES")]
every_set = pytest.mark.parametrize("tags", SETS, ids=lambda tags: f"{tags.scheme} {len(tags.types)}")


def all_entities(case: Case, tags: TagSet) -> list[tuple[int, int, int, int]]:
    return [
        (b, start, end, kind)
        for b, words in enumerate(case.lengths)
        for start in range(words)
        for end in range(start + 1, words + 1)
        for kind in range(len(tags.types))
    ]


@every_set
def test_equals_enumeration_for_every_possible_entity(tags):
    case = random_case(51, (4, 1, 3), tags)
    entities = all_entities(case, tags)
    found = span_probability(case.chain(), torch.tensor(entities), entity_tags(tags))
    enumerated = case.enumerated()
    # Reading each sequence as a person would: which entities does it hold?
    spans = [{path: set(tags.decode(path).spans) for path in one.paths} for one in enumerated]
    for (b, start, end, kind), probability in zip(entities, found.tolist(), strict=True):
        wanted = EntitySpan(start, end, tags.types[kind])
        expected = enumerated[b].mass(lambda path, b=b, wanted=wanted: wanted in spans[b][path])
        assert probability == pytest.approx(expected, abs=1e-12)


@every_set
def test_without_constraints_it_is_the_mass_of_the_entity_properly_written(tags):
    case = random_case(52, (3, 2), tags)._replace(legal=None)
    entities = all_entities(case, tags)
    found = span_probability(case.chain(), torch.tensor(entities), entity_tags(tags))
    enumerated = case.enumerated()
    for (b, start, end, kind), probability in zip(entities, found.tolist(), strict=True):
        written = tuple(tags.encode([EntitySpan(0, end - start, tags.types[kind])], end - start))
        longer = tags.index.get(f"I-{tags.types[kind]}") if tags.scheme == "IOB2" else None

        def holds(path, start=start, end=end, written=written, longer=longer):
            return path[start:end] == written and (end == len(path) or path[end] != longer)

        assert probability == pytest.approx(enumerated[b].mass(holds), abs=1e-12)


def test_the_next_word_of_an_iob2_entity_must_not_continue_it():
    tags = SETS[0]
    emissions = torch.zeros(1, 2, 3)
    emissions[0, 0, 1] = emissions[0, 1, 2] = 50.0  # B-A I-A, for certain
    chain = closed_chain(emissions, torch.ones(1, 2, dtype=torch.bool), *torch.zeros(2, 3), torch.zeros(3, 3))
    found = span_probability(chain, torch.tensor([[0, 0, 1, 0], [0, 0, 2, 0]]), entity_tags(tags))
    torch.testing.assert_close(found, torch.tensor([0.0, 1.0], dtype=torch.float64))


def test_no_entities():
    tags = SETS[0]
    case = random_case(53, (3, 1), tags)
    assert span_probability(case.chain(), torch.empty(0, 4, dtype=torch.long), entity_tags(tags)).shape == (0,)


@pytest.mark.parametrize("entity", [(1, 0, 2, 0), (0, 2, 2, 0), (0, -1, 1, 0), (2, 0, 1, 0)])
def test_an_entity_outside_of_its_sentence_is_refused(entity):
    tags = SETS[0]
    case = random_case(54, (3, 1), tags)
    with pytest.raises(ValueError, match="expected 0 <= start < end <= words"):
        span_probability(case.chain(), torch.tensor([entity]), entity_tags(tags))


@every_set
def test_known_bug_15_independent_words_need_no_correction(tags):
    # Without transitions a CRF is a softmax: there the product of token probabilities is the exact posterior.
    case = random_case(55, (4, 2), tags)
    nothing = torch.zeros(len(tags), len(tags), dtype=torch.float64)
    chain = closed_chain(case.emissions, case.mask, nothing[0], nothing[0], nothing)
    entities = torch.tensor(all_entities(case, tags))
    softmax = case.emissions.softmax(2).masked_fill(~case.mask[..., None], 0.0)
    found = independent_span_probability(softmax, entities, entity_tags(tags))
    torch.testing.assert_close(found, span_probability(chain, entities, entity_tags(tags)))


@pytest.mark.parametrize("tags", SETS[::2], ids=lambda tags: tags.scheme)
def test_known_bug_15_with_transitions_the_product_is_no_probability_of_the_entity(tags):
    case = random_case(56, (4,), tags)
    entities = torch.tensor(all_entities(case, tags))
    softmax = case.emissions.softmax(2)
    exact = span_probability(case.chain(), entities, entity_tags(tags))
    assert (independent_span_probability(softmax, entities, entity_tags(tags)) - exact).abs().max() > 0.05
