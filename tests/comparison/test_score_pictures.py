"""What the pictures of scores name and fill in, read back from the figures."""

from __future__ import annotations

from pathlib import Path

from ner_lightning.comparison.collect import collect
from ner_lightning.comparison.comparison import compare
from ner_lightning.comparison.score_pictures import NAMED, forest, forest_over_all, pareto
from ner_lightning.comparison.settings import Settings
from tests.comparison.folders import gold_sentences, predicted, with_settings, write_run, write_sets

FEW = Settings(samples=300)


def test_of_many_points_the_fastest_and_the_best_have_a_name(tmp_path: Path) -> None:
    gold = gold_sentences(80)
    for n in range(14):  # each slower and better than the one before
        config = with_settings(optim__encoder_lr=(n + 1) * 1e-5)
        write_run(tmp_path / str(n), config, predicted(gold, 0.3 + 0.05 * n, 5), cost={"seconds_per_epoch": 1.0 + n})
    (section,) = compare(collect([str(tmp_path)]), FEW).sections
    figure = pareto(section, FEW)
    assert figure is not None
    names = [text.get_text().split("  ", 1)[1] for text in figure.legends[0].get_texts()]
    assert len(names) == NAMED < len(section.rows)
    assert (names[0], names[-1]) == ("encoder_lr=1e-05", section.rows[0].name)
    (axes,) = figure.axes
    assert [annotation.get_text() for annotation in axes.texts] == [str(n) for n in range(1, NAMED + 1)]


def test_what_a_picture_says_of_the_correction_is_what_the_sentences_say(tmp_path: Path) -> None:
    found = compare(collect([str(write_sets(tmp_path))]), FEW)
    for section in found.sections:
        figure = forest(section, FEW)
        assert figure is not None
        assert "corrected for 2 pairs" in figure.axes[0].get_xlabel()
        assert "corrected for 2 pairs" in section.pairs.pairs[0].sentence


def test_a_busy_machine_is_named_under_its_times(tmp_path: Path) -> None:
    for number, seconds in enumerate((10.0, 11.0, 10.0, 30.0)):
        config = with_settings(seed=number % 2, optim__encoder_lr=(1 + number // 2) * 1e-5)
        cost = {"seconds_per_epoch": seconds}
        write_run(tmp_path / str(number), config, predicted(gold_sentences(), 0.7, number), cost=cost)
    (section,) = compare(collect([str(tmp_path)]), FEW).sections
    figure = pareto(section, FEW)
    assert figure is not None
    assert "on a busy machine" in figure.axes[0].get_xlabel()


def test_means_over_sets_are_filled_where_a_difference_was_shown(tmp_path: Path) -> None:
    for folder, shares, filled in (("real", ((0.9, 0.5), (0.8, 0.6)), True), ("not", ((0.8, 0.6), (0.6, 0.8)), False)):
        overall = compare(collect([str(write_sets(tmp_path / folder, shares))]), FEW).overall
        assert overall is not None
        (axes,) = forest_over_all(overall, FEW).axes
        labels = [label.get_text() for label in axes.get_yticklabels()]
        assert labels == [f"{overall.pairs[0].a} − {overall.pairs[0].b}", "news", "tweets"]
        diamonds = [line for line in axes.lines if line.get_marker() == "D"]
        assert [line.get_markerfacecolor() != "white" for line in diamonds] == [filled]
        points = [float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() in ("D", ".")]  # type: ignore[index]
        pair = overall.pairs[0]
        assert points == [100 * each.difference for each in (pair.difference, *pair.each)]
