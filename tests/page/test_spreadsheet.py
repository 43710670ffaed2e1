from __future__ import annotations

import csv
import io

import pytest

from ner_lightning.page.spreadsheet import Rows, escape_cell


@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", '=HYPERLINK("http://x")', "+1+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1+1", "\r=1", "\n=1"),
        *(" =1+1", "＝1+1", "-x", "+", "--1", "-0.5)"),
    ],
)
def test_what_a_spreadsheet_would_run_becomes_text(text: str) -> None:
    found = escape_cell(text)
    assert isinstance(found, str)
    assert found.startswith("'") or text == "+"
    assert "\t" not in found
    assert "\n" not in found


@pytest.mark.parametrize(
    "value", [-0.5, 3, None, True, "-0.5", "+1", "-1e-5", "-1,234.5", "-.5", "-3 %", "-inf", "nan", "-", "a=b", "crf"]
)
def test_numbers_and_words_stay(value: object) -> None:
    assert escape_cell(value) is value or escape_cell(value) == value


def test_rows_are_read_back() -> None:
    file = io.StringIO()
    rows = Rows(file)
    rows.writerow(["name", "f1"])
    rows.writerow(['=1+1, "x"', -0.25])
    assert [*csv.reader(io.StringIO(file.getvalue()))] == [["name", "f1"], ['\'=1+1, "x"', "-0.25"]]
