from __future__ import annotations

import csv
import logging
from pathlib import Path

import pytest
import torch

from ner_lightning.analysis import plots
from ner_lightning.model.decoder.crf import CRF
from ner_lightning.model.decoder.softmax import Softmax
from ner_lightning.run.predictions import StoredSentence
from ner_lightning.tagging.spans import EntitySpan, ScoredSpan
from ner_lightning.tagging.tagset import TagSet
from ner_lightning.training.summary import calibrate, draw_run_pictures, transition_figure, write_csv
from tests.runs import EASY, LEARN, evaluated, trained, write_corpus

TAGS = TagSet(("LOC",), "IOB2")
OSLO, LIMA = EntitySpan(0, 1, "LOC"), EntitySpan(2, 3, "LOC")


def stored(folder: Path, *probabilities: float) -> Path:
    """One sentence a probability; the first half of them right."""
    lines = []
    for number, probability in enumerate(probabilities):
        gold = (OSLO,) if number < len(probabilities) / 2 else (LIMA,)
        sentence = StoredSentence(f"{number}", "", ("Oslo", "or", "Lima"), gold, (ScoredSpan(OSLO, probability),))
        lines.append(sentence.to_json() + "\n")
    path = folder / "predictions.jsonl"
    path.write_text("".join(lines), encoding="utf-8")
    return path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_tables_and_a_line_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        found = calibrate({"dev": stored(tmp_path, 0.9, 0.9, 0.5, 0.5)}, tmp_path)
    assert caplog.messages == ["entity probabilities (dev): ECE 0.300 over 4 entities"]
    assert found["dev"].ece == pytest.approx(0.3)
    table = rows(tmp_path / "calibration/reliability_dev.csv")
    assert [(row["bins"], row["entities"]) for row in table] == [
        ("equal_width", "2"),
        ("equal_width", "2"),
        ("equal_mass", "2"),
        ("equal_mass", "2"),
    ]
    assert table[1] | {"bins": ""} == {
        "bins": "",
        "low": "0.9",
        "high": "1.0",
        "entities": "2",
        "mean_probability": "0.9",
        "share_correct": "1.0",
    }
    curve = rows(tmp_path / "calibration/min_probability_dev.csv")
    assert [row["f1"] for row in curve if row["min_probability"] in ("0.0", "0.6")] == ["0.5", "0.666667"]


def test_no_entity_found(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = stored(tmp_path)
    with caplog.at_level(logging.INFO):
        found = calibrate({"test": path}, tmp_path)
    assert caplog.messages == ["entity probabilities (test): no entity was found"]
    assert found["test"].ece is None
    draw_run_pictures(found, Softmax(TAGS), TAGS, tmp_path)
    assert not (tmp_path / "figures").exists()
    assert not (tmp_path / "calibration/reliability_test.csv").exists()


def test_nothing_stored(tmp_path: Path) -> None:
    assert calibrate({}, tmp_path) == {}
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("decoder", "matrix"), [(CRF(TAGS), True), (Softmax(TAGS), False)])
def test_only_a_crf_has_transitions(tmp_path: Path, decoder: CRF | Softmax, matrix: bool) -> None:
    pytest.importorskip("matplotlib", reason="extra: plots")
    draw_run_pictures(calibrate({"test": stored(tmp_path, 0.9)}, tmp_path), decoder, TAGS, tmp_path)
    expected = {"reliability_test.png", "reliability_test.svg"}
    assert {path.name for path in (tmp_path / "figures").iterdir()} == (
        expected | {"transitions.png", "transitions.svg"} if matrix else expected
    )


@pytest.mark.parametrize(("constrain", "forbidden"), [("both", 3), ("decode", 3), ("none", 1)])
def test_the_matrix_is_that_of_the_crf(constrain, forbidden: int) -> None:
    """O to I and start to I are forbidden in IOB2, start to end always."""
    pytest.importorskip("matplotlib", reason="extra: plots")
    decoder = CRF(TAGS, constrain=constrain)
    with torch.no_grad():
        decoder.start_transitions[1], decoder.end_transitions[2], decoder.transitions[1, 2] = 5, 6, 7
    axes = transition_figure(decoder, decoder.moves(), TAGS).axes[0]
    (mesh,) = [c for c in axes.collections if c.get_array() is not None]
    shown = mesh.get_array().reshape(4, 4)
    assert (shown[0, 1], shown[3, 3], shown[2, 2]) == (5, 6, 7)  # start is the first row, end the last column
    assert shown.mask.sum() == forbidden


def test_without_matplotlib_the_log_says_so_and_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def absent(*_: float) -> None:
        raise plots.PlotsUnavailable("Pictures need matplotlib")

    monkeypatch.setattr(plots, "new_figure", absent)
    found = calibrate({"test": stored(tmp_path, 0.9)}, tmp_path)
    with caplog.at_level(logging.INFO):
        caplog.clear()
        draw_run_pictures(found, CRF(TAGS), TAGS, tmp_path)
    assert caplog.messages == ["Pictures need matplotlib"]
    assert not (tmp_path / "figures").exists()


def test_csv_rounds_and_quotes(tmp_path: Path) -> None:
    write_csv(tmp_path / "new/t.csv", [{"a": 1 / 3, "b": 'x,"y'}, {"a": None, "b": 2}])
    assert rows(tmp_path / "new/t.csv") == [{"a": "0.333333", "b": 'x,"y'}, {"a": "", "b": "2"}]


def test_a_run_and_its_evaluation_tell_the_same(
    tmp_path: Path, tiny_encoder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("matplotlib", reason="extra: plots")
    corpus = write_corpus(tmp_path / "corpus", train=EASY, dev=EASY[::2], test=EASY[::3])
    options = ("data=conll", f"data.dir={corpus}", *LEARN, "trainer.max_epochs=2")
    with caplog.at_level(logging.INFO):
        result = trained(tmp_path, tiny_encoder, *options, whole=True)
    assert set(result["calibration"]) == {"dev", "test"}
    said = result["calibration"]["test"]
    assert said["n"] > 0
    assert said["ece"] >= abs(said["mean_probability"] - said["share_correct"]) - 1e-9
    assert any(message.startswith("entity probabilities (test): ECE ") for message in caplog.messages)
    run = tmp_path / "run"
    assert {path.name for path in (run / "figures").iterdir()} == {
        f"{name}.{kind}" for name in ("reliability_dev", "reliability_test", "transitions") for kind in ("png", "svg")
    }
    assert sum(int(r["entities"]) for r in rows(run / "calibration/reliability_test.csv")) == 2 * said["n"]

    again = evaluated(tmp_path, f"ckpt={run}", f"paths.output_dir={tmp_path / 'again'}")
    assert again["calibration"] == {"test": said}
    # Without the callback nothing is stored, and the run ends all the same.
    bare = trained(tmp_path, tiny_encoder, "~callbacks.predictions", f"paths.output_dir={tmp_path / 'bare'}")
    assert bare["calibration"] == {}
    assert "test/f1" in bare["best"]
