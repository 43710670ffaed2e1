"""What the pictures of differences say and fill in, read back from the figures."""

from __future__ import annotations

from pathlib import Path

from ner_lightning.comparison.comparison import compare_runs
from ner_lightning.comparison.pictures.difference_pictures import draw_forest, draw_forest_over_all
from ner_lightning.comparison.runs.collect import collect
from ner_lightning.comparison.settings import Settings
from tests.comparison.folders import write_sets

FEW = Settings(samples=300)


def test_what_a_picture_says_of_the_correction_is_what_the_sentences_say(tmp_path: Path) -> None:
    found = compare_runs(collect([str(write_sets(tmp_path))]), FEW)
    for section in found.sections:
        figure = draw_forest(section, FEW)
        assert figure is not None
        assert "corrected for 3 pairs" in figure.get_supxlabel()
        assert "corrected for 3 pairs" in section.pairs.pairs[0].sentence


def test_means_over_sets_are_filled_where_a_difference_was_shown(tmp_path: Path) -> None:
    for folder, shares, filled in (("real", ((0.9, 0.5), (0.8, 0.6)), True), ("not", ((0.8, 0.6), (0.6, 0.8)), False)):
        overall = compare_runs(collect([str(write_sets(tmp_path / folder, shares))]), FEW).overall
        assert overall is not None
        (axes,) = draw_forest_over_all(overall, FEW).axes
        labels = [label.get_text() for label in axes.get_yticklabels()]
        assert labels == [f"{overall.pairs[0].a} − {overall.pairs[0].b}", "news", "tweets"]
        diamonds = [line for line in axes.lines if line.get_marker() == "D"]
        assert [line.get_markerfacecolor() != "white" for line in diamonds] == [filled]
        points = [float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() in ("D", ".")]  # type: ignore[index]
        pair = overall.pairs[0]
        assert points == [100 * each.difference for each in (pair.difference, *pair.each)]
