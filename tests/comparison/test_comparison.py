"""Runs become configurations, sections and verdicts; what cannot be paired is not."""

from __future__ import annotations

import json
import shutil
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from ner_lightning.comparison.comparison import Comparison, compare_runs
from ner_lightning.comparison.pictures.pictures import Pictures
from ner_lightning.comparison.report.html import render_comparison
from ner_lightning.comparison.report.json_record import comparison_record
from ner_lightning.comparison.report.markup import render_markdown
from ner_lightning.comparison.report.prose import what_was_compared
from ner_lightning.comparison.report.text import show_comparison
from ner_lightning.comparison.runs.collect import collect
from ner_lightning.comparison.section import counts_of
from ner_lightning.comparison.settings import Settings
from ner_lightning.comparison.why import explain_difference
from ner_lightning.errors import UserError
from ner_lightning.statistics.paired import paired_bootstrap
from tests.comparison.folders import SOFTMAX, gold_sentences, predicted, with_settings, write_run, write_sweep

FEW = Settings(samples=500)


def compared(*places: Path, settings: Settings = FEW) -> Comparison:
    return compare_runs(collect([str(place) for place in places]), settings)


def test_the_better_configuration_wins_with_its_true_effect(tmp_path: Path) -> None:
    (section,) = (found := compared(write_sweep(tmp_path / "s"))).sections
    assert [(row.name, row.n, row.mark) for row in section.rows] == [("crf", 3, "best"), ("softmax", 3, "")]
    crf, softmax = section.tested
    alone = paired_bootstrap(counts_of(crf), counts_of(softmax), samples=500, paired_seeds=False)
    (pair,) = section.pairs.pairs
    assert pair.difference.difference == alone.difference
    assert pair.difference.standard_error == pytest.approx(alone.standard_error)
    assert 0 < pair.difference.low < alone.difference < pair.difference.high
    assert pair.shown
    assert not pair.paired_seeds  # two degrees of freedom would be left
    assert pair.sentence.startswith("crf beats softmax by ")
    low, high = section.rows[0].interval or (0, 0)
    assert low < section.rows[0].f1 < high
    assert (section.sentences, section.entities) == (60, 120)
    assert (found.left_out, found.notes) == ([], [])


def test_what_differs_besides_the_names_is_told_in_every_output(tmp_path: Path) -> None:
    """A run that differs in its rates too does not show what its decoder is worth."""
    gold = gold_sentences()
    once = {"precision": "32-true", "max_epochs": 1}
    for seed in (1, 2):
        write_run(tmp_path / f"crf-{seed}", with_settings(seed=seed, trainer=once), predicted(gold, 0.8, seed))
        more = {"optim__encoder_lr": 5e-4, "trainer": {"precision": "32-true", "max_epochs": 2}}
        softmax = with_settings(seed=seed, name="softmax", model__decoder=SOFTMAX, **more)
        write_run(tmp_path / f"softmax-{seed}", softmax, predicted(gold, 0.5, seed))
    (section,) = (found := compared(tmp_path)).sections
    assert [*section.configurations] == ["crf", "softmax"]
    said = (
        "Also different: model.decoder.constrain (both, none), optim.encoder_lr (0.0001, 0.0005), "
        "trainer.max_epochs (1, 2)."
    )
    assert said in what_was_compared(section, "test")
    whys = [explain_difference(section, found.settings)]
    console = Console(width=200, record=True, file=StringIO())
    show_comparison(found, console)
    shown = console.export_text()
    assert shown.index("Also different: ") < shown.index("Is it real?")
    assert said in render_comparison(found, whys, Pictures([], [[]]))
    assert said.replace("_", r"\_") in render_markdown(found)
    (record,) = comparison_record(found, whys)["sections"]
    assert record["varied"] == ["model.decoder._target_"]
    assert record["also_different"] == {
        "model.decoder.constrain": ["both", "none"],
        "optim.encoder_lr": [1e-4, 5e-4],
        "trainer.max_epochs": [1, 2],
    }


def test_of_many_differences_the_first_are_told_and_the_rest_counted(tmp_path: Path) -> None:
    for number in (0, 1):
        options = {f"option{place}": place + number for place in range(12)}
        write_run(tmp_path / str(number), with_settings(trainer=options), predicted(gold_sentences(), 0.8, number))
    (section,) = compared(tmp_path).sections
    (said,) = [line for line in what_was_compared(section, "test") if line.startswith("Also different: ")]
    assert said.count("trainer.option") == 8
    assert said.endswith(" and 3 more.")
    assert len(section.varied.also) == 11


def test_a_sweep_whose_names_say_everything_has_nothing_else_to_tell(tmp_path: Path) -> None:
    for place, (rate, precision) in enumerate(((1e-4, "32"), (1e-4, "16"), (2e-4, "32"))):
        config = with_settings(optim__encoder_lr=rate, trainer__precision=precision)
        write_run(tmp_path / str(place), config, predicted(gold_sentences(), 0.8, place))
    (section,) = compared(tmp_path).sections
    assert section.varied.also == {}
    assert not any("Also different" in line for line in what_was_compared(section, "test"))


def test_alike_configurations_tie(tmp_path: Path) -> None:
    gold = gold_sentences()
    for seed in (1, 2, 3):
        for rate in (1e-4, 2e-4):
            config = with_settings(seed=seed, optim__encoder_lr=rate)
            write_run(tmp_path / f"{rate}-{seed}", config, predicted(gold, 0.7, int(seed + 1e6 * rate)))
    (section,) = compared(tmp_path).sections
    assert {row.name for row in section.rows} == {"encoder_lr=0.0001", "encoder_lr=0.0002"}
    assert [row.mark for row in section.rows] == ["best", "tie"]
    assert section.pairs.pairs[0].sentence.startswith("no difference shown between ")


def test_other_sentences_are_not_paired_and_it_says_so(tmp_path: Path) -> None:
    for seed in (1, 2):
        for number, corpus in enumerate(("corpora/news", "corpora/tweets")):
            gold = gold_sentences(seed=number)
            crf = with_settings(seed=seed, data__dir=corpus)
            write_run(tmp_path / f"{number}-crf-{seed}", crf, predicted(gold, 0.9, seed))
            softmax = with_settings(seed=seed, data__dir=corpus, name="softmax", model__decoder=SOFTMAX)
            write_run(tmp_path / f"{number}-softmax-{seed}", softmax, predicted(gold, 0.5, seed))
    found = compared(tmp_path)
    assert [section.name for section in found.sections] == ["corpora/news", "corpora/tweets"]
    assert [[row.name for row in section.rows] for section in found.sections] == [["crf", "softmax"]] * 2
    assert [len(section.pairs) for section in found.sections] == [1, 1]
    assert any("no pair is tested across" in note for note in found.notes)
    assert all("corrected for 3 pairs" in section.pairs.pairs[0].sentence for section in found.sections)


def test_a_run_judged_on_other_sentences_than_its_others_is_not_paired(tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path)
    write_run(tmp_path / "odd", with_settings(seed=9), predicted(gold_sentences(seed=5), 0.8, 1))
    found = compared(sweep)
    (section,) = found.sections
    assert section.rows[0].n == 3
    assert len(section.configurations["crf"].replicates) == 3
    assert any("1 of the runs of crf were judged on other sentences" in note for note in found.notes)


def test_folds_of_a_seed_are_laid_end_to_end(tmp_path: Path) -> None:
    for fold in (0, 1):
        for name, share in (("crf", 0.9), ("softmax", 0.6)):
            decoder = SOFTMAX if name == "softmax" else with_settings()["model"]["decoder"]
            config = with_settings(name=name, model__decoder=decoder, data__fold=fold)
            write_run(tmp_path / f"{name}-{fold}", config, predicted(gold_sentences(30, seed=fold), share, fold))
    (section,) = compared(tmp_path).sections
    assert section.sentences == 60
    assert [len(c.replicates) for c in section.tested] == [1, 1]
    assert [row.n for row in section.rows] == [2, 2]
    assert len(section.pairs) == 1


def test_folds_are_laid_in_their_order_whatever_their_folders_are_called(tmp_path: Path) -> None:
    sentences = [predicted(gold_sentences(20, seed=fold), 0.7, fold) for fold in range(3)]
    for name, order in (("crf", "abc"), ("softmax", "cab")):
        decoder = SOFTMAX if name == "softmax" else with_settings()["model"]["decoder"]
        for fold, letter in enumerate(order):
            config = with_settings(name=name, model__decoder=decoder, data__fold=fold)
            write_run(tmp_path / f"{letter}-{name}", config, sentences[fold])
    (section,) = compared(tmp_path).sections
    crf, softmax = (configuration.replicates[0].counted for configuration in section.tested)
    assert crf.sentences == softmax.sentences
    assert (crf.counts == softmax.counts).all(), "the same predictions, sentence by sentence"


def test_runs_without_predictions_have_a_row_and_no_test(tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path)
    for seed in (1, 2, 3):
        (sweep / f"softmax-{seed}" / "predictions" / "test.jsonl").unlink()
    (sweep / "crf-3" / "predictions" / "test.jsonl").write_text('{"id": "cut o')
    found = compared(sweep)
    (section,) = found.sections
    assert [row.name for row in section.rows] == ["crf", "softmax"]
    assert section.rows[1].interval is not None
    assert not section.pairs
    assert any(note.startswith("4 of the runs have no predictions") for note in found.notes)


def test_of_two_runs_with_the_same_settings_the_newer_counts(tmp_path: Path) -> None:
    import os

    sweep = write_sweep(tmp_path / "s", seeds=(1, 2))
    again = write_run(tmp_path / "s" / "again", with_settings(seed=1), predicted(gold_sentences(), 0.8, 7))
    os.utime(again / "result.json", (1, 1))
    found = compared(sweep)
    assert [(Path(item.name).name, item.reason.partition(" as ")[0]) for item in found.left_out] == [
        ("again", "the same configuration and seed")
    ]


def test_predictions_that_are_not_those_of_the_result_are_told(tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path, seeds=(1, 2))
    path = sweep / "crf-2" / "result.json"
    result = json.loads(path.read_text())
    result["best"]["test/f1"] += 0.01
    path.write_text(json.dumps(result))
    assert any("crf-2 do not give the F1 of the result" in note for note in compared(sweep).notes)


def test_many_configurations_are_tested_against_the_best_only(tmp_path: Path) -> None:
    gold = gold_sentences(20)
    for number in range(14):
        config = with_settings(optim__encoder_lr=1e-4 * (1 + number))
        write_run(tmp_path / str(number), config, predicted(gold, 0.5 + number / 50, number))
    found = compared(tmp_path)
    (section,) = found.sections
    assert len(section.pairs) == 13
    assert {section.rows[0].name} <= {section.pairs.pairs[0].a, section.pairs.pairs[0].b}
    assert any("the pairs with the best configuration are listed" in note.lower() for note in found.notes)
    every = compared(tmp_path, settings=Settings(samples=200, pairs="all"))
    assert [len(section.pairs) for section in every.sections] == [91]


def test_columns_asked_for(tmp_path: Path) -> None:
    found = compared(write_sweep(tmp_path), settings=Settings(samples=200, columns=("recall", "types", "nonsense")))
    assert found.columns == ["f1", "recall", "f1/LOC", "f1/PER"]
    assert found.sections[0].rows[0].scores["f1/PER"] == (0.25, 0.0)
    assert "No run has a score called nonsense." in found.notes


def test_what_is_not_the_same_is_told(tmp_path: Path) -> None:
    sweep, gold = write_sweep(tmp_path, seeds=(1, 2)), gold_sentences()
    for seed, precision, seconds in ((3, "64", 2.0), (4, "32", 8.0)):
        told: dict[str, Any] = {"setup": {"precision": precision}, "cost": {"seconds_per_epoch": seconds}}
        write_run(tmp_path / str(seed), with_settings(seed=seed), predicted(gold, 0.8, seed), **told)
    notes = compared(sweep).notes
    assert "Not the same in all runs: precision (32, 64)." in notes
    assert notes[-1].startswith("Seconds per epoch differ by a factor of up to 4.0 between runs of crf: ")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Settings(diff=("crf", "lstm")), "diff: expected two .*, received crf, lstm; there are crf, softmax\\."),
        (Settings(repetition=("seed", "sede")), "repetition: no run has a setting called sede\\."),
    ],
)
def test_what_is_not_there_is_told_before_anything_is_tested(asked: Settings, said: str, tmp_path: Path) -> None:
    write_sweep(tmp_path)
    with pytest.raises(UserError, match=said):
        compared(tmp_path, settings=asked)


def test_what_has_no_predictions_is_marked_and_numbers_say_whose_they_are(tmp_path: Path) -> None:
    write_sweep(tmp_path)
    for name in ("softmax-1", "softmax-2", "softmax-3", "crf-2"):
        shutil.rmtree(tmp_path / name / "predictions")
    (found,) = (whole := compared(tmp_path)).sections
    assert [(row.name, row.n, row.mark) for row in found.rows] == [("crf", 2, "best"), ("softmax", 3, "untested")]
    assert [len(configuration.replicates) for configuration in found.configurations.values()] == [2, 0]
    assert whole.notes[0].startswith(
        "4 of the runs have no predictions to test with (crf-2: no predictions/test.jsonl;"
    )
    assert whole.notes[1].startswith("Of 3 runs of crf 2 have predictions: ")
    assert any(line.startswith("untested: ") for line in what_was_compared(found, "test"))


def test_a_split_without_scores_is_an_error(tmp_path: Path) -> None:
    write_run(tmp_path / "a", with_settings(), None)
    with pytest.raises(UserError, match="none of 1 runs has scores of it; try split=dev"):
        compared(tmp_path)
