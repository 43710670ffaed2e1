"""Tags as people write them."""

from __future__ import annotations

import pytest

from ner_lightning.tagging.notation import STANDARD, Notation, notation_of


def standard(*tags: str, **options: str) -> list[str]:
    counts = dict.fromkeys(tags, 1) | {"O": 9} if "O" in tags else dict.fromkeys(tags, 1)
    notation = notation_of(counts, **options)
    return [notation.standard(tag) for tag in tags]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("O B_PER I_PER", "O B-PER I-PER"),
        ("O B:PER S:a:b", "O B-PER S-a:b"),
        ("o b-per i-per", "O B-per I-per"),
        ("o b_per i_per", "O B-per I-per"),
        ("O b-geo i-geo", "O B-geo I-geo"),
        ("O person-actor art-film", "O I-person-actor I-art-film"),
        ("O person LOC", "O I-person I-LOC"),
        ("O e-commerce", "O I-e-commerce"),
        ("O P L", "O I-P I-L"),
        ("o", "O"),
        ("O", "O"),
        ("O B-PER I_PER", "O B-PER I_PER"),  # a slip, to be refused with its place
        ("O B-PER person", "O B-PER person"),
        ("O B-e_commerce", "O B-e_commerce"),
        ("NNP VBZ", "NNP VBZ"),  # not tags at all: nothing is outside
        ("PER LOC", "PER LOC"),
    ],
)
def test_all_tags_of_a_file_decide(tags: str, expected: str) -> None:
    assert standard(*tags.split()) == expected.split()


def test_types_without_the_tag_o_need_to_be_said() -> None:
    assert standard("PER", "LOC", scheme="IO") == ["I-PER", "I-LOC"]
    assert standard("PER", "LOC", scheme="IOB2") == ["PER", "LOC"]


def test_tags_without_a_type() -> None:
    assert standard("O", "B", "I", entity_type="Disease") == ["O", "B-Disease", "I-Disease"]
    assert standard("o", "b", "i", entity_type="Disease") == ["O", "B-Disease", "I-Disease"]
    assert standard("O", "I", scheme="IO", entity_type="X") == ["O", "I-X"]
    with pytest.raises(ValueError, match=r"found B, I; name their type: type=Disease"):
        notation_of({"O": 3, "B": 1, "I": 1})
    with pytest.raises(ValueError, match=r"type=X is for tags without a type \(B, I, O\), found B-PER"):
        notation_of({"O": 3, "B-PER": 1}, entity_type="X")
    assert notation_of({"O": 3}, entity_type="X") == Notation()


def test_the_usual_notation_changes_nothing() -> None:
    assert notation_of({"B-PER": 1, "O": 1}) == STANDARD
    assert STANDARD.standard("B-creative-work") == "B-creative-work"
