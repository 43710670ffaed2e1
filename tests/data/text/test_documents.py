"""The options of texts have one home: what four readers take alike is declared once."""

from __future__ import annotations

import inspect
from dataclasses import fields
from typing import Any

import pytest

from ner_lightning.data.readers.brat import BratReader
from ner_lightning.data.readers.by_ending import ReaderByEnding
from ner_lightning.data.readers.jsonl import JsonlReader
from ner_lightning.data.readers.label_studio import LabelStudioReader
from ner_lightning.data.text.documents import TextOptions

READERS = (BratReader, JsonlReader, LabelStudioReader, ReaderByEnding)


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_of_texts_takes_the_options_of_texts(reader: type[TextOptions]) -> None:
    taken = inspect.signature(reader).parameters
    assert {option.name: option.default for option in fields(TextOptions)} == {
        option.name: taken[option.name].default for option in fields(TextOptions)
    }
    assert not {option.name for option in fields(TextOptions)} & inspect.get_annotations(reader).keys()


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("option", [option.name for option in fields(TextOptions) if option.name != "encoding"])
def test_an_option_that_is_none_is_refused_by_its_name(reader: type[TextOptions], option: str) -> None:
    with pytest.raises(ValueError, match=f"expected {option} to be one of"):
        reader(**{option: "x"})  # type: ignore[arg-type]


def test_the_reader_by_ending_hands_every_option_on() -> None:
    asked: dict[str, Any] = {"words": "whitespace", "sentences": "lines", "positions": "utf16", "misaligned": "drop"}
    asked |= {"surface": "warn", "overlap": "longest", "encoding": "cp1252"}
    assert asked.keys() == {option.name for option in fields(TextOptions)}
    for kind in ("jsonl", "label_studio", "brat"):
        assert asked.items() <= vars(ReaderByEnding(**asked).reader_of(kind)).items()
