"""The table of a comparison for a paper or a page: Markdown, LaTeX (booktabs), CSV."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import groupby

from ner_lightning.comparison.columns import NOTHING
from ner_lightning.comparison.comparison import Comparison
from ner_lightning.comparison.report.grid import (
    Grid,
    Table,
    configuration_table,
    overall_grid,
    pair_table,
    section_grid,
)
from ner_lightning.comparison.report.prose import OVERALL, overall_notes, power_note, what_was_compared
from ner_lightning.comparison.score_table import Mark
from ner_lightning.page.spreadsheet import Rows

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "–": "--",
    "−": "$-$",
    "\n": " ",
    "\r": " ",
}
_MARKDOWN = str.maketrans({**{character: f"\\{character}" for character in r"\`*_[]<>|"}, "\n": " ", "\r": " "})


def render_markdown(comparison: Comparison) -> str:
    """Render tables, verdicts and notes."""
    parts = []
    if (overall := comparison.overall) is not None:
        parts.append(f"## {OVERALL}")
        parts.append(_markdown_table(overall_grid(overall)))
        parts.append(_list([pair.sentence for pair in overall.pairs] + overall_notes(overall)))
    for section in comparison.sections:
        if section.name:
            parts.append(f"## {section.name.translate(_MARKDOWN)}")
        parts.append(_markdown_table(section_grid(comparison, section)))
        parts.append(
            "\n".join(line.translate(_MARKDOWN) for line in what_was_compared(section, comparison.settings.split))
        )
        verdicts = [pair.sentence for pair in section.pairs.pairs] + power_note(section)
        if verdicts:
            parts.append(_list(verdicts))
    if comparison.notes:
        parts.append(f"## Notes\n\n{_list(comparison.notes)}")
    return "\n\n".join(parts) + "\n"


def _list(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line.translate(_MARKDOWN)}" for line in lines)


def _markdown_table(table: Grid) -> str:
    lines = [
        [column.name.translate(_MARKDOWN) for column in table.headings],
        ["---" if column.is_text else "---:" for column in table.headings],
        *([_bold(cell.text, mark) for cell in cells] for mark, cells in table.rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _bold(text: str, mark: Mark) -> str:
    text = text.translate(_MARKDOWN)
    return f"**{text}**" if mark == "best" and text not in ("", NOTHING) else text


def render_latex(comparison: Comparison) -> str:
    r"""Render a booktabs `tabular` for sections with the same columns, then one for all test sets together."""
    parts = [(section.name, section_grid(comparison, section)) for section in comparison.sections]
    tables = [_tabular([*like]) for _, like in groupby(parts, lambda part: part[1].headings)]
    if comparison.overall is not None:
        tables.append(_tabular([("", overall_grid(comparison.overall))]))
    return "% \\usepackage{booktabs}\n" + "\n".join(tables)


def _tabular(parts: Sequence[tuple[str, Grid]]) -> str:
    columns = parts[0][1].headings
    places = "".join("l" if column.is_text else "r" for column in columns)
    lines = [
        rf"\begin{{tabular}}{{{places}}}",
        r"\toprule",
        " & ".join(escape_latex(column.name) for column in columns) + r" \\",
    ]
    for name, table in parts:
        lines.append(r"\midrule")
        if name:
            lines.append(rf"\multicolumn{{{len(columns)}}}{{l}}{{\emph{{{escape_latex(name)}}}}} \\")
        for mark, cells in table.rows:
            lines.append(" & ".join(_strong(escape_latex(cell.text), mark) for cell in cells) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _strong(text: str, mark: Mark) -> str:
    return rf"\textbf{{{text}}}" if mark == "best" and text not in ("", escape_latex(NOTHING)) else text


def escape_latex(text: str) -> str:
    r"""Escape a text for LaTeX.

    >>> print(escape_latex("crf_lr=10% ± 1"))
    crf\_lr=10\% $\pm$ 1
    """
    return "".join(_LATEX.get(character, character) for character in text)


def render_csv(comparison: Comparison) -> str:
    """Write every number of the table, unrounded; fractions, seconds, bytes."""
    return _csv(configuration_table(comparison))


def render_pairs_csv(comparison: Comparison) -> str:
    """Write every test, unrounded."""
    return _csv(pair_table(comparison))


def _csv(table: Table) -> str:
    headings, rows = table
    file = io.StringIO()
    writer = Rows(file)
    for row in (headings, *rows):
        writer.writerow(row)
    return file.getvalue()
