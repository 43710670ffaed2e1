"""What a page may and may not conclude: one estimator, one family, nothing tested that cannot be, nothing unsaid."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ner_lightning.comparison.comparison import Comparison, compare_runs
from ner_lightning.comparison.report.grid import section_grid
from ner_lightning.comparison.report.json_record import comparison_record
from ner_lightning.comparison.report.prose import overall_notes, power_note, what_was_compared
from ner_lightning.comparison.runs.collect import collect
from ner_lightning.comparison.settings import Settings
from ner_lightning.comparison.why import Why
from ner_lightning.errors import UserError
from ner_lightning.run.predictions import StoredSentence
from ner_lightning.tagging.spans import EntitySpan
from tests.comparison.folders import (
    SOFTMAX,
    gold_sentences,
    predicted,
    with_settings,
    write_run,
    write_sets,
    write_sweep,
)

FEW = Settings(samples=400)


def compared(place: Path, settings: Settings = FEW) -> Comparison:
    return compare_runs(collect([str(place)]), settings)


def rescore(run: Path, **scores: float) -> None:
    """Change scores of a result (`test__f1=…`)."""
    result = json.loads((run / "result.json").read_text())
    result["best"] |= {key.replace("__", "/"): value for key, value in scores.items()}
    (run / "result.json").write_text(json.dumps(result))


def test_whatever_repeats_besides_folds_has_the_same_sentences_again(tmp_path: Path) -> None:
    for seed in (1, 2):
        for bs in (16, 32):
            for name, share in (("crf", 0.8), ("softmax", 0.7)):
                decoder = SOFTMAX if name == "softmax" else with_settings()["model"]["decoder"]
                config = with_settings(seed=seed, name=name, model__decoder=decoder)
                config["data"]["batch_size"] = bs
                write_run(tmp_path / f"{name}-{seed}-{bs}", config, predicted(gold_sentences(), share, seed + bs))
    (section,) = compared(tmp_path, Settings(samples=400, repetition=("seed", "data.fold", "data.batch_size"))).sections
    assert (section.sentences, section.entities) == (60, 120)
    assert [len(configuration.replicates) for configuration in section.tested] == [4, 4]
    assert [row.n for row in section.rows] == [4, 4]


def test_f1_of_folds_is_the_same_in_table_and_tests(tmp_path: Path) -> None:
    """Folds of unequal size and quality: their mean lies outside the interval of all of them together."""
    sizes, shares = (80, 12), (0.95, 0.1)
    for seed in (1, 2, 3):
        for fold, (n, share) in enumerate(zip(sizes, shares, strict=True)):
            for name, less in (("crf", 0.0), ("softmax", 0.1)):
                decoder = SOFTMAX if name == "softmax" else with_settings()["model"]["decoder"]
                config = with_settings(seed=seed, name=name, model__decoder=decoder, data__fold=fold)
                sentences = predicted(gold_sentences(n, seed=fold), max(share - less, 0), 10 * seed + fold)
                write_run(tmp_path / f"{name}-{seed}-{fold}", config, sentences)
    (section,) = (found := compared(tmp_path)).sections
    for row in section.rows:
        together = [replicate.f1 for replicate in section.configurations[row.name].replicates]
        assert row.f1 == pytest.approx(np.mean(together))
        assert row.scores["f1"].sd == pytest.approx(np.std(together, ddof=1))
        assert row.interval is not None
        assert row.interval[0] < row.f1 < row.interval[1]
        assert row.fold_sd is not None
        assert row.fold_sd > 5 * (row.scores["f1"].sd or 0)
        assert (row.n, row.folds) == (6, 2)
    (pair,) = section.pairs.pairs
    assert pair.difference.difference == pytest.approx(section.rows[0].f1 - section.rows[1].f1)
    shown = section_grid(found, section)
    assert [heading.name for heading in shown.headings][2:6] == ["n", "F1", "95 %", "± over folds"]
    assert shown.rows[0][1][2].text == "3 × 2"
    assert any("folds of a seed laid end to end" in note for note in found.notes)


def test_the_highest_without_predictions_does_not_beat_what_was_tested(tmp_path: Path) -> None:
    write_sweep(tmp_path)
    for seed in (1, 2, 3):
        config = with_settings(seed=seed, optim__encoder_lr=0.5)
        run = write_run(tmp_path / f"high-{seed}", config, predicted(gold_sentences(), 0.95, seed))
        shutil.rmtree(run / "predictions")
    (section,) = (found := compared(tmp_path)).sections
    assert [row.mark for row in section.rows] == ["untested", "best", ""]
    assert any("has the higher mean, but no predictions" in note for note in found.notes)


def test_without_any_predictions_nothing_is_the_best(tmp_path: Path) -> None:
    for run in write_sweep(tmp_path).iterdir():
        shutil.rmtree(run / "predictions")
    (section,) = compared(tmp_path).sections
    assert [row.mark for row in section.rows] == ["untested", "untested"]
    assert any(line.startswith("untested: ") for line in what_was_compared(section, "test"))


def test_a_score_that_is_no_number_is_left_out_with_its_reason(tmp_path: Path) -> None:
    write_sweep(tmp_path)
    rescore(tmp_path / "crf-2", test__f1=float("nan"))
    rescore(tmp_path / "crf-3", test__recall=float("inf"))
    found = compared(tmp_path, Settings(samples=400, columns=("recall",)))
    (left,) = found.left_out
    assert left.name.endswith("crf-2")
    assert "its F1 is nan, which is no number" in left.reason
    (section,) = found.sections
    assert [row.n for row in section.rows] == [2, 3]
    assert all(np.isfinite(row.scores["recall"].mean) for row in section.rows)
    json.dumps(comparison_record(found, [Why()]), allow_nan=False)


def test_test_sets_whose_annotation_differs_have_names_of_their_own(tmp_path: Path) -> None:
    for corpus, repaired in (("a", False), ("b", True)):
        gold = gold_sentences()
        if repaired:
            gold[3] = (gold[3][0], (EntitySpan(0, 1, "ORG"),))
        for seed in (1, 2):
            for name, share in (("crf", 0.9), ("softmax", 0.5)):
                decoder = SOFTMAX if name == "softmax" else with_settings()["model"]["decoder"]
                config = with_settings(seed=seed, name=name, model__decoder=decoder, data__dir=f"/{corpus}/news")
                write_run(tmp_path / f"{corpus}-{name}-{seed}", config, predicted(gold, share, seed))
    found = compared(tmp_path)
    assert [section.name for section in found.sections] == ["news (1)", "news (2)"]
    assert found.overall is None
    assert any(
        "is left out of the mean over test sets: 100 % of its sentences are those of news (1)" in note
        for note in found.notes
    )


def test_all_runs_with_predictions_are_not_said_to_lack_them(tmp_path: Path) -> None:
    """Folds of a seed that were judged on other sentences are runs that take no part, each of them."""
    for seed in (1, 2, 3):
        for fold in (0, 1):
            gold = gold_sentences(30, seed=fold + (10 if seed == 3 else 0))
            config = with_settings(seed=seed, data__fold=fold)
            write_run(tmp_path / f"{seed}-{fold}", config, predicted(gold, 0.8, seed))
    notes = compared(tmp_path).notes
    assert any("2 of the runs of crf were judged on other sentences" in note for note in notes)
    assert not any("have predictions" in note for note in notes)


def test_intervals_are_said_to_be_over_what_they_are_over(tmp_path: Path) -> None:
    write_sweep(tmp_path)
    for seed in (2, 3):
        shutil.rmtree(tmp_path / f"softmax-{seed}")
    (section,) = compared(tmp_path).sections
    assert "Intervals are over sentences and seeds; those of a single seed over sentences alone." in what_was_compared(
        section, "test"
    )


def test_two_sentences_show_nothing(tmp_path: Path) -> None:
    write_sweep(tmp_path, n=2)
    (section,) = (found := compared(tmp_path)).sections
    assert not section.pairs
    assert [row.interval for row in section.rows] == [None, None]
    assert any("2 sentences do not tell how others would spread" in note for note in found.notes)


def test_a_baseline_is_what_the_others_are_compared_with(tmp_path: Path) -> None:
    gold = gold_sentences(40)
    for number in range(5):
        for seed in (1, 2, 3):
            config = with_settings(seed=seed, optim__encoder_lr=1e-4 * (1 + number))
            write_run(tmp_path / f"{number}-{seed}", config, predicted(gold, 0.5 + number / 10, 9 * number + seed))
    (section,) = compared(tmp_path, replace(FEW, baseline="encoder_lr=0.0002")).sections
    assert len(section.pairs) == 4
    assert all("encoder_lr=0.0002" in (pair.a, pair.b) for pair in section.pairs.pairs)
    assert all("corrected for 4 pairs" in pair.sentence for pair in section.pairs.pairs)
    marks = {row.name: row.mark for row in section.rows}
    assert marks["encoder_lr=0.0002"] == "baseline"
    assert "best" not in marks.values()
    assert marks == {
        **dict.fromkeys(marks, ""),
        **{n: "tie" for pair in section.pairs.pairs if not pair.shown for n in (pair.a, pair.b)},
        "encoder_lr=0.0002": "baseline",
    }
    assert section.optimism is None
    with pytest.raises(UserError, match=r"baseline=crf: expected a configuration with predictions; there are encoder"):
        compared(tmp_path, replace(FEW, baseline="crf"))
    with pytest.raises(UserError, match="paired_seeds=maybe: expected true, false or null"):
        Settings(paired_seeds="maybe")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="leave one of the two out"):
        Settings(baseline="crf", pairs="all")
    with pytest.raises(UserError, match=r"samples=100: expected at least 500 for level=0\.99"):
        Settings(samples=100, level=0.99)


def test_dev_stands_beside_test_and_says_what_it_would_choose(tmp_path: Path) -> None:
    write_sweep(tmp_path)
    for seed in (1, 2, 3):
        rescore(tmp_path / f"softmax-{seed}", val__f1=0.97)
        rescore(tmp_path / f"crf-{seed}", val__f1=0.90)
    (section,) = (found := compared(tmp_path)).sections
    assert [(row.name, row.mark, row.dev_choice) for row in section.rows] == [
        ("crf", "best", False),
        ("softmax", "", True),
    ]
    shown = section_grid(found, section)
    place = [heading.name for heading in shown.headings].index("dev F1")
    assert [cells[place].text for _, cells in shown.rows] == ["90.00 ± 0.00", "97.00 ± 0.00 (highest)"]
    lines = what_was_compared(section, "test")
    less = 100 * (section.rows[0].f1 - section.rows[1].f1)
    assert f"By dev F1 it would be softmax ({less:.1f} F1 less on test): " in lines[-1]
    assert lines[-2].startswith("Chosen on test, the best of 2 has about ")
    (of_dev,) = compared(tmp_path, replace(FEW, split="dev")).sections
    assert [row.dev for row in of_dev.rows] == [None, None]


def test_choosing_the_best_of_many_equals_costs_something(tmp_path: Path) -> None:
    gold = gold_sentences(60)
    for number in range(14):
        config = with_settings(optim__encoder_lr=1e-4 * (1 + number))
        write_run(tmp_path / str(number), config, predicted(gold, 0.7, number))
    (section,) = compared(tmp_path).sections
    assert section.optimism is not None
    assert 0.01 < section.optimism < 0.08
    assert not any(pair.shown for pair in section.pairs.pairs)
    assert all("corrected for 91 pairs" in pair.sentence for pair in section.pairs.pairs)


def test_runs_can_be_unpaired(tmp_path: Path) -> None:
    write_sweep(tmp_path)
    (pair,) = compared(tmp_path, replace(FEW, paired_seeds=True)).sections[0].pairs.pairs
    assert pair.paired_seeds
    (pair,) = compared(tmp_path, replace(FEW, paired_seeds=False)).sections[0].pairs.pairs
    assert not pair.paired_seeds


def test_two_seeds_are_warned_of_and_have_no_power(tmp_path: Path) -> None:
    (section,) = compared(write_sweep(tmp_path, seeds=(1, 2))).sections
    (pair,) = section.pairs.pairs
    assert pair.detectable is None
    assert "2 seeds: others may say otherwise" in pair.sentence
    assert power_note(section) == [
        "Two seeds hardly tell how much seeds matter: intervals are wide for that, and other seeds may say otherwise."
    ]
    (three,) = compared(write_sweep(tmp_path / "more")).sections
    assert "corrected as its p value" in power_note(three)[0]


def test_sets_that_share_sentences_are_said_and_left_out(tmp_path: Path) -> None:
    """A limited test set is a part of the whole one, and would count twice."""
    write_sets(tmp_path)
    part = gold_sentences(seed=0)[:30]
    for name, share in (("crf", 0.85), ("softmax", 0.5)):
        for seed in (1, 2):
            decoder = SOFTMAX if name == "softmax" else with_settings()["model"]["decoder"]
            config = with_settings(seed=seed, data__dir="/data/short", name=name, model__decoder=decoder)
            write_run(tmp_path / f"short-{name}-{seed}", config, predicted(part, share, seed))
    found = compared(tmp_path)
    assert len(found.sections) == 3
    assert found.overall is not None
    assert set(found.overall.sets) == {"news", "tweets"}
    assert any(
        note.startswith("short is left out of the mean over test sets: 100 % of its sentences are those of news")
        for note in overall_notes(found.overall)
    )


def test_settings_that_differ_between_the_sets_are_said(tmp_path: Path) -> None:
    write_sets(tmp_path)
    for seed in (1, 2):
        for name, share in (("crf", 0.85), ("softmax", 0.5)):
            shutil.rmtree(tmp_path / f"tweets-{name}-{seed}")
            decoder = SOFTMAX if name == "softmax" else with_settings()["model"]["decoder"]
            config = with_settings(
                seed=seed, data__dir="/data/tweets", name=name, model__decoder=decoder, optim__encoder_lr=0.5
            )
            write_run(tmp_path / f"tweets-{name}-{seed}", config, predicted(gold_sentences(seed=1), share, seed))
    overall = compared(tmp_path).overall
    assert overall is not None
    assert (
        "crf does not have the same settings on all test sets: encoder_lr=0.0001 on news; encoder_lr=0.5 on tweets."
        in overall_notes(overall)
    )


def test_every_interval_of_the_page_agrees_with_its_p_value(tmp_path: Path) -> None:
    found = compared(write_sets(tmp_path, shares=((0.8, 0.7), (0.75, 0.6))))
    assert found.overall is not None
    pairs = [pair for section in found.sections for pair in section.pairs.pairs] + found.overall.pairs
    assert len(pairs) == 3
    for pair in pairs:
        assert pair.shown == (pair.difference.low > 0) == (pair.difference.p <= 0.05)
        assert "both corrected for 3 pairs" in pair.sentence


def test_one_wrong_sentence_does_not_make_a_trace(tmp_path: Path) -> None:
    """A test set without entities, and one where nothing is found."""
    words = tuple("abcdef")
    nothing = [StoredSentence(str(i), "", (str(i), *words), (), ()) for i in range(30)]
    for name in ("crf", "softmax"):
        decoder = SOFTMAX if name == "softmax" else with_settings()["model"]["decoder"]
        for seed in (1, 2):
            write_run(tmp_path / f"{name}-{seed}", with_settings(seed=seed, name=name, model__decoder=decoder), nothing)
    (section,) = compared(tmp_path).sections
    assert section.pairs.pairs[0].sentence.startswith("no difference between ")
