"""The engine on grammars of a few lines."""

import random

import pytest

from tools.sample_corpora.grammar import Grammar, Shares, Written, lexicons, productions

ALWAYS = Shares(words=1.0, productions=1.0, skew=1.0, recall=0.0)


def grammar(split: str = "train", shares: Shares = ALWAYS, **rules: str) -> Grammar:
    return Grammar(rules, {"letter": list("abcdefgh")}, shares, seed="test", split=split)


def test_spans_follow_the_text_through_nesting() -> None:
    writer = grammar(s="so <{t}> [LOC:t] !", t="x [PER:u]y", u="hi")
    assert writer.write("s", random.Random(0)) == Written("so x hiy x hiy !", ((5, 7, "PER"), (9, 14, "LOC")))


def test_an_entity_without_rule_uses_the_rule_of_its_type() -> None:
    assert grammar(s="[ORG]", ORG="Acme").write("s", random.Random(0)) == Written("Acme", ((0, 4, "ORG"),))


def test_lexicons_are_parted_between_the_splits() -> None:
    parts = {split: grammar(split).lexicons["letter"] for split in ("train", "dev", "test")}
    shared = set(parts["train"][0])
    assert len(shared) == 4
    assert parts["train"][1] == []
    assert all(set(part[0]) == shared for part in parts.values())
    dev, test = set(parts["dev"][1]), set(parts["test"][1])
    assert len(dev) == len(test) == 2
    assert not dev & test
    assert not (dev | test) & shared


def test_held_out_productions_stay_out_of_training() -> None:
    rule = "seen\n* unseen"
    draws = {
        split: {grammar(split, s=rule).write("s", random.Random(i)).text for i in range(20)}
        for split in ("train", "test")
    }
    assert draws == {"train": {"seen"}, "test": {"unseen"}}


def test_a_document_recalls_people_by_their_last_word() -> None:
    writer = grammar(
        shares=Shares(words=0, productions=0, skew=1, recall=1.0), s="[PER] [ORG:PER] [PER]", PER="Ann Lee"
    )
    assert writer.write("s", random.Random(0)).text == "Ann Lee Ann Lee Lee"
    assert writer.write("s", random.Random(0)).text == "Lee Ann Lee Lee"
    writer.begin_document()
    assert writer.write("s", random.Random(0)).text == "Ann Lee Ann Lee Lee"


def test_weights_repeat_a_production_and_years_are_no_weights() -> None:
    assert productions("2 a\n* 3 b\n1984") == (["a", "a", "1984"], ["b", "b", "b"])


def test_lexicons_keep_spaces_where_commas_part() -> None:
    assert lexicons("# note\na:\n  New York, Rome\n\nb:\n  x\n  y\n") == {"a": ["New York", "Rome"], "b": ["x", "y"]}


def test_errors_say_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"expected a split of .*'dve'"):
        grammar("dve")
    with pytest.raises(ValueError, match=r"\['letter'\]; rename one"):
        grammar(letter="a")
    with pytest.raises(KeyError, match="'town'; add it"):
        grammar(s="{town}").write("s", random.Random(0))
