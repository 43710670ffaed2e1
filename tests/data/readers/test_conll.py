"""Column files as they really are, written by hand."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.readers.conll import ConllReader
from ner_lightning.errors import DataError
from ner_lightning.tagging import EntitySpan


@pytest.fixture
def read(tmp_path):
    def reading(content, **options):
        path = tmp_path / "file.conll"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        report = ReadReport()
        sentences = list(ConllReader(**options).read(path, report))
        assert report.sentences == len(sentences)
        return sentences, report

    return reading


def words(sentences):
    return [list(sentence.words) for sentence in sentences]


def test_first_and_last_sentence_are_kept(read):
    sentences, report = read("Ann B-PER\nsaw O\n\n\n\nRome B-LOC")
    assert words(sentences) == [["Ann", "saw"], ["Rome"]]
    assert [s.spans for s in sentences] == [(EntitySpan(0, 1, "PER"),), (EntitySpan(0, 1, "LOC"),)]
    assert [s.id for s in sentences] == ["file.conll:1", "file.conll:6"]
    assert (report.words, report.entities, report.scheme, report.types["LOC"]) == (3, 2, "IOB2", 1)


def test_any_column(read):
    sentences, _ = read("1\tAnn\tB-PER\tx\n", word_column=1, tag_column=-2)
    assert sentences[0].words == ("Ann",)
    assert sentences[0].spans == (EntitySpan(0, 1, "PER"),)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("delimiter", ["\t", " "])
def test_ends_marks_and_delimiters(read, mark, end, delimiter):
    lines = ["Ann_B-PER", "saw_O", "\t" if delimiter == "\t" else " ", "Rome_B-LOC", ""]
    sentences, _ = read(mark + end.join(lines).replace("_", delimiter).encode())
    assert words(sentences) == [["Ann", "saw"], ["Rome"]]
    assert sentences[1].spans == (EntitySpan(0, 1, "LOC"),)


INVISIBLE = list("\ufe0f\u3000\xa0\u200b\u2028\u2029\x85\x0b\x0c\x1c\x1e\x00\ufeff")


@pytest.mark.parametrize("delimiter", ["\t", " "])
@pytest.mark.parametrize("word", INVISIBLE)
def test_invisible_words_keep_their_place(read, word, delimiter):
    text = "".join(f"{w}{delimiter}{t}\n" for w, t in [("a", "O"), (word, "B-X"), (f"b{word}c", "I-X"), ("d", "O")])
    sentences, _ = read(text)
    assert words(sentences) == [["a", word, f"b{word}c", "d"]]
    assert sentences[0].spans == (EntitySpan(1, 3, "X"),)


def test_runs_of_spaces_and_the_space_as_a_word(read):
    sentences, _ = read("a   O\nb O \n  O\n c O\n")
    assert words(sentences) == [["a", "b", " ", "c"]]


def test_hash_is_a_word_where_it_has_a_tag(read):
    sentences, _ = read("# O\n1 O\n\n#tag B-X\n")
    assert words(sentences) == [["#", "1"], ["#tag"]]
    sentences, _ = read("#\tO\n# 1\tO\n")
    assert words(sentences) == [["#", "# 1"]]


def test_comments_of_universal_ner(read):
    text = (
        "# newdoc id = d1\n# sent_id = s1\n# text = Ann saw Rome.\n1\tAnn\tB-PER\t-\t-\n2\tsaw\tO\t-\t-\n"
        "3\tRome\tB-LOC\t-\t-\n4\t.\tO\t-\t-\n\n# sent_id = s2\n# text = other words\n1\t#\tO\t-\t-\n\n"
        "# newdoc id = d2\n1\tx\tO\t-\t-\n"
    )
    sentences, report = read(text, word_column=1, tag_column=2)
    assert words(sentences) == [["Ann", "saw", "Rome", "."], ["#"], ["x"]]
    assert [s.id for s in sentences] == ["s1", "s2", "file.conll:14"]
    assert [s.document for s in sentences] == ["d1", "d1", "d2"]
    assert report.documents == 2
    assert sentences[0].text == "Ann saw Rome."
    assert sentences[0].offsets == ((0, 3), (4, 7), (8, 12), (12, 13))
    assert sentences[1].text is None  # a text that is not that of the words is no text of theirs


def test_comments_on_and_off(read):
    text = "a O\n# c O\n# O\nb O\n"
    assert words(read(text, comments=True)[0]) == [["a", "b"]]
    with pytest.raises(DataError, match=r"file\.conll:2: expected 2 columns"):
        read(text, comments=False)
    assert words(read("# O\na O\n", comments=False)[0]) == [["#", "a"]]


def test_a_broken_hashtag_line_is_no_comment(read):
    with pytest.raises(DataError, match=r"file\.conll:2: expected 2 columns"):
        read("a\tO\n#tag\nb\tO\n")
    with pytest.raises(DataError, match=r"file\.conll:3: expected 2 columns"):
        read("a\tO\n\n#tag\nb\tO\n")
    with pytest.raises(DataError, match=r"file\.conll:2: expected 2 columns"):
        read("a\tO\n# cut line\nb\tO\n")


def test_document_markers(read):
    text = (
        "-DOCSTART- -X- O O\n\na N I-NP O\n\n-DOCSTART- -X- O O\n\nb N I-NP I-X\n\nc N I-NP O\n-DOCSTART-\nd N I-NP O\n"
    )
    sentences, report = read(text)
    assert words(sentences) == [["a"], ["b"], ["c"], ["d"]]
    assert [s.document for s in sentences] == ["file.conll:1", "file.conll:5", "file.conll:5", "file.conll:10"]
    assert report.documents == 3
    assert words(read("-DOCSTART- O\na O\n", document_marker=None)[0]) == [["-DOCSTART-", "a"]]


def test_partial_annotation(read):
    sentences, report = read("a\tB-X\nb\t?\nc\t\nd\tO\n")
    assert (sentences[0].unknown, report.unknown_words) == ((1, 2), 2)
    assert sentences[0].spans == (EntitySpan(0, 1, "X"),)
    with pytest.raises(DataError, match=r":2: expected the tag O.*found '\?'"):
        read("a\tB-X\nb\t?\n", unknown_tag=None)


def test_without_tags(read):
    sentences, report = read("# text\na\nb\n\nc\n", tag_column=None)
    assert words(sentences) == [["a", "b"], ["c"]]
    assert (sentences[0].unknown, report.scheme) == ((0, 1), "")
    with pytest.raises(DataError, match="tag_column=null"):
        read("a\nb\n")


def test_repair_is_counted_with_its_place(read):
    text = "a O\nb I-X\nc I-X\nd B-Y\n\n" + "a B-X\nb I-X\n\n" * 20
    sentences, report = read(text)
    assert (report.scheme, report.repaired) == ("IOB2", 1)
    assert sentences[0].spans == (EntitySpan(1, 3, "X"), EntitySpan(3, 4, "Y"))
    assert str(report.problems[0]).endswith("file.conll:2: the scheme IOB2 forbids I-X after O (conlleval)")
    assert read(text, repair="discard")[0][0].spans == (EntitySpan(3, 4, "Y"),)
    with pytest.raises(DataError, match=r"file\.conll:2: the scheme IOB2 forbids I-X after O"):
        read(text, repair="error")


def test_the_scheme_is_the_files_own(read):
    assert read("a I-X\nb B-X\n")[1].scheme == "IOB1"
    sentences, report = read("a I-X\nb I-X\n", scheme="IOB2")
    assert (report.scheme, report.repaired) == ("IOB2", 1)
    assert sentences[0].spans == (EntitySpan(0, 2, "X"),)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "found none: the file is empty"),
        ("\n \n\t\n", "found none: the file is empty"),
        ("# only = comments\n", "found none"),
        ("-DOCSTART- O\n\n", "found none"),
        ("a O\nb\nc O\n", r"file\.conll:2: expected 2 columns separated by spaces as in line 1, found 1: 'b'"),
        ("a\tO\nb O\n", r"file\.conll:2: expected 2 columns separated by tabs"),
        ("a\tO\n\tO\n", r"file\.conll:2: .*no word in its column"),
        ("a B-X\nb PER\n", r"file\.conll:2: expected the tag O or a letter.*found 'PER'"),
        ("a B-X\nb I-X\n\n" * 9 + "c E-X\n", r"file\.conll:28: expected a tag of the scheme IOB2 .*found 'E-X'"),
        (b"a O\nb\xff O\n", r"file\.conll:2: expected utf-8 text, found byte 0xff at byte 2 of the line"),
        ("a O\n".encode("utf-16"), "found UTF-16"),
    ],
)
def test_what_cannot_be_read_names_its_place(read, content, message):
    with pytest.raises(DataError, match=message):
        read(content)


def test_columns_that_are_not_there(read):
    with pytest.raises(DataError, match=r"file\.conll:1: expected the columns word_column=0 and tag_column=3, found 2"):
        read("a O\n", tag_column=3)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        next(ConllReader().read(tmp_path / "none", ReadReport()))
    with pytest.raises(DataError, match="a folder"):
        next(ConllReader().read(tmp_path, ReadReport()))


@pytest.mark.parametrize("option", [{"delimiter": ","}, {"scheme": "X"}, {"repair": "fix"}, {"comments": "yes"}])
def test_misspelt_options(option):
    with pytest.raises(ValueError, match="found"):
        ConllReader(**option)


def test_other_encodings(read):
    assert words(read("北 B-X\n".encode("gb18030"), encoding="gb18030")[0]) == [["北"]]


def test_a_file_whose_every_word_begins_like_a_comment(tmp_path):
    path = tmp_path / "a.conll"
    path.write_text("# sent_id = 1\n# text = # #x\n#\tO\n#x\tB-X\n\n", encoding="utf-8")
    (sentence,) = ConllReader().read(path, ReadReport())
    assert (sentence.words, sentence.spans, sentence.id) == (("#", "#x"), (EntitySpan(1, 2, "X"),), "1")


def test_a_sentence_without_end_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    """300 kB of gzip hold one sentence of 33 million words."""
    path = tmp_path / "bomb.conll.gz"
    with gzip.open(path, "wt") as file:
        file.write("\n" + "a O\n" * 1_000_001)
    with pytest.raises(DataError, match=r"bomb\.conll\.gz:2: .* at most 1,000,000 words, .* data\.longest_sentence="):
        list(ConllReader().read(path, ReadReport()))
