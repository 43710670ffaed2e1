from __future__ import annotations

import builtins
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from ner_lightning.analysis.calibration import Outcome, reliability_table
from ner_lightning.analysis.plots import (
    PlotsUnavailable,
    reliability_diagram,
    save_figure,
    transition_matrix,
)
from ner_lightning.tagging.tagset import TagSet

pytest.importorskip("matplotlib", reason="extra: plots")

TAGS = TagSet(("LOC", "PER"), "IOB2")  # O B-LOC I-LOC B-PER I-PER


def rules(tags: TagSet) -> np.ndarray:
    legal = np.ones((len(tags) + 1, len(tags) + 1), dtype=bool)
    legal[:-1, :-1], legal[-1, :-1], legal[:-1, -1] = tags.allowed_transitions, tags.allowed_start, tags.allowed_end
    return legal


def scores(tags: TagSet, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(len(tags) + 1, len(tags) + 1))


def names(axes) -> tuple[list[str], list[str]]:
    return [t.get_text() for t in axes.get_yticklabels()], [t.get_text() for t in axes.get_xticklabels()]


def drawn(axes) -> np.ma.MaskedArray:
    (mesh,) = [c for c in axes.collections if c.get_array() is not None]
    return mesh.get_array().reshape(len(axes.get_yticks()), -1)


def test_moves_stand_in_named_rows_and_columns() -> None:
    moves = scores(TAGS)
    axes = transition_matrix(moves, None, TAGS.tags, "title").axes[0]
    rows, columns = names(axes)
    assert rows == ["start", *TAGS.tags]
    assert columns == [*TAGS.tags, "end"]
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("from", "to")
    shown = drawn(axes)
    assert shown[rows.index("start"), columns.index("B-LOC")] == moves[5, 1]
    assert shown[rows.index("I-PER"), columns.index("end")] == moves[4, 5]
    assert shown[rows.index("B-LOC"), columns.index("I-LOC")] == moves[1, 2]
    assert shown.mask.sum() == shown.mask[0, -1] == 1  # a sentence has words: nothing goes from start to end


def test_forbidden_moves_bear_neither_colour_nor_number_and_the_ground_is_hatched() -> None:
    moves = scores(TAGS)
    axes = transition_matrix(moves, rules(TAGS), TAGS.tags, "title").axes[0]
    rows, columns = names(axes)
    shown = drawn(axes)
    for start, end, legal in (
        ("start", "I-LOC", False),
        ("O", "I-PER", False),
        ("B-LOC", "I-PER", False),
        ("B-LOC", "I-LOC", True),
        ("I-LOC", "end", True),
        ("start", "end", False),
    ):
        assert shown.mask[rows.index(start), columns.index(end)] != legal, (start, end)
    assert axes.patch.get_hatch()
    assert len(axes.texts) == (~shown.mask).sum()
    assert "forbidden" in [text.get_text() for text in axes.get_legend().get_texts()]


def test_pixels_of_a_forbidden_move_are_grey_and_of_a_legal_one_coloured() -> None:
    moves = np.full((6, 6), 2.0)
    figure = transition_matrix(moves, rules(TAGS), TAGS.tags, "title")
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba()).astype(int)
    axes = figure.axes[0]

    def cell(row: int, column: int) -> np.ndarray:
        (x0, y0), (x1, y1) = axes.transData.transform([(column + 0.1, row + 0.9), (column + 0.9, row + 0.1)])
        height = pixels.shape[0]
        return pixels[int(height - y1) : int(height - y0), int(x0) : int(x1), :3].reshape(-1, 3)

    legal, forbidden = cell(0, 1), cell(0, 2)  # start to B-LOC, to I-LOC
    assert np.median(legal[:, 0] - legal[:, 2]) > 50  # red
    assert (forbidden.max(1) == forbidden.min(1)).all()
    assert len(np.unique(forbidden)) > 2  # hatching


def test_colours_diverge_from_zero_and_numbers_have_no_negative_zero() -> None:
    moves = np.full((6, 6), -3.0)
    moves[0, 0], moves[0, 1] = 1.0, -0.01
    axes = transition_matrix(moves, None, TAGS.tags, "title").axes[0]
    (mesh,) = [c for c in axes.collections if c.get_array() is not None]
    assert mesh.get_clim() == (-3, 3)
    printed = {text.get_text() for text in axes.texts}
    assert printed == {"-3.0", "1.0", "0.0"}
    small = transition_matrix(moves / 4, None, TAGS.tags, "title").axes[0]
    assert {text.get_text() for text in small.texts} == {"-0.75", "0.25", "0.00"}


def test_many_tags_have_dashes_instead_of_numbers() -> None:
    tags = TagSet(tuple("ABCDEFG"))  # 29 tags
    moves = scores(tags)
    axes = transition_matrix(moves, rules(tags), tags.tags, "title").axes[0]
    shown = drawn(axes)
    assert not axes.texts
    assert "below 0" in [text.get_text() for text in axes.get_legend().get_texts()]
    marked = {
        (int(y), int(x))
        for line in axes.lines
        if line.get_marker() == "_"
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
    }
    negative = {(row, column) for (row, column), score in np.ma.ndenumerate(shown) if score < -0.1}
    assert negative
    assert negative <= marked
    assert not [place for place in marked if shown[place] is np.ma.masked or shown[place] >= 0]


def test_a_type_named_like_a_formula_is_drawn_as_it_is(tmp_path: Path) -> None:
    tags = TagSet(("$\\frac$", "a_b"))
    assert save_figure(transition_matrix(scores(tags), None, tags.tags, "title"), tmp_path / "t")


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"shape \(6, 6\) for 5 tags, received \(5, 5\)"):
        transition_matrix(np.zeros((5, 5)), None, TAGS.tags, "title")


def test_the_diagram_shows_each_bin_where_it_belongs() -> None:
    found = [Outcome(0.95, True)] * 3 + [Outcome(0.85, False)] + [Outcome(0.25, False)] * 2
    table = reliability_table(found)
    upper, lower = reliability_diagram(table, "test: ECE 0.1").axes
    points = [line for line in upper.lines if line.get_marker() == "o"]
    assert points[0].get_xdata() == pytest.approx([0.25, 0.85, 0.95])
    assert points[0].get_ydata() == pytest.approx([0, 0, 1])
    assert [bar.get_height() for bar in lower.patches] == [2, 1, 3]
    assert [bar.get_x() for bar in lower.patches] == pytest.approx([0.2, 0.8, 0.9])
    assert [text.get_text() for text in lower.texts] == ["2", "1", "3"]
    assert (upper.get_ylabel(), lower.get_xlabel()) == ("share correct", "probability")


def test_files_are_pictures(tmp_path: Path) -> None:
    png, svg = save_figure(
        reliability_diagram(reliability_table([Outcome(0.9, True)]), "x"), tmp_path / "new" / "r_v1.0"
    )
    assert (png.name, svg.name) == ("r_v1.0.png", "r_v1.0.svg")
    assert png.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert png.stat().st_size > 10_000
    assert ElementTree.parse(svg).getroot().tag == "{http://www.w3.org/2000/svg}svg"


def test_pictures_leave_no_global_state(tmp_path: Path) -> None:
    import matplotlib

    before, loaded = dict(matplotlib.rcParams), "matplotlib.pyplot" in sys.modules
    save_figure(transition_matrix(scores(TAGS), rules(TAGS), TAGS.tags, "title"), tmp_path / "t")
    assert dict(matplotlib.rcParams) == before
    assert ("matplotlib.pyplot" in sys.modules) == loaded


def test_without_matplotlib_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    really = builtins.__import__

    def without(name: str, *args, **kwargs):
        if name.partition(".")[0] == "matplotlib":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return really(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(PlotsUnavailable, match=r"pip install 'ner-lightning\[plots\]'$"):
        reliability_diagram([], "x")
