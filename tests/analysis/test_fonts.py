"""Chinese names in pictures: letters of an installed font, or one line in the log."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from ner_lightning.analysis import fonts
from ner_lightning.analysis.plots import new_figure, save_figure, transition_matrix
from ner_lightning.tagging.tagset import TagSet

pytest.importorskip("matplotlib", reason="extra: plots")

CHINESE = TagSet(("人名", "地名"), "IOB2")
NAME = "Lender of the Tests"


@pytest.fixture(autouse=True)
def nothing_installed_and_nothing_said(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    from matplotlib.font_manager import fontManager

    ours = [font for font in fontManager.ttflist if font.name.startswith(("DejaVu", "Last Resort"))]
    monkeypatch.setattr(fontManager, "ttflist", ours)
    monkeypatch.setattr(fonts, "_named", set())
    fonts._lenders.cache_clear()
    yield
    fonts._lenders.cache_clear()


def write_font(file: Path, letters: str) -> Path:
    """A font whose letters are all one triangle."""
    builder = pytest.importorskip("fontTools.fontBuilder").FontBuilder(1000, isTTF=True)
    pen = pytest.importorskip("fontTools.pens.ttGlyphPen").TTGlyphPen(None)
    pen.moveTo((0, 0))
    pen.lineTo((0, 500))
    pen.lineTo((500, 0))
    pen.closePath()
    triangle = pen.glyph()
    names = [f"letter{n}" for n in range(len(letters))]
    builder.setupGlyphOrder([".notdef", *names])
    builder.setupCharacterMap(dict(zip(map(ord, letters), names, strict=True)))
    builder.setupGlyf(dict.fromkeys([".notdef", *names], triangle))
    builder.setupHorizontalMetrics(dict.fromkeys([".notdef", *names], (1000, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": NAME, "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=800)
    builder.setupPost()
    builder.save(file)
    return file


def draw(folder: Path, tags: TagSet = CHINESE) -> None:
    import numpy as np

    n = len(tags) + 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save_figure(transition_matrix(np.zeros((n, n)), None, tags.tags, "moves"), folder / "moves")


def test_what_no_font_has_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        draw(tmp_path)
    (line,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert line.startswith("pictures show boxes in place of 人 名 地: no installed font has them")
    draw(tmp_path, TagSet(("组", *(chr(0x4E00 + n) for n in range(30))), "IOB2"))
    assert caplog.messages[-1].startswith("pictures show boxes in place of 一 丁 ")
    assert " and 19 more: no installed font" in caplog.messages[-1]


def test_an_installed_font_lends_its_letters(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    from matplotlib.font_manager import fontManager

    fontManager.addfont(str(write_font(tmp_path / "lender.ttf", "人名")))
    draw(tmp_path)
    (line,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert "in place of 地: " in line
    figure = new_figure(2, 2)
    text = figure.text(0, 0, "人 B-PER")
    fonts.lend_letters(figure)
    assert NAME in text.get_fontfamily()


def test_a_picture_without_such_letters_keeps_its_font(tmp_path: Path) -> None:
    figure = new_figure(2, 2)
    text = figure.text(0, 0, "± é –")
    before = text.get_fontfamily()
    fonts.lend_letters(figure)
    assert text.get_fontfamily() == before
