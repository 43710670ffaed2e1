from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

from ner_lightning.page import terminal
from ner_lightning.page.terminal import escape_line, escape_lines, escape_message, make_console
from ner_lightning.sweep.job import quote_word
from tests.runs import write_corpus

HOSTILE = "PER\x1b[2J\x1b]52;c;cm0=\x07\x9b31m\r\n[12:00:00] all is well\u202eexe.\u2028\x7f\udc80"


def seen(*renderables: object, width: int = 200) -> str:
    file = io.StringIO()
    shown = make_console(file=file, width=width, color_system=None)
    for renderable in renderables:
        shown.print(renderable)
    return file.getvalue()


def is_harmless(text: str) -> bool:
    return all(c == "\n" or c.isprintable() or c == "\u00a0" for c in text) and not text.encode("utf-8").count(b"\x9b")


def test_no_control_character_is_left() -> None:
    every = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0), 0x61C, *range(0x200E, 0x2010), *range(0x2028, 0x202F)]))
    every += "".join(map(chr, [*range(0x2066, 0x206A), 0xD800, 0xDFFF]))
    assert escape_line(every).isascii()
    assert escape_lines(every).replace("\t", "").replace("\n", "").isprintable()


@pytest.mark.parametrize("text", ["Straße", "北京", "नेपाल", "👩‍👩‍👧", "می‌خواهم", "a\u00a0b", "C:\\new\\table"])
def test_what_people_write_is_left_as_it_is(text: str) -> None:
    assert escape_line(text) == escape_lines(text) == escape_message(text) == text


def test_a_line_inside_a_message_cannot_be_taken_for_another_message() -> None:
    lines = escape_message("a.conll: bad tag X\n[12:00:00] all is well\n\n").split("\n")
    assert lines == ["a.conll: bad tag X", "  [12:00:00] all is well", "", ""]
    assert escape_message("two runs:\n  a: failed\n  b: failed") == "two runs:\n  a: failed\n  b: failed"


def test_neither_text_nor_tables_nor_their_titles_obey_what_they_show() -> None:
    table = Table(title=HOSTILE, caption=HOSTILE)
    table.add_column(HOSTILE)
    table.add_row(HOSTILE)
    table.add_row(Text(HOSTILE))
    shown = seen(HOSTILE, Text(HOSTILE), table)
    assert is_harmless(shown)
    assert shown.count("\\x1b[2J\\x1b]52;c;cm0=") == 7


@pytest.mark.parametrize("name", ["[red]x", "[/]", "[bold]b[/bold]", "[link=https://x]y", ":smile:", "a[0]"])
def test_names_are_no_markup(name: str) -> None:
    table = Table(title=f"of {name}")
    table.add_column(name)
    table.add_row(name)
    assert seen(name, table).count(name) == 4


def test_a_table_stays_a_table() -> None:
    table = Table()
    table.add_column("type")
    table.add_row("\x1b" * 30)
    lines = seen(table, width=40).splitlines()
    assert len({len(line) for line in lines if line}) == 1


def test_nobody_else_makes_a_console_or_writes_cells_of_his_own() -> None:
    package = Path(terminal.__file__).parents[1]
    sources = {str(file.relative_to(package)): file.read_text(encoding="utf-8") for file in package.rglob("*.py")}
    assert len(sources) > 200
    assert [name for name, text in sources.items() if re.search(r"\bConsole\(", text)] == []
    assert {name for name, text in sources.items() if re.search(r"csv\.(writer|DictWriter)\(", text)} == {
        "page/spreadsheet.py",
        "logger/metrics_file.py",  # numbers, under keys that begin with a stage
    }


def test_names_of_files_are_shown_and_not_obeyed(tmp_path: Path) -> None:
    folder = tmp_path / "a\x1b[2J\n[12:00:00] all is well [bold]\u202e\udcff"
    for split in ("train", "dev"):
        write_corpus(folder, **{split: ["Ann/B-PER left Oslo/B-LOC", "=1+1/B-X\\ left"]})
    for place, code in ((folder, 0), (tmp_path / "none\x1b[2J\n[12:00:00] all is well", 2)):
        words = ["inspect", "data=conll", f"data.dir={quote_word(str(place))}"]
        done = subprocess.run(
            [sys.executable, "-m", f"ner_lightning.{words[0]}", *words[1:]], capture_output=True, check=False
        )
        output = (done.stdout + done.stderr).decode("utf-8", errors="strict")
        assert done.returncode == code, output
        assert is_harmless(output)
        assert not re.search(r"^\[12:00:00\]", output, re.MULTILINE)
        assert "\\x1b[2J" in output
