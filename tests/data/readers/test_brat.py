"""brat: whole documents, pieces, other annotations, and what is wrong with a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.readers.brat import BratReader
from ner_lightning.errors import DataError

TEXT = "Ann Lee lives in New\nYork. Dr. Bob 👍 of Acme Inc. left!\r\nEnd."


@pytest.fixture
def read(tmp_path):
    def reading(*documents, **options):
        """Documents as (name, text, lines of the .ann or None)."""
        folder = tmp_path / "corpus"
        for name, text, lines in documents:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_suffix(".txt").write_bytes(text.encode())
            if lines is not None:
                path.with_suffix(".ann").write_bytes("".join(f"{line}\n" for line in lines).encode())
        report = ReadReport()
        return list(BratReader(**options).read(folder, report)), report

    return reading


def mentions(sentences):
    return [(" ".join(s.words[a:b]), label) for s in sentences for a, b, label in s.spans]


LINES = [
    "T1\tPER 0 7\tAnn Lee",
    "T2\tLOC 17 20;21 25\tNew York",
    "R1\tLives Arg1:T1 Arg2:T2",
    "E1\tMove:T4 Who:T1",
    "A1\tNegated E1",
    "*\tEquiv T1 T3",
    "#1\tAnnotatorNotes T1\tsure?",
    "N1\tReference T1 Wikipedia:534366\tAnn",
    "",
    "T3\tPER 31 34\tBob",
    "T4\tORG 40 44\tAcme",
]


def test_documents_become_sentences(read):
    sentences, report = read(
        ("b", TEXT, LINES), ("sub/a", "他在北京。走了。", ["T1\tLOC 2 4\t北京"]), words="punctuation"
    )
    assert mentions(sentences) == [
        ("Ann Lee", "PER"),
        ("New York", "LOC"),
        ("Bob", "PER"),
        ("Acme", "ORG"),
        ("北 京", "LOC"),
    ]
    assert [s.text for s in sentences] == [
        "Ann Lee lives in New\nYork.", "Dr. Bob 👍 of Acme Inc. left!", "End.", "他在北京。", "走了。",
    ]  # fmt: skip
    assert [s.document for s in sentences] == ["b"] * 3 + ["sub/a"] * 2
    assert [s.id for s in sentences] == ["b:0", "b:27", "b:57", "sub/a:0", "sub/a:5"]
    assert all(s.text[a:b] == w for s in sentences for w, (a, b) in zip(s.words, s.offsets, strict=True))
    assert (report.documents, report.sentences, report.entities, report.problems) == (2, 5, 5, [])


def test_a_document_may_stay_whole(read):
    sentences, _ = read(("b", TEXT, LINES), sentences="none")
    assert [(s.id, s.text) for s in sentences] == [("b", TEXT)]
    assert len(mentions(sentences)) == 4
    assert len(read(("b", TEXT, LINES), sentences="lines")[0]) == 2


def test_types_can_be_chosen(read):
    assert mentions(read(("b", TEXT, LINES), types=["ORG", "LOC"])[0]) == [("New York", "LOC"), ("Acme", "ORG")]


def test_not_annotated_is_not_the_same_as_nothing_found(read):
    sentences, report = read(("a", "Ann left.", None), ("b", "It rains.", []), ("c", " \n", []))
    assert [len(s.unknown) for s in sentences] == [3, 0]
    assert (report.documents, report.empty_sentences) == (3, 1)
    assert str(report.problems[0]).endswith("c.txt:1: left out: a document without words")


PIECES = ("d", "left and right lung", ["T1\tPART 0 4;15 19\tleft lung", "T2\tPART 9 19\tright lung"])


@pytest.mark.parametrize(
    ("policy", "found", "done"),
    [
        ("join", [("left and right lung", "PART")], "joined to 'left and right lung'"),
        ("first", [("left", "PART"), ("right lung", "PART")], "its first piece taken"),
        ("drop", [("right lung", "PART")], "left out"),
    ],
)
def test_spans_of_several_pieces(read, policy, found, done):
    sentences, report = read(PIECES, discontinuous=policy)
    assert mentions(sentences) == found
    assert report.discontinuous == 1
    told = f"d.ann:1: PART [0, 4);[15, 19) 'left lung' is discontinuous: {done} ({policy})"
    assert str(report.problems[0]).endswith(told)
    assert report.nested == (policy == "join")


def test_spans_of_several_pieces_can_be_refused(read):
    with pytest.raises(
        DataError, match=r"d\.ann:1: expected entities in one piece; .*discontinuous=join, first or drop"
    ):
        read(PIECES, discontinuous="error")


def test_problems_name_the_line_of_the_annotation(read):
    lines = ["T1\tORG 0 18\tUniversity of Oslo", "T2\tLOC 14 18\tOslo", "T3\tX 20 22\tit"]
    sentences, report = read(("a", "University of Oslo, its", lines))
    assert mentions(sentences) == [("University of Oslo", "ORG"), ("its", "X")]
    assert (report.nested, report.misaligned) == (1, 1)
    assert [(Path(p.path).name, p.line) for p in report.problems] == [("a.ann", 3), ("a.ann", 2)]
    assert mentions(read(("a", "University of Oslo, its", lines), misaligned="drop")[0]) == [
        ("University of Oslo", "ORG")
    ]
    with pytest.raises(DataError, match=r"a\.ann:3: expected a span of whole words"):
        read(("a", "University of Oslo, its", lines), misaligned="error")


@pytest.mark.parametrize(
    ("lines", "positions"),
    [
        (["T1\tLOC 2 6\tOslo", "T2\tLOC 8 12\tRome"], "characters"),
        (["T1\tLOC 3 7\tOslo", "T2\tLOC 9 13\tRome"], "utf16"),
        (["T1\tLOC 5 9\tOslo", "T2\tLOC 11 15\tRome"], "bytes"),
    ],
)
def test_positions(read, lines, positions):
    document = ("a", "👍 Oslo\r\nRome", lines)
    assert mentions(read(document, positions=positions)[0]) == [("Oslo", "LOC"), ("Rome", "LOC")]
    if positions != "bytes":
        sentences, report = read(document)
        assert mentions(sentences) == [("Oslo", "LOC"), ("Rome", "LOC")]
        assert len(report.problems) == (positions != "characters")


def test_line_ends_counted_as_one(read):
    sentences, report = read(("a", "one\r\ntwo\r\nRome x", ["T1\tLOC 8 12\tRome"]))
    assert mentions(sentences) == [("Rome", "LOC")]
    assert str(report.problems[0]).endswith("positions are counted in characters with CR LF as one")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("T1 PER 0 3 Ann", "expected an annotation such as 'T1<tab>PER 0 3<tab>Ann', found 'T1 PER 0 3 Ann'; correct"),
        ("T1\tPER 0 x\tAnn", "expected an annotation such as"),
        ("T1\tPER 0 3", "expected an annotation such as"),
        ("X1\tPER 0 3\tAnn", "expected an annotation such as"),
        ("T1\tPER 5 7;0 3\tAnn", r"expected pieces in their order, found 5 7;0 3; correct the line"),
        ("T1\tPER 0 99\tAnn", r"expected a span inside the 8 characters of the text, found \[0, 99\) PER; correct"),
        ("T1\tPER 3 3\t", r"found \[3, 3\)"),
        ("T1\tPER 0 3\tBob", r"expected 'Bob' at \[0, 3\), found 'Ann'; correct it, or say how the file counts"),
        ("T1\tPER 0 3;4 99\tAnn Lee", r"found \[0, 99\)"),
    ],
)
def test_broken_lines_name_their_place(read, line, message):
    with pytest.raises(DataError, match=rf"a\.ann:2: .*{message}"):
        read(("a", "Ann Lee.", ["T9\tPER 4 7\tLee", line]))


def test_bad_folders(tmp_path):
    def refused(path, message):
        with pytest.raises(DataError, match=message):
            list(BratReader().read(path, ReadReport()))

    refused(tmp_path, r"expected documents \(.txt with .ann\), found none in the folder or below it")
    refused(tmp_path / "no.txt", "expected a folder, or no.txt of a document, found none")
    (tmp_path / "a.ann").write_text("")
    refused(tmp_path, r"a\.ann: expected a\.txt beside it, found none")
    (tmp_path / "a.txt").write_bytes(b"Zo\xe9")
    refused(tmp_path, r"a\.txt:1: expected utf-8 text, found byte 0xe9")
    (tmp_path / "a.txt").write_bytes(b"\xff\xfeA\0")
    refused(tmp_path, "found UTF-16")


def test_one_document_and_its_encoding(tmp_path):
    (tmp_path / "a.txt").write_bytes("Zoé ging".encode("latin-1"))
    (tmp_path / "a.ann").write_bytes("T1\tPER 0 3\tZoé\n".encode("latin-1"))
    for name in ("a.txt", "a.ann"):
        report = ReadReport()
        (sentence,) = BratReader(encoding="latin-1").read(tmp_path / name, report)
        assert (sentence.words, sentence.document, mentions([sentence])) == (("Zoé", "ging"), "a", [("Zoé", "PER")])


def test_splits_are_folders(tmp_path):
    for name in ("train", "validation"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text("Ann")
        (tmp_path / name / "b.txt").write_text("Bob")
    reader = BratReader()
    assert reader.split_path(str(tmp_path), "train") == tmp_path / "train"
    assert reader.split_path(str(tmp_path), "dev") == tmp_path / "validation"
    assert reader.split_path(str(tmp_path), "test") is reader.split_path(str(tmp_path), None) is None
    assert [Path(p).name for p in reader.shard_paths(str(tmp_path), "dev")] == ["a.txt", "b.txt"]
    with pytest.raises(DataError, match="expected a folder test with documents"):
        reader.shard_paths(str(tmp_path), "test")


@pytest.mark.parametrize("option", ["discontinuous", "words", "sentences", "positions", "misaligned", "overlap"])
def test_misspelt_options(option):
    with pytest.raises(ValueError, match="found 'x'"):
        BratReader(**{option: "x"})
