"""From file to file: whole or not at all, nothing overwritten, every problem listed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ner_lightning.data.conversion import conversion_table, convert_file
from ner_lightning.data.read_report import LISTED_PROBLEMS, ReadReport
from ner_lightning.data.readers.brat import BratReader
from ner_lightning.data.readers.by_ending import ReaderByEnding
from ner_lightning.data.readers.jsonl import JsonlReader
from ner_lightning.data.writers.brat import BratWriter
from ner_lightning.data.writers.by_ending import WriterByEnding
from ner_lightning.data.writers.columns import ConllWriter
from ner_lightning.data.writers.json_lines import JsonlWriter
from ner_lightning.data.writers.records import DoccanoWriter, LabelStudioWriter, ProdigyWriter
from ner_lightning.data.writers.spacy import SpacyWriter
from ner_lightning.errors import DataError, UserError
from ner_lightning.tagging import EntitySpan

COLUMNS = "Ann\tB-PER\nleft\tO\nNew\tB-LOC\nYork\tI-LOC\n\nBob\t?\nran\tO\n\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "a.conll").write_text(COLUMNS)
    return tmp_path / "a.conll"


def convert(source: Path, target: Path | None, reader=None, writer=None, **options):
    goal = None if target is None else str(target)
    return convert_file(reader or ReaderByEnding(), writer or WriterByEnding(), str(source), goal, **options)


def test_formats_by_ending(source: Path, tmp_path: Path) -> None:
    for ending in (".jsonl", ".bio", ".spacy"):
        done = convert(source, tmp_path / "to" / f"b{ending}")
        assert (done.written.sentences, done.written.words, done.written.entities) == (2, 6, 2)
        back = convert(tmp_path / "to" / f"b{ending}", tmp_path / "back" / f"b{ending}.conll")
        assert back.report.unknown_words == 1
        assert (tmp_path / "back" / f"b{ending}.conll").read_text() == COLUMNS, ending
    assert sorted(path.name for path in (tmp_path / "to").iterdir()) == ["b.bio", "b.jsonl", "b.spacy"]


def test_a_scheme(source: Path, tmp_path: Path) -> None:
    convert(source, tmp_path / "b.conll", writer=ConllWriter("BIOES"))
    assert (tmp_path / "b.conll").read_text().split()[1:8:2] == ["S-PER", "O", "B-LOC", "E-LOC"]
    convert(source, tmp_path / "c.conll", writer=WriterByEnding("BIOES"))
    assert (tmp_path / "c.conll").read_text() == (tmp_path / "b.conll").read_text()


@pytest.mark.parametrize(("name", "remedy"), [("b", "to=brat"), ("b.json", "to=label_studio"), ("b.xml", "to=conll")])
def test_an_ending_that_shows_no_format(source: Path, tmp_path: Path, name: str, remedy: str) -> None:
    with pytest.raises(UserError, match=f"{name}: expected a name that shows the format, .*; give {remedy}"):
        convert(source, tmp_path / name)


def test_nothing_is_replaced_unless_asked(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "b.jsonl"
    target.write_text("mine")
    with pytest.raises(UserError, match=r"output=.*b\.jsonl: is there already; .*force=true"):
        convert(source, target)
    for key in ("report", "problems"):
        with pytest.raises(UserError, match=rf"^{key}=.*is there already"):
            convert(source, tmp_path / "c.jsonl", **{f"{key}_file": str(target)})
    assert target.read_text() == "mine"
    convert(source, target, force=True)
    assert len(target.read_text().splitlines()) == 2
    with pytest.raises(UserError, match="this is what is read"):
        convert(source, source, force=True)


def test_outputs_are_not_one_another_nor_the_input(source: Path, tmp_path: Path) -> None:
    target = str(tmp_path / "b.jsonl")
    for keys in ({"report_file": target}, {"problems_file": target}):
        with pytest.raises(UserError, match=r"b\.jsonl: this is output=.*b\.jsonl too"):
            convert(source, target, **keys)
        with pytest.raises(UserError, match=r"this is what is read"):
            convert(source, None, force=True, **dict.fromkeys(keys, str(source)))
    (tmp_path / "link").symlink_to(source)
    with pytest.raises(UserError, match=r"^output=.*link: this is what is read"):
        convert(source, tmp_path / "link", writer=JsonlWriter(), force=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.conll", "link"]


def test_devices_are_written_through(source: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^report=/dev/full: cannot be written \(no space left on device\)"):
        convert(source, None, report_file="/dev/full")
    done = convert(source, "/dev/null", writer=JsonlWriter(), report_file="/dev/null", problems_file="/dev/null")
    assert done.written is not None
    assert done.written.sentences == 2
    assert Path("/dev/null").is_char_device()


def test_only_a_folder_of_brat_is_replaced(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "brat"
    convert(source, folder, writer=BratWriter())
    (folder / "old.txt").write_text("old")
    convert(source, folder, writer=BratWriter(), force=True)
    assert sorted(path.name for path in folder.iterdir()) == ["annotation.conf", "brat-00001.ann", "brat-00001.txt"]
    (folder / "thesis.tex").write_text("dear")
    with pytest.raises(UserError, match=r"a folder that holds thesis\.tex is not replaced"):
        convert(source, folder, writer=BratWriter(), force=True)
    assert (folder / "thesis.tex").read_text() == "dear"
    (tmp_path / "x").mkdir()
    (tmp_path / "x/a.txt").write_text("a")
    with pytest.raises(UserError, match="a folder that holds the input is not replaced"):
        convert(tmp_path / "x/a.txt", tmp_path / "x", BratReader(), BratWriter(), force=True)


def test_a_conversion_that_fails_leaves_nothing(tmp_path: Path) -> None:
    source, target = tmp_path / "a.jsonl", tmp_path / "b.conll"
    source.write_text('{"text": "Ann", "label": []}\n{"text": 3}\n')
    target.write_text("mine")
    with pytest.raises(DataError, match=r"a\.jsonl:2: expected a text"):
        convert(source, target, force=True)
    source.write_text(json.dumps({"words": ["a\tb"], "tags": ["O"]}))
    with pytest.raises(
        UserError, match=r"^output=.*b\.conll: expected words that fit a column, found 'a\\tb' .*write JSONL"
    ):
        convert(source, target, force=True)
    assert target.read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "b.conll"]


def test_places_that_cannot_be_written(source: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written"):
        convert(source, source / "b.jsonl")
    with pytest.raises(UserError, match="cannot be written"):
        convert(source, None, report_file=str(source / "r.json"))
    with pytest.raises(UserError, match="input=-: a format is told by a name"):
        convert_file(ReaderByEnding(), WriterByEnding(), "-", None)


def test_every_problem_is_listed_on_request(tmp_path: Path) -> None:
    source, listed, report = tmp_path / "a.jsonl", tmp_path / "problems.jsonl", tmp_path / "report.json"
    record = json.dumps({"text": "Ann Smiths", "label": [[4, 9, "PER"], [4, 6, "X"]]})
    number = LISTED_PROBLEMS // 3 + 50
    source.write_text(f"{record}\n" * number)
    done = convert(source, None, problems_file=str(listed), report_file=str(report))
    problems = [json.loads(line) for line in listed.read_text().splitlines()]
    assert len(problems) == 3 * number > LISTED_PROBLEMS == len(done.report.problems)
    assert problems[0] == {
        "kind": "misaligned",
        "path": str(source),
        "line": 1,
        "what": "PER [4, 9) 'Smith' lies inside a word: widened to 'Smiths' (snap)",
        "text": "Smith",
    }
    assert {p["kind"] for p in problems} == {"misaligned", "overlapping"}
    assert problems[-1]["line"] == number
    told = json.loads(report.read_text())
    assert (told["output"], told["written"]) == (None, None)
    assert (told["read"]["misaligned"], told["read"]["overlapping"]) == (2 * number, number)
    assert len(told["read"]["problems"]) + told["read"]["unlisted"] == len(problems)
    assert done.remarks()[-1] == f"  and {3 * number - 10} more; problems=FILE lists them all"
    assert "misaligned" in [column.header for column in conversion_table(done).columns]


def test_the_report_may_go_to_standard_output(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    convert(source, None, report_file="-")
    assert json.loads(capsys.readouterr().out)["read"]["entities"] == 2


def test_what_a_format_cannot_keep_is_told(source: Path, tmp_path: Path) -> None:
    done = convert(source, tmp_path / "b.jsonl", writer=DoccanoWriter())
    assert done.written.unknown_lost == 1
    assert done.remarks() == [
        "  1 words nobody annotated are now outside of entities: this format has no place for them "
        "(jsonl, conll and spacy have)"
    ]
    assert convert(source, tmp_path / "c.jsonl").remarks() == []


TEXT = "Ann Lee lives in Oslo. She left.\r\n\n  Bob 👍 stayed."


@pytest.fixture
def brat(tmp_path: Path) -> Path:
    (tmp_path / "brat/sub").mkdir(parents=True)
    (tmp_path / "brat/sub/a.txt").write_bytes(TEXT.encode())
    (tmp_path / "brat/sub/a.ann").write_text("T1\tPER 0 7\tAnn Lee\nT2\tLOC 17 21\tOslo\nT3\tPER 37 40\tBob\n")
    return tmp_path / "brat"


@pytest.mark.parametrize(
    ("name", "writer"),
    [
        ("b.json", LabelStudioWriter()),
        ("b.jsonl", DoccanoWriter()),
        ("c.jsonl", ProdigyWriter()),
        ("b.spacy", SpacyWriter()),
    ],
)
def test_documents_stay_whole_where_they_can(brat: Path, tmp_path: Path, name: str, writer) -> None:
    convert(brat, tmp_path / name, writer=writer)
    convert(tmp_path / name, tmp_path / "back", writer=BratWriter())
    for file in ("sub/a.txt", "sub/a.ann"):
        assert (tmp_path / "back" / file).read_bytes() == (brat / file).read_bytes()


def test_documents_are_cut_where_they_must_be_or_where_the_user_says(brat: Path, tmp_path: Path) -> None:
    convert(brat, tmp_path / "b.conll")
    assert (tmp_path / "b.conll").read_text().count("\n\n") == 3
    convert(brat, tmp_path / "b.json", ReaderByEnding(sentences="punctuation"), LabelStudioWriter())
    assert len(json.loads((tmp_path / "b.json").read_text())) == 3
    convert(brat, tmp_path / "b.spacy")
    report = ReadReport()
    from ner_lightning.data.readers.spacy import SpacyReader

    assert len(list(SpacyReader().read(tmp_path / "b.spacy", report))) == 3


def test_our_own_lines_lose_nothing(source: Path, tmp_path: Path) -> None:
    convert(source, tmp_path / "b.jsonl")
    found = list(JsonlReader().read(tmp_path / "b.jsonl", ReadReport()))
    assert [(s.id, s.text, s.spans, s.unknown) for s in found] == [
        ("a.conll:1", "Ann left New York", (EntitySpan(0, 1, "PER"), EntitySpan(2, 4, "LOC")), ()),
        ("a.conll:6", "Bob ran", (), (0,)),
    ]
    convert(source, tmp_path / "c.jsonl", writer=JsonlWriter(words=False))
    assert "words" not in (tmp_path / "c.jsonl").read_text()
