"""The whole of a report."""

from __future__ import annotations

import json
from dataclasses import replace
from unittest.mock import patch

import pytest

from ner_lightning.errors import UserError
from ner_lightning.inspection import inspection as module
from ner_lightning.inspection.catalogue import NAMES
from ner_lightning.inspection.inspection import inspect_corpus
from ner_lightning.inspection.settings import InspectionSettings
from tests.inspection.made import inspected, made

TRAIN = ["Ann/B-PER Lee/I-PER left", "nothing here", "Oslo/B-LOC and/? Rome/B-LOC"]


def test_counts_and_lengths() -> None:
    facts = inspected(train=TRAIN, test=["x"]).splits["train"]
    assert {key: facts[key] for key in ("file", "sentences", "words", "entities", "types", "documents", "scheme")} == {
        "file": "folder/train.x",
        "sentences": 3,
        "words": 8,
        "entities": 3,
        "types": 2,
        "documents": None,
        "scheme": "IOB2",
    }
    assert (facts["sentences_without_entity"], facts["unannotated_words"]) == (1, 1)
    assert facts["lengths"]["words"] == {"min": 2, "mean": 2.67, "p50": 3, "p90": 3, "p95": 3, "p99": 3, "max": 3}
    assert facts["lengths"]["entities"]["max"] == 2
    assert facts["lengths"]["words_per_entity"]["max"] == 2
    assert facts["lengths"]["subwords"] is None


def test_json_holds_everything() -> None:
    found = inspected(InspectionSettings(fail_on=["leakage", "rare"]), train=TRAIN, test=TRAIN[:1])
    report = json.loads(json.dumps(found.to_json()))
    assert [finding["name"] for finding in report["findings"]] == list(NAMES)
    assert report["fail_on"] == report["failed"] == ["leakage", "rare"]
    assert (report["data"], report["encoder"], report["format"]) == ("folder/of/corpus", None, 1)
    assert report["histograms"]["entities"]["shares"]["test"]


def test_failures_are_those_asked_for_and_beyond_their_limit() -> None:
    splits = {"train": TRAIN, "test": ["x", "y", TRAIN[0]]}
    assert not inspected(**splits).failures
    (failure,) = inspected(InspectionSettings(fail_on=["leakage", "illegal"]), **splits).failures
    assert failure.name == "leakage"
    tolerant = InspectionSettings(fail_on=["leakage"], limits={"leakage": 0.34})
    assert not inspected(tolerant, **splits).failures


def test_a_build_does_not_pass_for_want_of_a_file() -> None:
    with pytest.raises(UserError, match="fail_on=leakage cannot be told of these data: needs train and one of dev"):
        inspected(InspectionSettings(fail_on=["leakage"]), train=TRAIN)
    with pytest.raises(UserError, match="fail_on=long cannot be told of these data: needs an encoder"):
        inspected(InspectionSettings(fail_on=["long"]), train=TRAIN)


def test_notes() -> None:
    corpus = made(train=["北 京 好 x"], test=["北 京 好/? x"])
    corpus.reports["test"].scheme = "IO"
    assert inspect_corpus(corpus).notes == (
        "The files are in different tag schemes: train IOB2, test IO.",
        "The files do not tell documents apart.",
        "There is no dev split.",
        "Most words are single Chinese characters: set data.units=characters.",
        "1 words are not annotated (partial labels): they teach nothing and are not scored.",
    )
    corpus.reports["train"].documents = 1
    characters = inspect_corpus(replace(corpus, units="characters"))
    assert not [note for note in characters.notes if "documents" in note or "units" in note]


def test_chunks_make_no_difference() -> None:
    whole = inspected(train=TRAIN * 3, test=TRAIN).to_json()
    with patch.object(module, "CHUNK", 2):
        assert inspected(train=TRAIN * 3, test=TRAIN).to_json() == whole
