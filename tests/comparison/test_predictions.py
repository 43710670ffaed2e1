"""Reading what other runs had already is reading all the same, and fast."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ner_lightning.comparison.comparison import compare_runs
from ner_lightning.comparison.predictions import Known, count, read_known
from ner_lightning.comparison.runs.collect import collect
from ner_lightning.comparison.settings import Settings
from ner_lightning.errors import DataError
from ner_lightning.run.predictions import StoredSentence, read_stored
from ner_lightning.tagging.spans import EntitySpan
from tests.comparison.folders import gold_sentences, predicted, with_settings, write_run


def stored(path: Path, sentences: list[StoredSentence]) -> Path:
    path.write_text("".join(sentence.to_json() + "\n" for sentence in sentences), encoding="utf-8")
    return path


def test_a_second_run_reads_as_it_would_alone(tmp_path: Path) -> None:
    gold = gold_sentences(40)
    gold[1] = (('a", "predicted": [', '\\"', "京", "d", "e", "f", "g"), gold[1][1])
    known: Known = {}
    for seed in (1, 2):
        sentences = predicted(gold, 0.6, seed, document="d")
        sentences[3] = replace(sentences[3], predicted_tags=tuple("I-LOC" for _ in sentences[3].words), unknown=(1,))
        path = stored(tmp_path / f"{seed}.jsonl", sentences)
        assert [sentence for sentence, _ in read_known(path, known)] == list(read_stored(path)) == sentences
        assert count(path, "BIOES", known).sentences == count(path, "BIOES").sentences
        assert np.array_equal(count(path, "BIOES", known).counts, count(path, "BIOES").counts)
    assert len(known) == 40


@pytest.mark.parametrize("part", ["words", "gold", "unknown", "order", "fewer"])
def test_other_sentences_have_another_digest(part: str, tmp_path: Path) -> None:
    sentences = predicted(gold_sentences(10), 0.6, 1)
    other = list(sentences)
    if part == "words":
        other[2] = replace(other[2], words=("other", *other[2].words[1:]))
    elif part == "gold":
        other[2] = replace(other[2], gold=(EntitySpan(0, 1, "ORG"),))
    elif part == "unknown":
        other[2] = replace(other[2], unknown=(3,))
    elif part == "order":
        other = other[::-1]
    else:
        other = other[:-1]
    known: Known = {}
    one = count(stored(tmp_path / "a", sentences), "BIOES", known).sentences
    assert count(stored(tmp_path / "b", other), "BIOES", known).sentences != one
    named = [replace(sentence, id="elsewhere", document="d") for sentence in sentences]
    assert count(stored(tmp_path / "c", named), "BIOES", known).sentences == one


@pytest.mark.parametrize("line", ['{"id": "x', "[]", "", '{"id": "1", "words": []}'])
def test_a_damaged_line_is_told_with_its_place(line: str, tmp_path: Path) -> None:
    sentences = predicted(gold_sentences(3), 0.6, 1)
    path = stored(tmp_path / "a.jsonl", sentences)
    known: Known = {}
    count(path, None, known)
    lines = path.read_text().splitlines()
    for damaged in (line, lines[1][:-9]):
        path.write_text("\n".join([lines[0], damaged, lines[2]]) + "\n")
        with pytest.raises(DataError, match=r"a\.jsonl:2: expected a stored prediction"):
            count(path, None, known)


def test_hundreds_of_runs_are_compared_in_seconds(tmp_path: Path) -> None:
    gold = gold_sentences(40)
    folder = tmp_path / "runs"
    for k in range(500):
        config = with_settings(seed=k % 10, optim__encoder_lr=1e-5 * (1 + k // 10))
        write_run(folder / str(k), config, predicted(gold, 0.5 + k % 7 / 20, k))
    (folder / "7" / "result.json").write_text("{")
    started = time.process_time()
    found = compare_runs(collect([str(folder)]), Settings(samples=1_000))
    assert time.process_time() - started < 20  # about 3 on an idle core
    (section,) = found.sections
    assert (len(section.rows), found.n_runs, len(found.left_out), len(section.pairs)) == (50, 499, 1, 49)
