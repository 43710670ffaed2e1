"""What the pictures of scores name and fill in, read back from the figures."""

from __future__ import annotations

from pathlib import Path

from ner_lightning.comparison.comparison import compare_runs
from ner_lightning.comparison.pictures.score_pictures import NAMED, draw_pareto
from ner_lightning.comparison.runs.collect import collect
from ner_lightning.comparison.settings import Settings
from tests.comparison.folders import gold_sentences, predicted, with_settings, write_run

FEW = Settings(samples=300)


def test_of_many_points_the_fastest_and_the_best_have_a_name(tmp_path: Path) -> None:
    gold = gold_sentences(80)
    for n in range(14):  # each slower and better than the one before
        config = with_settings(optim__encoder_lr=(n + 1) * 1e-5)
        write_run(tmp_path / str(n), config, predicted(gold, 0.3 + 0.05 * n, 5), cost={"seconds_per_epoch": 1.0 + n})
    (section,) = compare_runs(collect([str(tmp_path)]), FEW).sections
    figure = draw_pareto(section, FEW)
    assert figure is not None
    names = [text.get_text().split("  ", 1)[1] for text in figure.legends[0].get_texts()]
    assert len(names) == NAMED < len(section.rows)
    assert (names[0], names[-1]) == ("encoder_lr=1e-05", section.rows[0].name)
    (axes,) = figure.axes
    assert [annotation.get_text() for annotation in axes.texts] == [str(n) for n in range(1, NAMED + 1)]


def test_a_busy_machine_is_named_under_its_times(tmp_path: Path) -> None:
    for number, seconds in enumerate((10.0, 11.0, 10.0, 30.0)):
        config = with_settings(seed=number % 2, optim__encoder_lr=(1 + number // 2) * 1e-5)
        cost = {"seconds_per_epoch": seconds}
        write_run(tmp_path / str(number), config, predicted(gold_sentences(), 0.7, number), cost=cost)
    (section,) = compare_runs(collect([str(tmp_path)]), FEW).sections
    figure = draw_pareto(section, FEW)
    assert figure is not None
    assert "on a busy machine" in figure.axes[0].get_xlabel()
