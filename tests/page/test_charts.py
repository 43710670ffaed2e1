"""Charts say their numbers, keep within their frame, and cut what does not fit."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from rich.cells import cell_len

from ner_lightning.page.charts import WIDTH, draw_bars, draw_histogram


def rectangles(svg: str) -> list[dict[str, float | str]]:
    tree = ElementTree.fromstring(svg)
    return [
        {**{key: float(node.attrib[key]) for key in ("x", "y", "width", "height")}, "said": node[0].text or ""}
        for node in tree.iter("rect")
    ]


def test_bars_are_as_long_as_their_values() -> None:
    found = rectangles(draw_bars(["PER", "LOC"], {"train": [100, 50], "test": [0, 25]}, unit="mentions"))
    assert [bar["said"] for bar in found][:2] == ["PER, train: 100 mentions", "PER, test: 0 mentions"]
    longest = max(float(bar["width"]) for bar in found)
    assert [float(bar["width"]) / longest for bar in found] == pytest.approx([1, 0, 0.5, 0.25], abs=0.01)
    assert all(float(bar["x"]) + float(bar["width"]) <= WIDTH for bar in found)


def test_a_histogram_is_as_tall_as_its_shares() -> None:
    svg = draw_histogram([0, 10, 20, 40], {"a": [0.4, 0.2, 0.4, 0.0]}, unit="words", mark=(15, "window"))
    found = rectangles(svg)
    tallest = max(float(bar["height"]) for bar in found)
    assert [float(bar["height"]) / tallest for bar in found] == pytest.approx([1, 0.5, 1, 0], abs=0.01)
    assert [bar["said"] for bar in found][1::2] == ["a, 10 to 19 words: 20 %", "a, 40 and more words: 0.0 %"]
    (line,) = re.findall(r'<line class="mark" x1="([\d.]+)"', svg)
    second = found[1]
    assert float(second["x"]) < float(line) < float(second["x"]) + float(second["width"])


def test_a_mark_beyond_the_ranges_is_left_out() -> None:
    assert "mark" not in draw_histogram([0, 10], {"a": [1.0, 0.0]}, unit="words", mark=(512, "window"))


@pytest.mark.parametrize("largest", [1e-4, 0.003, 0.04, 0.2, 0.51, 1.0], ids=str)
def test_lines_are_few_and_round(largest: float) -> None:
    svg = draw_histogram([0, 1], {"a": [largest, 0.0]}, unit="words")
    assert 1 < svg.count('class="axis"') <= 6
    assert all(float(bar["y"]) >= 0 for bar in rectangles(svg))


def test_a_long_name_is_cut_but_said_in_full() -> None:
    svg = draw_bars(["programlang" * 5, "组织机构" * 9], {"train": [1, 2]})
    texts = [node.text or "" for node in ElementTree.fromstring(svg).iter("text")]
    assert any(text.endswith("…") and len(text) < 24 for text in texts)
    assert "programlang" * 5 in svg


ODD = (
    "W" * 60,
    "PERSON-POLITICIAN-MAYOR-OF-A-TOWN",
    "组织机构" * 9,
    "🏛" * 40,
    "i" * 90,
    "per",
    "é̱" * 30,
    "x" * 100_000,
)


def shown_breadth(text: str) -> float:
    """In pixels, by a font that is broader than those of browsers; it has no Chinese letters, which are squares."""
    font_manager = pytest.importorskip("matplotlib.font_manager")
    font = pytest.importorskip("PIL.ImageFont").truetype(font_manager.findfont("DejaVu Sans"), 12)
    return sum(12.0 if cell_len(letter) == 2 else font.getlength(letter) * bool(cell_len(letter)) for letter in text)


def test_no_text_leaves_the_frame() -> None:
    svg = draw_bars(ODD, {"train": [1_234_567 * n for n in range(8)], "test": [10**12] * 8})
    svg_2 = draw_histogram([0, 10, 20], {"a": [1.0, 0.0, 0.0]}, unit="words", mark=(1, "window of the encoder"))
    for node in (node for each in (svg, svg_2) for node in ElementTree.fromstring(each).iter("text")):
        x, breadth = float(node.attrib["x"]), shown_breadth(node.text or "")
        start = {"start": x, "middle": x - breadth / 2, "end": x - breadth}[node.attrib["text-anchor"]]
        assert start >= -0.5, node.text
        assert start + breadth <= WIDTH + 0.5, node.text
    assert len(svg) < 10_000, "a name without end stands nowhere in full"


def test_nothing_gives_nothing() -> None:
    assert draw_bars([], {}) == draw_histogram([0], {}, unit="") == ""
