"""One table of columns: what is added there stands in every output."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from ner_lightning.comparison.columns import COSTS, PAIRS, CostColumn
from ner_lightning.comparison.comparison import compare_runs
from ner_lightning.comparison.report.grid import section_grid
from ner_lightning.comparison.report.output_folder import write
from ner_lightning.comparison.report.to_wandb import wandb_tables
from ner_lightning.comparison.runs.collect import collect
from ner_lightning.comparison.settings import Settings
from ner_lightning.comparison.why import explain_difference
from tests.comparison.folders import gold_sentences, predicted, with_settings, write_run

FEW = Settings(samples=200, columns=("types", "precision"))


def test_a_new_cost_stands_in_every_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    speed = CostColumn(("words_per_second",), "words / s", lambda values: [min(values)], lambda n: f"{n:,.0f}")
    monkeypatch.setattr("ner_lightning.comparison.score_table.COSTS", (*COSTS, speed))
    monkeypatch.setattr("ner_lightning.comparison.report.grid.COSTS", (*COSTS, speed))
    gold = gold_sentences()
    for seed in (1, 2):
        for name, n in (("a", 1500.0), ("b", 900.0)):
            config = with_settings(seed=seed, optim__crf_lr=n)
            cost = {"words_per_second": n + seed}
            write_run(tmp_path / f"{name}{seed}", config, predicted(gold, n / 2000, seed), cost=cost)
    found = compare_runs(collect([str(tmp_path)]), FEW)
    whys = [explain_difference(section, FEW) for section in found.sections]
    folder = write(found, whys, tmp_path / "out", figures=False).folder
    grid = section_grid(found, found.sections[0])
    assert grid.headings[-1].name == "words / s"
    assert [cells[-1].text for _, cells in grid.rows] == ["1,501", "901"]
    for file in ("table.md", "table.tex", "report.html"):
        assert "1,501" in (folder / file).read_text(), file
    (first, *_) = csv.DictReader(io.StringIO((folder / "table.csv").read_text()))
    assert first["words_per_second"] == "1501.0"
    stored = json.loads((folder / "comparison.json").read_text())["sections"][0]["configurations"]
    assert [row["words_per_second"] for row in stored] == [1501.0, 901.0]
    headings, rows = wandb_tables(found, whys)["configurations"]
    assert (headings[-1], rows[0][-1]) == ("words_per_second", 1501.0)


def test_wandb_has_the_columns_of_the_files(tmp_path: Path) -> None:
    for seed in (1, 2):
        for lr in (0.1, 0.2):
            config = with_settings(seed=seed, optim__crf_lr=lr)
            write_run(tmp_path / f"{seed}-{lr}", config, predicted(gold_sentences(), lr + 0.5, seed))
    found = compare_runs(collect([str(tmp_path)]), FEW)
    whys = [explain_difference(section, FEW) for section in found.sections]
    folder = write(found, whys, tmp_path / "out", figures=False).folder
    tables = wandb_tables(found, whys)
    for name, file in (("configurations", "table.csv"), ("pairs", "pairs.csv")):
        header = (folder / file).read_text().splitlines()[0].split(",")
        assert [key for key in header if key != "optim.crf_lr"] == tables[name][0]
    assert len({column.key for column in PAIRS}) == len(PAIRS)
