"""Several test sets together: means, marks, and only what was tested on each of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from ner_lightning.comparison.comparison import Comparison, compare_runs
from ner_lightning.comparison.report.prose import overall_notes
from ner_lightning.comparison.runs.collect import collect
from ner_lightning.comparison.settings import Settings
from tests.comparison.folders import (
    SOFTMAX,
    gold_sentences,
    predicted,
    with_settings,
    write_run,
    write_sets,
    write_sweep,
)


def compared(place: Path) -> Comparison:
    return compare_runs(collect([str(place)]), Settings(samples=500))


def test_means_are_of_the_sets_and_differences_point_the_same_way(tmp_path: Path) -> None:
    found = compared(write_sets(tmp_path, shares=((0.6, 0.5), (0.3, 0.95))))
    assert found.overall is not None
    assert [pair.a for section in found.sections for pair in section.pairs.pairs] == ["crf", "softmax"]
    best, other = found.overall.rows
    assert (best.name, best.mark, other.name, other.mark) == ("softmax", "best", "crf", "")
    of_sections = [{row.name: row.f1 for row in section.rows} for section in found.sections]
    assert best.f1 == tuple(rows["softmax"] for rows in of_sections)
    assert best.mean == pytest.approx(sum(best.f1) / 2)
    (pair,) = found.overall.pairs
    assert (pair.a, pair.b) == ("softmax", "crf")
    assert pair.difference.difference == pytest.approx(best.mean - other.mean)
    assert [difference.difference < 0 for difference in pair.each] == [True, False]
    assert [each.low < each.difference < each.high for each in pair.each] == [True, True]
    assert pair.sentence.endswith(", 2 seeds: others may say otherwise, mean of 2 test sets, ahead on 1)")
    assert pair.shown
    assert pair.detectable is None  # two seeds
    assert f"hold for all {3} pairs of the page" in overall_notes(found.overall)[0]


def test_sets_may_have_other_numbers_of_seeds_and_circumstances(tmp_path: Path) -> None:
    write_sets(tmp_path)
    shutil.rmtree(tmp_path / "news-crf-2")
    for folder in tmp_path.glob("tweets-*"):
        config = yaml.safe_load((folder / "config.yaml").read_text())
        config["trainer"]["precision"] = "64-true"
        (folder / "config.yaml").write_text(yaml.safe_dump(config))
    found = compared(tmp_path)
    assert found.overall is not None
    assert found.overall.pairs[0].sentence.endswith(
        ", 1 to 2 seeds: others may say otherwise, mean of 2 test sets, ahead on 2)"
    )
    assert not any("precision" in note for note in found.notes)  # the same in each of the tables
    other = tmp_path / "tweets-crf-1" / "run.json"
    other.write_text(json.dumps({**json.loads(other.read_text()), "packages": {"torch": "2.0.0"}}))
    assert "tweets: not the same in all runs: version of torch (2.0.0, 2.13.0)." in compared(tmp_path).notes


def test_all_that_a_configuration_does_not_share_between_sets_is_told(tmp_path: Path) -> None:
    write_sets(tmp_path)
    for folder in tmp_path.glob("tweets-crf-*"):
        config = yaml.safe_load((folder / "config.yaml").read_text())
        config["optim"] = {"encoder_lr": 5e-4, "crf_lr": 0.02}
        (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    found = compared(tmp_path)
    assert found.overall is not None
    assert (
        "crf does not have the same settings on all test sets: encoder_lr=0.0001, crf_lr=0.01 on news; "
        "encoder_lr=0.0005, crf_lr=0.02 on tweets."
    ) in found.overall.notes


def test_what_is_alike_on_average_ties(tmp_path: Path) -> None:
    found = compared(write_sets(tmp_path, shares=((0.8, 0.6), (0.6, 0.8))))
    assert found.overall is not None
    assert [row.mark for row in found.overall.rows] == ["best", "tie"]
    assert found.overall.pairs[0].sentence.startswith("no difference shown between ")


def test_of_three_only_what_ties_with_the_best_is_marked_and_p_values_are_corrected(tmp_path: Path) -> None:
    write_sets(tmp_path, shares=((0.9, 0.5), (0.9, 0.5)))
    for number, corpus in enumerate(("news", "tweets")):
        for seed in (1, 2):
            softmax = {**SOFTMAX, "constrain": "decode"}
            config = with_settings(seed=seed, data__dir=f"/data/{corpus}", name="legal", model__decoder=softmax)
            sentences = predicted(gold_sentences(seed=number), 0.52, 200 + seed)
            write_run(tmp_path / f"{corpus}-legal-{seed}", config, sentences)
    overall = compared(tmp_path).overall
    assert overall is not None
    assert [row.mark for row in overall.rows] == ["best", "", ""]
    differences = [pair.difference.difference for pair in overall.pairs]
    assert differences == sorted(differences, reverse=True)
    assert [pair.shown for pair in overall.pairs] == [True, True, False]
    assert all("both corrected for 9 pairs" in pair.sentence for pair in overall.pairs)
    for pair in overall.pairs:
        assert pair.shown == (pair.difference.low > 0) == (pair.difference.p <= 0.05)


def test_a_configuration_that_misses_a_set_takes_no_part(tmp_path: Path) -> None:
    write_sets(tmp_path)
    only = with_settings(data__dir="/data/news", name="wide", model__decoder={"_target_": "x.Wide"})
    write_run(tmp_path / "wide", only, predicted(gold_sentences(seed=0), 0.9, 7))
    found = compared(tmp_path)
    assert {len(section.rows) for section in found.sections} == {2, 3}
    assert found.overall is not None
    assert [row.name for row in found.overall.rows] == ["crf", "softmax"]


def test_one_set_and_sets_with_nothing_in_common_have_nothing_overall(tmp_path: Path) -> None:
    assert compared(write_sweep(tmp_path / "one")).overall is None
    for corpus, seed in (("news", 1), ("tweets", 2)):
        config = with_settings(data__dir=f"/data/{corpus}")
        write_run(tmp_path / "two" / corpus, config, predicted(gold_sentences(seed=seed), 0.9, 1))
    assert compared(tmp_path / "two").overall is None
