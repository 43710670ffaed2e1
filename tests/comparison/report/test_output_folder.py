"""What is written: the page in a real browser, tables that other programs read, pictures, everything as JSON."""

from __future__ import annotations

import csv
import json
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest
from markupsafe import escape

from ner_lightning.comparison.comparison import compare_runs
from ner_lightning.comparison.pictures.pictures import Pictures
from ner_lightning.comparison.report.grid import section_grid as grid_of
from ner_lightning.comparison.report.markup import render_latex
from ner_lightning.comparison.report.output_folder import WrittenReport, write
from ner_lightning.comparison.report.prose import OVERALL
from ner_lightning.comparison.runs.collect import collect
from ner_lightning.comparison.settings import Settings
from ner_lightning.comparison.why import explain_difference
from tests.browser import column, opened, scrolls_sideways
from tests.comparison.folders import SOFTMAX, TYPES, gold_sentences, predicted, with_settings, write_run, write_sets

HOSTILE = "<img src=x onerror=\"document.title='run'\">"


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Heads, rates and seeds; a softmax that breaks its scheme, a word that is markup, a run that is damaged."""
    folder = tmp_path_factory.mktemp("grid")
    gold = gold_sentences(40)
    gold[0] = ((HOSTILE, "$x_1", *gold[0][0][2:]), gold[0][1])
    cost = {"seconds_per_epoch": 12.5, "memory": 2**30, "trained": 1000, "parameters": 1000, "decoder_share": 0.05}
    for name, share in (("crf", 0.85), ("softmax", 0.6)):
        for rate in (1e-4, 1e-3):
            for seed in (1, 2):
                decoder = SOFTMAX if name == "softmax" else with_settings()["model"]["decoder"]
                config = with_settings(seed=seed, name=name, model__decoder=decoder, optim__encoder_lr=rate)
                sentences = predicted(gold, share - 100 * rate, seed)
                if name == "softmax":
                    tags = ("O", "I-LOC", *("O" for _ in sentences[3].words[2:]))
                    sentences[3] = replace(sentences[3], predicted_tags=tags)
                took = {**cost, "seconds_per_epoch": 10 * share + seed}
                write_run(folder / f"{name}-{rate}-{seed}", config, sentences, cost=took)
    (folder / HOSTILE.replace("/", "")).mkdir()
    (folder / HOSTILE.replace("/", "") / "config.yaml").write_text("")
    return folder


@pytest.fixture(scope="module")
def written(grid: Path, tmp_path_factory: pytest.TempPathFactory) -> WrittenReport:
    settings = Settings(samples=300, columns=("recall",), listed=100)  # the word that is markup too
    found = compare_runs(collect([str(grid)]), settings)
    return write(
        found, [explain_difference(section, settings) for section in found.sections], tmp_path_factory.mktemp("out")
    )


def test_the_page_in_a_browser(written: WrittenReport) -> None:
    for width in (1280, 390):
        with opened(written.report, width=width) as (page, wrong):
            assert wrong == []
            assert not scrolls_sideways(page)
            assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
            assert page.locator("img").count() == len(written.pictures.sections[0])
            assert page.title() == "Comparison of 8 runs"
            names = column(page, "table.configurations", 0)
            assert names[0] == "crf encoder_lr=0.0001"
            heading = page.locator("table.configurations th button", has_text="F1").first
            heading.click()  # best first, as it stands
            assert column(page, "table.configurations", 0) == names
            heading.click()
            assert column(page, "table.configurations", 0) == names[::-1]
            assert "onerror" in page.inner_text("body")
            headings = [text.strip() for text in page.locator("table.configurations th").all_inner_texts()]
            assert column(page, "table.configurations", headings.index("s / epoch"))[-1] == "10 ± 0.707"
            shown = page.locator("mark").first
            assert shown.inner_text().endswith(f" {shown.locator('small').inner_text()}")
            assert shown.locator("small").inner_text() in TYPES


def test_a_word_that_is_markup_stays_a_word(written: WrittenReport) -> None:
    text = written.report.read_text(encoding="utf-8")
    assert "<img src=x" not in text
    assert f"{escape(HOSTILE)} $x_1" in text or f"<mark>{escape(HOSTILE)}" in text


def test_the_pictures_that_make_sense_are_there(written: WrittenReport) -> None:
    names = [picture.name for picture in written.pictures.sections[0]]
    assert names == [
        "seeds",
        "differences",
        "learning_rate",
        "settings",
        "time",
        "learning_curves",
        "errors",
        "reliability",
    ]
    for picture in written.pictures.sections[0]:
        assert picture.svg.read_text(encoding="utf-8").lstrip().startswith("<?xml")
        assert picture.svg.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


def test_a_single_run_has_no_pictures_of_differences(grid: Path, tmp_path: Path) -> None:
    found = compare_runs(collect([str(grid / "crf-0.0001-1")]), Settings(samples=200))
    one = write(found, [explain_difference(section, found.settings) for section in found.sections], tmp_path)
    assert [picture.name for picture in one.pictures.sections[0]] == ["learning_curves", "errors", "reliability"]
    with opened(one.report, width=390) as (page, wrong):
        assert (wrong, page.title()) == ([], "Comparison of 1 run")


def test_tables_can_be_read_back(written: WrittenReport) -> None:
    with (written.folder / "table.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    everything = json.loads((written.folder / "comparison.json").read_text())
    configurations = everything["sections"][0]["configurations"]
    assert [row["configuration"] for row in rows] == [one["name"] for one in configurations]
    assert [float(row["f1"]) for row in rows] == [one["scores"]["f1"]["mean"] for one in configurations]
    assert float(rows[0]["decoder_share"]) == 0.05
    with (written.folder / "pairs.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == len(everything["sections"][0]["pairs"]) == 6
    assert len(everything["left_out"]) == 1


def test_markdown_has_a_cell_for_each_heading(written: WrittenReport) -> None:
    lines = [line for line in (written.folder / "table.md").read_text().splitlines() if line.startswith("|")]
    assert len(lines) == 6
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {lines[0].count("|")}
    assert lines[2].startswith("| **crf encoder\\_lr=0.0001** | **best** | **2** |")


def test_latex_has_as_many_columns_as_it_says(written: WrittenReport) -> None:
    text = (written.folder / "table.tex").read_text()
    (places,) = re.findall(r"\\begin\{tabular\}\{(\w+)\}", text)
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert len(rows) == 5
    assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {len(places)}
    assert r"encoder\_lr" in text
    assert re.search(r"(?<!\\)[%_#]", text.split("\n", 1)[1]) is None


def test_without_matplotlib_the_rest_is_written(grid: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    found = compare_runs(collect([str(grid / "crf*")]), Settings(samples=200))
    one = write(found, [explain_difference(section, found.settings) for section in found.sections], tmp_path)
    assert one.pictures == Pictures([], [[]])
    assert one.report.is_file()


def test_a_table_has_the_columns_that_its_runs_know(tmp_path: Path) -> None:
    write_sets(tmp_path / "runs")
    for file in tmp_path.glob("runs/tweets-*/result.json"):
        result = json.loads(file.read_text())
        del result["best"]["test/f1/LOC"]
        file.write_text(json.dumps({**result, "cost": {"seconds_per_epoch": 2.0}}))
    found = compare_runs(collect([str(tmp_path / "runs")]), Settings(samples=200, columns=("types",)))
    news, tweets = ([heading.name for heading in grid_of(found, section).headings] for section in found.sections)
    assert news[3:] == ["F1", "95 %", "dev F1", "F1 LOC", "F1 PER"]
    assert tweets[3:] == ["F1", "95 %", "dev F1", "F1 PER", "s / epoch"]
    tables = render_latex(found).split(r"\end{tabular}")
    assert [table.count(r"\emph{") for table in tables] == [1, 1, 0, 0]
    assert [table.count(r"\toprule") for table in tables] == [1, 1, 1, 0]


def test_systems_that_are_one_are_written_as_json_that_others_read(tmp_path: Path) -> None:
    """Nothing is uncertain about them: degrees of freedom without end, for which JSON has no word."""
    for rate in (1e-4, 1e-3):
        for seed in (1, 2):
            config = with_settings(seed=seed, optim__encoder_lr=rate)
            write_run(tmp_path / f"{rate}-{seed}", config, predicted(gold_sentences(), 0.8, 1))
    found = compare_runs(collect([str(tmp_path)]), Settings(samples=200))
    write(
        found,
        [explain_difference(section, found.settings) for section in found.sections],
        tmp_path / "out",
        figures=False,
    )

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    text = (tmp_path / "out" / "comparison.json").read_text()
    (pair,) = json.loads(text, parse_constant=refuse)["sections"][0]["pairs"]
    assert (pair["difference"]["difference"], pair["difference"]["df"], pair["shown"]) == (0.0, None, False)


def test_several_test_sets_have_a_page_table_and_picture_of_their_own(tmp_path: Path) -> None:
    write_sets(tmp_path / "runs")
    found = compare_runs(collect([str(tmp_path / "runs")]), Settings(samples=300))
    one = write(found, [explain_difference(section, found.settings) for section in found.sections], tmp_path / "out")
    assert [picture.name for picture in one.pictures.overall] == ["overall"]
    everything = json.loads((one.folder / "comparison.json").read_text())["overall"]
    assert everything["sets"] == ["news", "tweets"]
    with (one.folder / "pairs.csv").open(newline="") as file:
        first, _, last = csv.DictReader(file)
    (pair,) = json.loads((one.folder / "comparison.json").read_text())["sections"][0]["pairs"]
    assert float(first["p_randomisation"]) == pair["p_randomisation"]
    assert (float(first["p"]), float(first["p_alone"])) == (pair["difference"]["p"], pair["p_alone"])
    assert last["p_randomisation"] == ""  # a mean has none
    assert (last["section"], last["a"], last["b"]) == (OVERALL, "crf", "softmax")
    assert float(last["difference"]) == everything["pairs"][0]["difference"]["difference"]
    assert last["sentence"].endswith("mean of 2 test sets, ahead on 2)")
    text = (one.folder / "table.md").read_text()
    assert text.startswith(f"## {OVERALL}\n\n| configuration |  | mean F1 | news | tweets |")
    assert (one.folder / "table.tex").read_text().count(r"\begin{tabular}") == 2
    for width in (1280, 390):
        with opened(one.report, width=width) as (page, wrong):
            assert wrong == []
            assert not scrolls_sideways(page)
            assert column(page, "#overall table", 0) == ["crf", "softmax"]
            assert page.locator("#overall img").count() == 1
            assert page.locator("h2").all_inner_texts() == [OVERALL, "news", "tweets", "Notes"]
            assert page.locator("h3.part").all_inner_texts()[:3] == ["Is it real?", "Pictures", "Why?"]
            assert page.locator("nav a").all_inner_texts() == [OVERALL, "news", "tweets"]
            assert page.locator("#overall .verdicts li").inner_text() == last["sentence"]


def test_what_was_found_instead_of_a_miss_stands_beside_it(written: WrittenReport) -> None:
    diff = json.loads((written.folder / "comparison.json").read_text())["sections"][0]["why"]["diff"]
    wrong = [shift for shift in diff["fixed"] if shift["instead"]]
    assert wrong
    (start, end, label), *_ = wrong[0]["instead"]
    assert label != wrong[0]["entity"][2]
    with opened(written.report) as (page, _):
        table = page.locator("table", has=page.locator("caption", has_text="Found more often"))
        texts = table.locator("tbody tr td:nth-child(3)").all_inner_texts()
    assert f"{' '.join(wrong[0]['words'][start:end])} ({label})" in texts
    assert "nothing" in texts


@pytest.mark.slow
def test_the_page_over_a_hundred_configurations_takes_seconds(tmp_path: Path) -> None:
    gold = gold_sentences(300)
    for k in range(200):
        config = with_settings(seed=k % 2, optim__encoder_lr=1e-5 * (1 + k // 2))
        write_run(tmp_path / "runs" / str(k), config, predicted(gold, 0.6 + k // 2 % 7 / 50, k))
    started = time.process_time()
    found = compare_runs(collect([str(tmp_path / "runs")]), Settings())
    write(found, [explain_difference(section, found.settings) for section in found.sections], tmp_path / "out")
    assert time.process_time() - started < 30  # about 7 on an idle core
    (section,) = found.sections
    assert (len(section.rows), len(section.pairs), section.pairs.corrected) == (100, 99, 4950)
