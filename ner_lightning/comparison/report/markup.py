"""The table for a paper or a page: Markdown, LaTeX (booktabs), CSV."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import groupby

from ner_lightning.comparison.comparison import Comparison
from ner_lightning.comparison.report.grid import NOTHING, Grid, overall_grid, section_grid
from ner_lightning.comparison.report.said import OVERALL, every_pair, overall_notes, power_note, what_was_compared
from ner_lightning.comparison.table import Mark
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
    """Tables, verdicts and notes."""
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
    r"""A `tabular` with booktabs' rules for sections of the same columns; then one for all test sets together."""
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
    r"""A text as LaTeX prints it.

    >>> print(escape_latex("crf_lr=10% ± 1"))
    crf\_lr=10\% $\pm$ 1
    """
    return "".join(_LATEX.get(character, character) for character in text)


def render_csv(comparison: Comparison) -> str:
    """Every number of the table, unrounded; fractions, seconds, bytes."""
    keys = list(dict.fromkeys(key for section in comparison.sections for key in section.varied))
    scores = [f"{name}{part}" for name in comparison.columns for part in ("", " sd")]
    costs = ("seconds_per_epoch", "seconds_sd", "memory", "gpu_memory", "trained", "parameters", "decoder_share")
    file = io.StringIO()
    writer = Rows(file)
    of_f1 = ["f1 low", "f1 high", "f1 sd over folds", "dev f1", "dev f1 sd", "dev's choice"]
    writer.writerow(["section", "configuration", "mark", *keys, "n", *scores, *of_f1, *costs])
    for section in comparison.sections:
        for row in section.rows:
            settings = section.configurations[row.name].settings
            known = [row.scores.get(name) for name in comparison.columns]
            writer.writerow(
                [
                    section.name,
                    row.name,
                    row.mark,
                    *(settings.get(key) for key in keys),
                    row.n,
                    *(value for score in known for value in (score or (None, None))),
                    *(row.interval or (None, None)),
                    row.fold_sd,
                    *(row.dev or (None, None)),
                    row.dev_choice,
                    *(getattr(row, cost) for cost in costs),
                ]
            )
    return file.getvalue()


def render_pairs_csv(comparison: Comparison) -> str:
    """Every test, unrounded."""
    file = io.StringIO()
    writer = Rows(file)
    names = ("difference", "low", "high", "p", "standard_error")
    more = ("p_alone", "p_randomisation", "detectable")
    writer.writerow(["section", "a", "b", *names, *more, "runs_a", "runs_b", "sentence"])
    for where, pair in every_pair(comparison):
        numbers = [getattr(pair.difference, name) for name in names]
        numbers += [getattr(pair, name) for name in more]
        writer.writerow([where, pair.a, pair.b, *numbers, *pair.difference.runs, pair.sentence])
    return file.getvalue()
