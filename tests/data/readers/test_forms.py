"""Formats in the shapes in which they are really found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.readers.brat import BratReader
from ner_lightning.data.readers.conll import ConllReader
from ner_lightning.data.readers.jsonl import JsonlReader
from ner_lightning.data.readers.label_studio import LabelStudioReader
from ner_lightning.data.sentence import Sentence
from ner_lightning.errors import DataError
from ner_lightning.tagging import EntitySpan


def read(reader: Any, path: Path, content: str) -> tuple[list[Sentence], ReadReport]:
    path.write_text(content, encoding="utf-8")
    report = ReadReport()
    return list(reader.read(path, report)), report


def mentions(sentence: Sentence) -> list[tuple[str, str]]:
    return [(" ".join(sentence.words[start:end]), label) for start, end, label in sentence.spans]


def test_few_nerd(tmp_path: Path) -> None:
    text = (
        "Between\tO\n1789\tO\nthe\tO\nShanghai\tlocation-GPE\nShanghai\tbuilding-other\nMuseum\tbuilding-other\n.\tO\n\n"
        "It\tO\nstarred\tO\nHicks\tperson-actor\nand\tO\nNorah\tperson-actor\nJones\tperson-actor\nin\tO\nit\tO\n\n"
    )
    (first, second), report = read(ConllReader(), tmp_path / "train.txt", text)
    assert mentions(first) == [("Shanghai", "location-GPE"), ("Shanghai Museum", "building-other")]
    assert mentions(second) == [("Hicks", "person-actor"), ("Norah Jones", "person-actor")]
    assert (report.scheme, report.repaired) == ("IO", 0)
    assert list(map(str, report.problems)) == [
        f"{tmp_path}/train.txt:1: tags are types without a prefix: neighbouring words of one type are one entity"
    ]


def test_tags_of_one_unnamed_type(tmp_path: Path) -> None:
    text = "Clustering\tO\nof\tO\nataxia\tB\ntelangiectasia\tI\n.\tO\n\n"
    (sentence,), report = read(ConllReader(type="Disease"), tmp_path / "a.tsv", text)
    assert mentions(sentence) == [("ataxia telangiectasia", "Disease")]
    assert (report.scheme, report.problems) == ("IOB2", [])
    with pytest.raises(DataError, match=r"a\.tsv: expected tags with an entity type.*type=Disease"):
        read(ConllReader(), tmp_path / "a.tsv", text)
    record = json.dumps({"tokens": ["ataxia", "is"], "ner_tags": ["B", "O"]})
    assert mentions(read(JsonlReader(type="Disease"), tmp_path / "a.jsonl", record)[0][0]) == [("ataxia", "Disease")]


@pytest.mark.parametrize(
    "tags", ["B_PER I_PER O S_LOC E_LOC", "b-per i-per o s-loc e-loc", "b_per i_per o s_loc e_loc"]
)
def test_other_spellings_of_tags(tmp_path: Path, tags: str) -> None:
    text = "".join(f"w{i} {tag}\n" for i, tag in enumerate(tags.split()[:4]))
    (sentence,), report = read(ConllReader(repair="conlleval"), tmp_path / "a.conll", text)
    assert [(start, end, label.upper()) for start, end, label in sentence.spans] == [(0, 2, "PER"), (3, 4, "LOC")]
    assert "tags are written " in str(report.problems[0])


def test_explicit_schemes_read_other_spellings_too(tmp_path: Path) -> None:
    text = "x O\n\n" * 1200 + "Ann B_PER\n\n"
    sentences, report = read(ConllReader(scheme="IOB2"), tmp_path / "a.conll", text)
    assert (mentions(sentences[-1]), report.scheme) == ([("Ann", "PER")], "IOB2")


CONLLU = """\
# newdoc id = d
# sent_id = 1
# text = Vámonos a el mar Rojo
1-2\tVámonos\t_\t_\t_\t_\t_\t_\t_\t_
1\tVamos\tir\tVERB\t_\t_\t0\troot\t_\tNER=O
2\tnos\tnosotros\tPRON\t_\t_\t1\tobj\t_\tNER=O
3\ta\ta\tADP\t_\t_\t5\tcase\t_\tNER=O|SpaceAfter=No
4\tel\tel\tDET\t_\t_\t5\tdet\t_\tNER=O
4.1\thay\thaber\tVERB\t_\t_\t_\t_\t0:root\t_
5\tmar\tmar\tNOUN\t_\t_\t1\tobl\t_\tGloss=sea|NER=B-LOC
6\tRojo\trojo\tADJ\t_\t_\t5\tamod\t_\tNER=I-LOC|SpaceAfter=No

"""


def test_conllu_with_ranges_and_empty_nodes(tmp_path: Path) -> None:
    reader = ConllReader(1, -1, index_column=0, tag_key="auto")
    (sentence,), _ = read(reader, tmp_path / "a.conllu", CONLLU)
    assert sentence.words == ("Vamos", "nos", "a", "el", "mar", "Rojo")
    assert (mentions(sentence), sentence.id, sentence.document) == ([("mar Rojo", "LOC")], "1", "d")
    (sentence,), _ = read(ConllReader(1, None, index_column=0), tmp_path / "a.conllu", CONLLU)
    assert len(sentence.words) == 6
    named = CONLLU.replace("NER=", "name=")
    assert read(reader, tmp_path / "a.conllu", named)[0][0].spans == (EntitySpan(4, 6, "LOC"),)
    with pytest.raises(DataError, match=r"a\.conllu:4: expected tags such as NER=B-PER in column 9, found Gloss, Sp"):
        read(reader, tmp_path / "a.conllu", CONLLU.replace("NER=", "X:"))


def test_numbers_before_the_words(tmp_path: Path) -> None:
    text = "1 EU NNP I-NP I-ORG\n2 rejects VBZ I-VP O\n3 German JJ I-NP I-MISC\n\n1 Peter NNP I-NP I-PER\n\n"
    message = (
        r"a\.conll:1: expected words in column 0, found the numbers 1, 2, 3, ….*word_column=1 tag_column=4 index_colu"
    )
    with pytest.raises(DataError, match=message):
        read(ConllReader(), tmp_path / "a.conll", text)
    with pytest.raises(DataError, match=r"word_column=1 index_column=0 \(data=iob2"):
        read(ConllReader(tag_column=None), tmp_path / "a.conll", text)
    first = read(ConllReader(1, -1), tmp_path / "a.conll", text)[0][0]
    assert mentions(first) == [("EU", "ORG"), ("German", "MISC")]
    germ_eval = "# http://de.wikipedia.org [2009]\n1\tSchartau\tB-PER\tO\n2\tsagte\tO\tO\n3\tdem\tO\tO\n\n"
    with pytest.raises(DataError, match=r"a\.conll:2: expected words .*index_column=0"):
        read(ConllReader(), tmp_path / "a.conll", germ_eval)
    numbers = "1 O\n2 O\n3 O\n\nx O\n"  # one sentence of numbers among others
    assert len(read(ConllReader(), tmp_path / "a.conll", numbers)[0]) == 2


def test_tags_before_the_words(tmp_path: Path) -> None:
    text = "B-PER\tAnn\nO\tleft\nB-LOC\tOslo\n\n"
    for reader in (ConllReader(), ConllReader(tag_column=None)):
        with pytest.raises(
            DataError, match=r"a\.bio:1: expected words in column 0, found tags \(B-PER\); .*: word_column=1 "
        ):
            read(reader, tmp_path / "a.bio", text)
    with pytest.raises(DataError, match=r"word_column=1 tag_column=0"):
        read(ConllReader(), tmp_path / "a.bio", text)
    assert mentions(read(ConllReader(1, 0), tmp_path / "a.bio", text)[0][0]) == [("Ann", "PER"), ("Oslo", "LOC")]


def test_lines_that_end_in_a_tab(tmp_path: Path) -> None:
    text = "Ann\tB-PER\t\nleft\tO\t\n\nOslo\tB-LOC\t\n"
    with pytest.raises(
        DataError, match=r"a\.conll:1: expected tags in column 2, found it empty in every line.*tag_column=1"
    ):
        read(ConllReader(), tmp_path / "a.conll", text)
    assert mentions(read(ConllReader(tag_column=1), tmp_path / "a.conll", text)[0][0]) == [("Ann", "PER")]
    with pytest.raises(DataError, match=r"tag_column=null for a file without tags"):
        read(ConllReader(), tmp_path / "a.conll", "Ann\t\nleft\t\n")
    partly = "x\t\n\n" * 300 + "Ann\tB-PER\n"
    assert read(ConllReader(), tmp_path / "a.conll", partly)[1].unknown_words == 300


def test_two_tags_in_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.conll:1: expected one tag a word, found a second one, '\|B-AUTHOR'"):
        read(ConllReader(), tmp_path / "a.conll", "Ann\tB-PER|B-AUTHOR\nleft\tO\n")


@pytest.mark.parametrize(
    ("content", "looks"),
    [
        ('{"text": "Ann", "label": []}\n', "JSON: data=jsonl, or from=jsonl"),
        ('[\n{"text": "Ann"}\n]\n', "JSON: data=jsonl"),
        ("Sentence #,Word,POS,Tag\nSentence: 1,Thousands,NNS,O\n", "a table with names of columns: data=csv"),
    ],
)
def test_columns_that_look_like_something_else(tmp_path: Path, content: str, looks: str) -> None:
    with pytest.raises(DataError, match=f"the file looks like {looks}"):
        read(ConllReader(delimiter="tab"), tmp_path / "a.txt", content)


@pytest.mark.parametrize("content", ["Ann\tB-PER\nleft\tO\n\n", "B-PER Ann\nO left\n"])
def test_json_that_looks_like_columns(tmp_path: Path, content: str) -> None:
    for reader in (JsonlReader(), LabelStudioReader()):
        with pytest.raises(DataError, match=r"looks like columns of words and tags: data=conll, or from=conll"):
            read(reader, tmp_path / "a.txt", content)


def test_gliner(tmp_path: Path) -> None:
    records = [
        {"tokenized_text": ["Apple", "Inc.", "is", "in", "Cupertino"], "ner": [[0, 1, "organization"], [4, 4, "city"]]},
        {"tokenized_text": ["Nothing"], "ner": []},
    ]
    for text in (json.dumps(records), "\n".join(map(json.dumps, records))):
        (first, second), _ = read(JsonlReader(), tmp_path / "pilener.json", text)
        assert mentions(first) == [("Apple Inc.", "organization"), ("Cupertino", "city")]
        assert (second.spans, second.unknown) == ((), ())
    (first, _), _ = read(JsonlReader(ends="exclusive"), tmp_path / "a.json", json.dumps([records[0] | {"ner": []}] * 2))
    assert first.spans == ()


PAIRS = [
    ["Uber blew through $1 million a week", {"entities": [[0, 4, "ORG"]]}],
    ["Android Pay expands to Canada", {"entities": [[0, 11, "PRODUCT"], [23, 29, "GPE"]], "cats": {}}],
]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(PAIRS),
        json.dumps(PAIRS, indent=2),
        "\n".join(map(json.dumps, PAIRS)),
        json.dumps({"classes": ["ORG", "PRODUCT", "GPE"], "annotations": [PAIRS[0], None, PAIRS[1]]}),
    ],
)
def test_pairs_of_spacy_2(tmp_path: Path, text: str) -> None:
    (first, second), _ = read(JsonlReader(), tmp_path / "train.json", text)
    assert mentions(first) == [("Uber", "ORG")]
    assert mentions(second) == [("Android Pay", "PRODUCT"), ("Canada", "GPE")]


def test_keys_of_ones_own(tmp_path: Path) -> None:
    record = {"sentence_id": 3, "toks": ["Ann", "left"], "labels": ["B-PER", "O"]}
    with pytest.raises(DataError, match=r"found the keys: sentence_id, toks, labels; .*words_key=KEY"):
        read(JsonlReader(), tmp_path / "a.jsonl", json.dumps(record))
    with pytest.raises(
        DataError, match=r"expected entities under 'labels', found .*; if these are tags: tags_key=labels"
    ):
        read(JsonlReader(words_key="toks"), tmp_path / "a.jsonl", json.dumps(record))
    reader = JsonlReader(words_key="toks", tags_key="labels")
    assert mentions(read(reader, tmp_path / "a.jsonl", json.dumps(record))[0][0]) == [("Ann", "PER")]
    numbers = JsonlReader(label_names={0: "O", 1: "B-PER"})
    text = json.dumps({"tokens": ["Ann", "left"], "ner_tags": [1, 0]})
    assert mentions(read(numbers, tmp_path / "a.jsonl", text)[0][0]) == [("Ann", "PER")]


def test_tags_that_come_late_in_a_file(tmp_path: Path) -> None:
    text = '{"tokens": ["x"]}\n' * 150 + '{"tokens": ["Ann"], "tags": ["B-PER"]}\n'
    sentences, report = read(JsonlReader(), tmp_path / "a.jsonl", text)
    assert (mentions(sentences[-1]), report.unknown_words) == ([("Ann", "PER")], 150)


def test_an_empty_list_hides_no_filled_one(tmp_path: Path) -> None:
    record = {"text": "Ann left", "entities": [], "spans": [[0, 3, "PER"]]}
    (sentence,), report = read(JsonlReader(), tmp_path / "a.jsonl", json.dumps(record))
    assert (mentions(sentence), report.problems) == ([("Ann", "PER")], [])
    kept = {"text": "Ann left", "entities": [], "label": "positive", "labels": ["sports"]}
    assert read(JsonlReader(), tmp_path / "a.jsonl", json.dumps(kept))[0][0].spans == ()
    both = record | {"entities": [[4, 8, "ACT"]]}
    (sentence,), report = read(JsonlReader(), tmp_path / "a.jsonl", json.dumps(both))
    assert mentions(sentence) == [("left", "ACT")]
    assert "read under 'entities', not under spans: spans_key=KEY chooses" in str(report.problems[0])
    words = {"words": [], "tokens": ["Ann"], "entities": []}
    assert read(JsonlReader(), tmp_path / "a.jsonl", json.dumps(words))[0][0].words == ("Ann",)


def region(start: int, end: int, text: str, to_name: str = "text") -> dict[str, Any]:
    value = {"start": start, "end": end, "text": text, "labels": ["PER"]}
    return {"type": "labels", "from_name": "label", "to_name": to_name, "value": value}


def test_regions_of_another_text_are_not_laid_over_this_one(tmp_path: Path) -> None:
    result = [region(0, 3, "Ann"), region(0, 3, "Bob", "title")]
    task = {"id": 7, "data": {"text": "Ann left", "title": "Bob"}, "annotations": [{"result": result}]}
    with pytest.raises(
        DataError, match=r"task 7: expected regions of one text, found those of text, title; .*to_name=text"
    ):
        read(LabelStudioReader(), tmp_path / "a.json", json.dumps([task]))
    (sentence,), _ = read(LabelStudioReader(to_name="text"), tmp_path / "a.json", json.dumps([task]))
    assert mentions(sentence) == [("Ann", "PER")]
    alone = [task | {"annotations": [{"result": [one]}]} for one in result]
    with pytest.raises(DataError, match=r"a\.json:1: task 7: expected regions of one text"):
        read(LabelStudioReader(surface="ignore"), tmp_path / "a.json", json.dumps(alone))


def test_surfaces_that_a_granularity_cut(tmp_path: Path) -> None:
    task = {"data": {"text": "Ann Lee left"}, "annotations": [{"result": [region(0, 7, "Ann Le")]}]}
    with pytest.raises(DataError, match=r"expected 'Ann Le' at .0, 7., found 'Ann Lee'; .*surface=warn"):
        read(LabelStudioReader(), tmp_path / "a.json", json.dumps([task]))
    for surface, told in (("warn", 1), ("ignore", 0)):
        (sentence,), report = read(LabelStudioReader(surface=surface), tmp_path / "a.json", json.dumps([task]))
        assert (mentions(sentence), len(report.problems)) == ([("Ann Lee", "PER")], told)
    outside = {"data": {"text": "Ann"}, "annotations": [{"result": [region(0, 9, "Ann")]}]}
    with pytest.raises(DataError, match=r"expected a span inside the 3 characters"):
        read(LabelStudioReader(surface="ignore"), tmp_path / "a.json", json.dumps([outside]))
    (tmp_path / "b.ann").write_text("T1\tPER 0 7\tAnn Le\n")
    (sentence,), report = read(BratReader(surface="warn"), tmp_path / "b.txt", "Ann Lee left")
    assert (mentions(sentence), len(report.problems)) == ([("Ann Lee", "PER")], 1)
    record = json.dumps({"text": "Ann Lee left", "label": [{"start": 0, "end": 7, "label": "PER", "text": "Ann Le"}]})
    assert mentions(read(JsonlReader(surface="ignore"), tmp_path / "c.jsonl", record)[0][0]) == [("Ann Lee", "PER")]
    with pytest.raises(ValueError, match=r"expected surface to be one of error, warn, ignore"):
        LabelStudioReader(surface="x")  # type: ignore[arg-type]
