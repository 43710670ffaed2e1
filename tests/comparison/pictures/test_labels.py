"""Names of any length and script in pictures: all within the frame, none taken for mathematics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ner_lightning.comparison.comparison import Comparison, compare_runs
from ner_lightning.comparison.pictures.difference_pictures import draw_forest_over_all
from ner_lightning.comparison.pictures.pictures import OF_ERRORS, OF_SCORES
from ner_lightning.comparison.runs.collect import collect
from ner_lightning.comparison.settings import Settings
from ner_lightning.comparison.why import explain_difference
from tests.comparison.folders import gold_sentences, predicted, with_settings, write_run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

pytest.importorskip("matplotlib", reason="extra: plots")

FEW = Settings(samples=300)
NAMES = ("WIDE-NAME-" * 30, "a$b$^{x", "组织机构" * 60, "crf")


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    folder = tmp_path_factory.mktemp("runs")
    for corpus in ("news", "tweets-" * 20):
        gold = gold_sentences(40, seed=len(corpus))
        for number, name in enumerate(NAMES):
            for seed in (1, 2):
                config: dict[str, Any] = with_settings(
                    seed=seed,
                    name=name,
                    data__dir=f"/data/{corpus}",
                    optim__encoder_lr=1e-5 * (1 + number // 2),
                    model__decoder={"_target_": "x.CRF", "very_long_option_" * 5: NAMES[2 * (number % 2)]},
                )
                cost = {"seconds_per_epoch": 3.0 * number + seed}
                place = folder / f"{corpus[:5]}-{number}-{seed}"
                write_run(place, config, predicted(gold, 0.4 + 0.15 * number, seed), cost=cost)
    return compare_runs(collect([str(folder)]), FEW)


def figures(comparison: Comparison) -> dict[str, Figure | None]:
    section = comparison.sections[0]
    found = {name: make(section, FEW) for name, (_, make) in OF_SCORES.items()}
    found |= {name: make(explain_difference(section, FEW)) for name, (_, make) in OF_ERRORS.items()}
    assert comparison.overall is not None
    return {**found, "overall": draw_forest_over_all(comparison.overall, FEW)}


@pytest.mark.filterwarnings("ignore:Glyph:UserWarning")
def test_no_text_leaves_its_picture(comparison: Comparison, monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib.text import Text

    drawn: list[Text] = []
    draw = Text.draw
    monkeypatch.setattr(Text, "draw", lambda text, *words, **more: (drawn.append(text), draw(text, *words, **more)))
    outside = []
    for name, figure in figures(comparison).items():
        assert figure is not None, name
        drawn.clear()
        figure.canvas.draw()
        texts = [text for text in drawn if text.get_text().strip()]
        assert texts, name
        frame = figure.bbox.padded(1)
        outside += [(name, t.get_text()[:50]) for t in texts if not _is_inside(t.get_window_extent(), frame)]
    assert outside == []


def _is_inside(box: Any, frame: Any) -> bool:
    return bool(frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1)
