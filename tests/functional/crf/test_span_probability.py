"""Entity probabilities against enumeration: the mass of all sequences in which exactly this entity stands."""

from collections import defaultdict

import pytest
import torch

from ner_lightning.functional.crf.chain import closed_chain
from ner_lightning.functional.crf.span_probability import entity_tags, independent_span_probability, span_probability
from ner_lightning.tagging.schemes import tags_to_spans
from ner_lightning.tagging.spans import EntitySpan
from ner_lightning.tagging.tagset import TagSet
from tests.oracle.crf_cases import Case, random_case

SETS = [TagSet(types, scheme) for scheme in ("IOB2", "BIOES") for types in (("A",), ("A", "B"))]
every_set = pytest.mark.parametrize("tags", SETS, ids=lambda tags: f"{tags.scheme} {len(tags.types)}")


def all_entities(case: Case, tags: TagSet) -> list[tuple[int, int, int, int]]:
    return [
        (b, start, end, kind)
        for b, words in enumerate(case.lengths)
        for start in range(words)
        for end in range(start + 1, words + 1)
        for kind in range(len(tags.types))
    ]


def masses(case: Case, tags: TagSet) -> list[dict[EntitySpan, float]]:
    """Read each sequence as a person would, and add up what holds each entity."""
    found: list[dict[EntitySpan, float]] = []
    for one in case.enumerated():
        mass: dict[EntitySpan, float] = defaultdict(float)
        for path, probability in zip(one.paths, one.probabilities, strict=True):
            for span in tags.decode(path).spans:
                mass[span] += probability
        found.append(mass)
    return found


def assert_equals_enumeration(case: Case, tags: TagSet) -> None:
    entities, mass = all_entities(case, tags), masses(case, tags)
    found = span_probability(case.chain(), torch.tensor(entities), entity_tags(tags))
    expected = [mass[b][EntitySpan(start, end, tags.types[kind])] for b, start, end, kind in entities]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-12)


@every_set
@pytest.mark.parametrize("constrained", [True, False])
def test_equals_enumeration_for_every_possible_entity(tags, constrained):
    case = random_case(51, (4, 1, 3), tags)
    assert_equals_enumeration(case if constrained else case._replace(legal=None), tags)


@every_set
def test_equals_enumeration_whatever_is_forbidden(tags):
    case = random_case(52, (4, 2), tags)
    legal = torch.rand(case.legal.shape, generator=torch.Generator().manual_seed(1)) > 0.25
    case.emissions[0, 1, tags.index["I-A"]] = -torch.inf
    assert_equals_enumeration(case._replace(legal=legal), tags)


@every_set
def test_properly_written_equals_enumeration(tags):
    case = random_case(57, (4, 1, 3), tags)._replace(legal=None)
    entities = all_entities(case, tags)
    nothing = torch.zeros(len(tags), len(tags), dtype=torch.float64)
    case = case._replace(start=nothing[0], end=nothing[0], transitions=nothing)
    mass: list[dict[EntitySpan, float]] = [defaultdict(float) for _ in case.lengths]
    for b, one in enumerate(case.enumerated()):
        for path, probability in zip(one.paths, one.probabilities, strict=True):
            for span in tags_to_spans([tags.tags[i] for i in path], tags.scheme, "conlleval").spans:
                if list(path[span.start : span.end]) == tags.encode(
                    [EntitySpan(0, span.end - span.start, span.label)], span.end - span.start
                ):
                    mass[b][span] += probability
    found = independent_span_probability(
        case.emissions.log_softmax(2), case.mask, torch.tensor(entities), entity_tags(tags, properly=True)
    )
    expected = [mass[b][EntitySpan(start, end, tags.types[kind])] for b, start, end, kind in entities]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-12)


@pytest.mark.parametrize("scheme", ["IOB2", "BIOES"])
def test_what_was_found_on_an_illegal_path_has_the_probability_of_what_was_found(scheme):
    tags = TagSet(("PER",), scheme)
    words = torch.full((1, 3, len(tags)), 0.001)
    for word, tag in enumerate(("O", "I-PER", "O")):
        words[0, word, tags.index[tag]] = 0.987
    words = words / words.sum(2, keepdim=True)
    mask = torch.ones(1, 3, dtype=torch.bool)
    found = independent_span_probability(words.log(), mask, torch.tensor([[0, 1, 2, 0]]), entity_tags(tags))
    assert found.item() > 0.98


def test_an_entity_in_a_very_long_sentence_takes_no_table_of_entities_and_words():
    tags, words = SETS[0], 20_000
    emissions, mask = torch.zeros(1, words, len(tags)), torch.ones(1, words, dtype=torch.bool)
    emissions[0, :, 2] = 40.0  # I-A
    entities = torch.tensor([[0, 0, words, 0]] * words)
    found = independent_span_probability(emissions.log_softmax(2), mask, entities, entity_tags(tags))
    torch.testing.assert_close(found, torch.ones_like(found))


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
    found = independent_span_probability(case.emissions.log_softmax(2), case.mask, entities, entity_tags(tags))
    torch.testing.assert_close(found, span_probability(chain, entities, entity_tags(tags)))


@pytest.mark.parametrize("tags", SETS[::2], ids=lambda tags: tags.scheme)
def test_known_bug_15_with_transitions_the_product_is_no_probability_of_the_entity(tags):
    case = random_case(56, (4,), tags)
    entities = torch.tensor(all_entities(case, tags))
    softmax = case.emissions.log_softmax(2)
    exact = span_probability(case.chain(), entities, entity_tags(tags))
    assert (independent_span_probability(softmax, case.mask, entities, entity_tags(tags)) - exact).abs().max() > 0.05
