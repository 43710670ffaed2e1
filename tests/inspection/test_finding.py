"""A finding is beyond its limit where one of its parts is."""

from __future__ import annotations

import json

from ner_lightning.inspection.finding import Finding, Listing, Part
from ner_lightning.inspection.findings.sentences import LEAKAGE
from ner_lightning.inspection.settings import InspectionSettings

PARTS = (Part("dev in train", 1, 100), Part("test in train", 4, 80), Part("nothing", 0, 0))


def finding(limit: float) -> Finding:
    return Finding.of(InspectionSettings(limits={"leakage": limit}), LEAKAGE, PARTS)


def test_the_worst_part_decides() -> None:
    assert (finding(0.0).count, finding(0.0).share) == (5, 0.05)
    assert finding(0.04).is_over
    assert not finding(0.05).is_over  # up to the limit, it included


def test_the_sentence_names_the_parts_beyond_the_limit() -> None:
    assert finding(0.04).sentence() == "leakage: test in train 4 of 80 (5 %) sentences, limit 4 %"
    assert finding(0.0).sentence().startswith("leakage: dev in train 1 of 100 (1 %), test in train 4 of 80 (5 %) ")


def test_what_cannot_be_told_is_never_beyond() -> None:
    untold = Finding(LEAKAGE, (), 0.0, why_not="needs train")
    assert (untold.count, untold.share, untold.is_over, untold.worst) == (0, 0.0, False, None)
    assert untold.to_json()["told"] is False


def test_json() -> None:
    listing = Listing.first(1, ("a", "b"), [("x", 1), ("y", 2)], 7)
    found = json.loads(json.dumps(Finding(LEAKAGE, PARTS, 0.0, listing).to_json()))
    assert found["parts"][1] == {"name": "test in train", "count": 4, "total": 80, "share": 0.05}
    assert (found["share"], found["over"], found["title"], found["what"]) == (0.05, True, "Leakage", "sentences")
    assert (found["columns"], found["rows"], found["unlisted"]) == (["a", "b"], [["x", 1]], 6)
