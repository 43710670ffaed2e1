"""The page: everything in it, opened in a browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from ner_lightning.data.corpus.encoding import WordEncoder
from ner_lightning.inspection.encoder import load_words
from ner_lightning.inspection.inspection import inspect_corpus
from ner_lightning.inspection.report.html import render_inspection
from ner_lightning.inspection.settings import InspectionSettings
from tests.browser import column, opened, scrolls_sideways
from tests.inspection.made import inspected, made

HOSTILE = "<script>document.title='run'<!--"
LONG = f"{'long' * 80}/B-LOC {'and ' * 60}x"


@pytest.fixture(scope="module")
def words(tiny_encoder: Path) -> WordEncoder:
    return load_words({"name": str(tiny_encoder), "revision": None}, "words")


@pytest.fixture
def file(tmp_path: Path, words: WordEncoder) -> Path:
    train = [f"{HOSTILE}/B-{HOSTILE} é", "Oslo/B-LOC", *["again Ann/B-PER"] * 3, LONG, "\u200b \u202eodd"]
    test = ["Oslo/B-ORG", "again Ann/B-PER", f"{HOSTILE} é", "Rome/B-PLACE", LONG]
    corpus = made(train=train, dev=test[:2], test=test)
    corpus.reports["train"].repaired = 3
    report = render_inspection(inspect_corpus(corpus, InspectionSettings(listed=3), words, HOSTILE))
    path = tmp_path / "report.html"
    path.write_text(report, encoding="utf-8")
    return path


def test_what_is_put_in_is_escaped(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count("<script>") == text.count("</script>") == 1
    assert "&lt;script&gt;" in text
    assert "http://" not in text
    assert "https://" not in text


@pytest.mark.parametrize(("width", "dark"), [(390, False), (1280, False), (1280, True)])
def test_in_a_browser(file: Path, width: int, dark: bool) -> None:
    with opened(file, width=width, dark=dark) as (page, wrong):
        assert page.title() == "Data report: corpus"
        assert not scrolls_sideways(page)
        charts = page.locator("svg.chart")
        assert charts.count() == 6
        for chart in charts.all():
            chart.scroll_into_view_if_needed()
            box = chart.bounding_box()
            assert box is not None
            assert box["width"] > 250
            assert 40 < box["height"] < 500
            assert chart.locator("rect").count() >= 3
        leaked = page.locator("#leakage")
        assert leaked.get_attribute("open") is not None
        assert leaked.locator(".mark").inner_text() == "over 0 %"
        assert page.locator("#unseen").get_attribute("open") is None
        assert "Types spelt alike" in page.locator(".rest").first.inner_text()
        assert wrong == []


def test_tables_sort_and_findings_open(file: Path) -> None:
    with opened(file) as (page, wrong):
        counts = page.locator("table").first
        assert column(page, "table", 0) == ["train", "dev", "test"]
        counts.locator("th button").nth(1).click()
        assert column(page, "table", 1) == ["7", "5", "2"]
        counts.locator("th button").nth(1).click()
        assert column(page, "table", 0) == ["dev", "test", "train"]
        unseen = page.locator("#unseen")
        assert not unseen.locator("table").is_visible()
        unseen.locator("summary").click()
        assert unseen.locator("table").is_visible()
        assert "100 %" in column(page, "#unseen table", 4)
        assert wrong == []


def test_a_page_without_encoder_or_entities(tmp_path: Path) -> None:
    text = render_inspection(inspected(train=["a b"]))
    assert text.count("<svg") == 2
    assert "needs an encoder, such as model/encoder=minilm" in text


def test_many_types_are_charted_in_part() -> None:
    text = render_inspection(inspected(train=[f"a/B-T{i:02}" for i in range(45)]))
    assert "Mentions by type, without the 5 rarest" in text
    assert "T39, train: 1 mentions" in text
    assert "T40, train: 1 mentions" not in text
