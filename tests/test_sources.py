"""Runs over several corpora, folds and parts of the training data, from the command line to what is recorded."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from ner_lightning.comparison.comparison import compare_runs as compare_runs
from ner_lightning.comparison.runs.collect import collect
from ner_lightning.comparison.settings import Settings
from ner_lightning.inference.tagger import Tagger
from ner_lightning.reproduction.verdict import compare_results
from ner_lightning.task.tagging import TaggingTask
from tests.runs import EASY, evaluated, records, trained, write_corpus
from tests.watched import watched

TWO = "data.sources={a: {weight: 2}, b: {weight: 0.5, label_map: {LOC: GPE}}}"
SOURCES = ("data=conll", "data.limit=null", "data.batch_size=4", TWO)


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpora")
    write_corpus(folder / "a", train=EASY[:10], dev=EASY[10:14], test=EASY[14:18])
    write_corpus(folder / "b", train=EASY[18:38], dev=EASY[38:42], test=EASY[:6])
    return folder


def sentences_of(task: TaggingTask, batch: Batch) -> tuple[int, ...]:
    return batch.index


def test_a_run_over_two_corpora_scores_each(
    tmp_path: Path, tiny_encoder: Path, corpora: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = trained(tmp_path, tiny_encoder, *SOURCES, f"data.dir={corpora}", "optim.head_lr=0.1")
    said = capsys.readouterr().out
    assert "test: sources, strict" in said
    assert result["steps"] == -(-(2 * 10 + 20 // 2) // 4)
    assert result["sentences"] == {"train": {"a": 10, "b": 20}, "dev": {"a": 4, "b": 4}, "test": {"a": 4, "b": 6}}
    best = result["best"]
    lines = records(tmp_path / "run/predictions/test.jsonl")
    assert [line["source"] for line in lines] == ["a"] * 4 + ["b"] * 6
    assert lines[0]["id"].startswith("a/test.conll:")
    for name in ("a", "b"):
        own = [line for line in lines if line["source"] == name]
        gold = sum(len(line["gold"]) for line in own)
        found = sum(len(line["predicted"]) for line in own)
        right = sum(span[:3] in line["gold"] for line in own for span in line["predicted"])
        assert best[f"test/{name}/support"] == gold
        assert best[f"test/{name}/f1"] == pytest.approx(2 * right / (gold + found) if gold + found else 0)
    assert best["test/a/support"] + best["test/b/support"] == best["test/support"]
    assert {span[2] for line in lines if line["source"] == "b" for span in line["gold"]} == {"PER", "GPE"}
    with (tmp_path / "run/metrics.csv").open() as file:
        assert {"val/a/f1", "val/b/f1"} <= set(csv.DictReader(file).fieldnames or ())
    scores = evaluated(tmp_path / "again", f"ckpt={tmp_path / 'run'}")["scores"]
    assert {key: scores[key] for key in scores if key.endswith("f1")} == pytest.approx(
        {key: best[key] for key in scores if key.endswith("f1")}
    )


def test_a_model_of_corpora_with_readers_of_their_own_tags_text(tmp_path: Path, tiny_encoder: Path) -> None:
    """As the documentation writes them: `reader: null` for all, one in each source."""
    write_corpus(tmp_path / "a", train=EASY[:10], dev=EASY[10:14])
    (tmp_path / "b").mkdir()
    line = json.dumps({"text": "In Oslo, x.", "entities": [{"start": 3, "end": 7, "label": "LOC"}]})
    for split in ("train", "dev"):
        (tmp_path / "b" / f"{split}.jsonl").write_text(f"{line}\n")
    readers = {"a": "conll.ConllReader", "b": "jsonl.JsonlReader"}
    nodes = (
        f"{name}: {{reader: {{_target_: ner_lightning.data.readers.{reader}}}}}" for name, reader in readers.items()
    )
    sources = f"{{{', '.join(nodes)}}}"
    trained(tmp_path, tiny_encoder, "data=conll", "data.reader=null", f"data.sources={sources}", f"data.dir={tmp_path}")
    tagger = Tagger.load(tmp_path / "run")
    assert tagger.units == "punctuation"
    assert len(tagger.tag_texts(["In Oslo, x.", ""])) == 2


def test_a_killed_run_with_weights_goes_on_within_its_epoch(tmp_path: Path, tiny_encoder: Path, corpora: Path) -> None:
    asked = [*SOURCES, f"data.dir={corpora}", "trainer.max_epochs=2", "callbacks.last.steps=3", "test=false"]
    whole = watched(sentences_of, tmp_path / "whole", tiny_encoder, *asked)
    before = watched(sentences_of, tmp_path / "killed", tiny_encoder, *asked, until=5)
    last = tmp_path / "killed/run/checkpoints/last.ckpt"
    after = watched(sentences_of, tmp_path / "resumed", tiny_encoder, *asked, f"ckpt_path={last}")
    assert before[:3] + after == whole
    assert len(whole) == 16


def test_folds_test_every_sentence_once_and_compare(tmp_path: Path, tiny_encoder: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", everything=EASY[:40])
    asked = ("data=conll", f"data.dir={corpus}", "data.limit=null", "data.folds=3", "trainer.max_epochs=1")
    tested = []
    for name, rate in (("slow", "0.001"), ("fast", "0.1")):
        for fold in range(3):
            folder = tmp_path / name / str(fold)
            trained(folder, tiny_encoder, *asked, f"data.fold={fold}", f"optim.head_lr={rate}")
            if name == "slow":
                tested += [line["id"] for line in records(folder / "run/predictions/test.jsonl")]
    assert len(tested) == len(set(tested)) == 40
    found = compare_runs(collect([str(tmp_path / "slow"), str(tmp_path / "fast")]), Settings(samples=200))
    (section,) = found.sections
    assert [len(configuration.runs) for configuration in section.configurations.values()] == [3, 3]
    for configuration in section.configurations.values():
        (replicate,) = configuration.replicates
        assert len(replicate.counted.counts) == 40


def test_a_divided_corpus_is_read_the_same_again(tmp_path: Path, tiny_encoder: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", everything=EASY[:40])
    asked = ("data=conll", f"data.dir={corpus}", "data.limit=null", "data.splits={dev: 0.2, test: 0.2}")
    first = trained(tmp_path / "first", tiny_encoder, *asked, "data.fraction=0.5")
    trained(tmp_path / "second", tiny_encoder, *asked, "data.fraction=0.5")
    whole = trained(tmp_path / "whole", tiny_encoder, *asked, "seed=2")
    assert compare_results(tmp_path / "first/run", tmp_path / "second/run").same
    assert whole["data"]["test"] == first["data"]["test"]
    assert whole["data"]["train"] != first["data"]["train"]
    assert first["sentences"]["train"] in (11, 12, 13)
