"""Scoring a checkpoint again, on its own data and on others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from ner_lightning.errors import DataError, UserError
from tests.runs import EASY, LEARN, evaluated, records, trained, write_corpus


@pytest.fixture(scope="module")
def trained_run(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("trained")
    unknown = "Ann ran to Bergen/B-LOC"  # so that the scores are no round numbers
    corpus = write_corpus(folder / "corpus", train=EASY, dev=[*EASY[::2], unknown], test=[*EASY[::3], unknown])
    options = ("data=conll", f"data.dir={corpus}", *LEARN, "trainer.max_epochs=2", "data.eval_batch_size=5")
    return folder / "run", trained(folder, tiny_encoder, *options)


@pytest.mark.parametrize(("split", "prefix"), [("test", "test/"), ("dev", "val/")])
def test_a_checkpoint_scores_again_exactly_what_its_run_said(
    trained_run: tuple[Path, dict[str, Any]], tmp_path: Path, split: str, prefix: str
) -> None:
    run, result = trained_run
    again = evaluated(tmp_path, f"ckpt={run}", f"split={split}")
    said = {key: value for key, value in result["best"].items() if key.startswith(prefix)}
    assert 0 < said[f"{prefix}f1"] < 1
    assert again["scores"] == said
    stored = records(tmp_path / f"run/predictions/{split}.jsonl")
    assert stored == records(run / f"predictions/{split}.jsonl")
    assert again["checkpoint"] == str(run / "checkpoints/best.ckpt")
    assert (again["split"], again["data"]) == (split, str(run.parent / "corpus"))
    assert json.loads((tmp_path / "run/result.json").read_text()) == again


def test_another_corpus_with_types_the_model_does_not_know(
    trained_run: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    other = write_corpus(tmp_path / "other", test=["Ann/B-PER Lee/I-PER won the Cup/B-EVENT .", "Mars/B-PLANET ."])
    with pytest.warns(UserWarning, match=r"test: .* missed: EVENT \(1\), PLANET \(1\)"):
        found = evaluated(tmp_path, f"ckpt={trained_run[0]}", "data=conll", f"data.dir={other}")
    assert found["data"] == str(other)
    scores = found["scores"]
    assert [scores[f"test/support/{name}"] for name in ("PER", "LOC", "EVENT", "PLANET")] == [1, 0, 1, 1]
    assert scores["test/recall/EVENT"] == scores["test/recall/PLANET"] == 0
    assert scores["test/recall"] in (0, pytest.approx(1 / 3))
    assert [record["gold"] for record in records(tmp_path / "run/predictions/test.jsonl")] == [
        [[0, 2, "PER"], [4, 5, "EVENT"]],
        [[0, 1, "PLANET"]],
    ]


def test_words_nobody_annotated_are_scored_by_neither(trained_run: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    """Our table and seqeval's report of the stored predictions say the same."""
    lines = "".join(
        f"{word}\t{'?' if word in ('Oslo', 'Rome', 'Kyiv') else 'O'}\n" for word in ["Oslo", "x", "Rome", "x", "Kyiv"]
    )
    (tmp_path / "other").mkdir()
    (tmp_path / "other/test.conll").write_text(f"{lines}\nAnn\tB-PER\nLee\tI-PER\n\n")
    with patch("ner_lightning.metrics.score_tables.log_table") as logged:
        found = evaluated(tmp_path, f"ckpt={trained_run[0]}", "data=conll", f"data.dir={tmp_path / 'other'}")
    assert found["scores"]["test/support"] == 1
    assert found["scores"]["test/precision/LOC"] == 0
    lines = [line for call in logged.call_args_list for line in call.args[0].splitlines()]
    (micro,) = [line.split() for line in lines if line.strip().startswith("micro avg")]
    assert [float(value) for value in micro[2:5]] == [
        pytest.approx(found["scores"][f"test/{name}"], abs=1e-4) for name in ("precision", "recall", "f1")
    ]


def test_a_split_that_is_not_there(trained_run: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    other = write_corpus(tmp_path / "other", train=EASY[:1])
    with pytest.raises(DataError, match=r"no test split: expected a file called test .* holds train.conll"):
        evaluated(tmp_path, f"ckpt={trained_run[0]}", "data=conll", f"data.dir={other}")


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"best.ckpt: no such checkpoint; give ckpt=RUN_FOLDER"):
        evaluated(tmp_path, f"ckpt={tmp_path}")
