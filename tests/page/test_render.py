"""A template becomes a page that is safe, stands alone, and whose tables sort."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from ner_lightning.page.charts import draw_bars, draw_histogram
from ner_lightning.page.render import render
from tests.browser import column, opened, scrolls_sideways

TEMPLATE = """\
{% extends "skeleton.html" %}
{% from "macros.html" import table %}
{% block title %}{{ name }}{% endblock %}
{% block body %}
{{ chart }}
{{ table(["word", "count", "share"], rows, percents=["share"], caption="words") }}
{% endblock %}
"""
PACKAGE = Path(__file__).parents[2] / "ner_lightning"
HOSTILE = "</script><script>document.title='run'</script><img src=x onerror=\"document.title='run'\">"
ROWS = [["b10", 9, 0.5], ["b9", 1000, None], [HOSTILE, 30, 0.031], ["a", 100, 1.0]]


@pytest.fixture
def template(tmp_path: Path) -> Path:
    file = tmp_path / "mine.html"
    file.write_text(TEMPLATE, encoding="utf-8")
    return file


def test_what_is_put_in_is_escaped(template: Path) -> None:
    chart = draw_bars([HOSTILE], {HOSTILE: [1]}) + draw_histogram([0, 1], {HOSTILE: [0.5, 0.5]}, unit=HOSTILE)
    page = render(template, name=HOSTILE, rows=ROWS, chart=chart)
    assert "<img" not in page
    assert page.count("<script>") == page.count("</script>") == 1
    assert page.count("&lt;img") > 6


def test_the_policy_allows_our_own_script_and_styles_and_nothing_else(template: Path) -> None:
    template.write_text(TEMPLATE + "{% block style %}td { color: red; }{% endblock %}")
    page = render(template, name=HOSTILE, rows=ROWS, chart="")
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1])
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    digests = {kind: re.findall(rf"<{kind}>(.*?)</{kind}>", page, re.DOTALL) for kind in ("script", "style")}
    assert [len(found) for found in digests.values()] == [1, 2]
    for kind, texts in digests.items():
        expected = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts]
        assert rules[f"{kind}-src"] == " ".join(f"'sha256-{digest}'" for digest in expected)
    assert {rules[name] for name in ("default-src", "base-uri", "form-action")} == {"'none'"}
    assert "unsafe" not in policy
    assert " style=" not in page


def test_what_pages_hold_needs_no_inline_style() -> None:
    """The policy would drop it."""
    sources = [*PACKAGE.rglob("*.html"), *PACKAGE.rglob("*.js"), PACKAGE / "page" / "charts.py"]
    assert len(sources) >= 5
    assert not [
        file for file in sources if re.search(r"\bstyle=|\.style\b|\bon\w+=\"", file.read_text(encoding="utf-8"))
    ]


def test_a_value_that_is_missing_is_an_error(template: Path) -> None:
    with pytest.raises(UndefinedError, match="rows"):
        render(template, name="", chart="")


def test_in_a_browser(template: Path, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    wide = [*ROWS, ["w" * 300, 5, 0.1]]
    file.write_text(render(template, name=HOSTILE, rows=wide, chart=""), encoding="utf-8")
    with opened(file, width=390) as (page, wrong):
        assert page.title().startswith("</script>")
        assert not scrolls_sideways(page)
        headings = page.locator("th button")
        headings.nth(1).click()  # numbers begin with the largest
        assert column(page, "table", 1) == ["1,000", "100", "30", "9", "5"]
        assert page.locator("th").nth(1).get_attribute("aria-sort") == "descending"
        headings.nth(1).click()
        assert column(page, "table", 1) == ["5", "9", "30", "100", "1,000"]
        headings.nth(0).click()  # words with A, their numbers as numbers
        assert [word[:3] for word in column(page, "table", 0)] == ["</s", "a", "b9", "b10", "www"]
        for _ in range(2):  # nothing stands last either way
            headings.nth(2).click()
            assert column(page, "table", 2)[-1] == "–"
        assert page.title().startswith("</script>")
        assert wrong == []


def test_a_page_that_would_fetch_is_seen(template: Path, tmp_path: Path) -> None:
    """The browser's eyes are open: the policy forbids, and the test hears of it."""
    template.write_text(
        TEMPLATE.replace("{{ chart }}", '<img src="https://example.org/x.png"><pre>{{ "w" * 200 }}</pre>')
    )
    file = tmp_path / "page.html"
    file.write_text(render(template, name="n", rows=ROWS), "utf-8")
    with opened(file, width=390) as (page, wrong):
        assert any("Content Security Policy" in line for line in wrong)
        assert scrolls_sideways(page)


def test_a_text_that_no_page_is_for_is_cut(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(TEMPLATE)
    page = render(tmp_path / "page.html", name="n" * 100_000, chart="c" * 100_000, rows=[["w" * 100_000, 1, 0.5]])
    for letter in "ncw":
        longest = max(len(found) for found in re.findall(f"{letter}+", page))
        assert longest == 2000
    picture = "data:image/png;base64," + "A" * 100_000
    (tmp_path / "page.html").write_text(TEMPLATE.replace("{{ chart }}", '<img src="{{ chart }}">'))
    assert picture in render(tmp_path / "page.html", name="n", chart=picture, rows=[["w", 1, 0.5]])
