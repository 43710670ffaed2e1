"""A decoder of another kind than ours: the package asks it what it has, and looks at no class."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
import torch

from ner_lightning.config.objects import make
from ner_lightning.config.own import ALLOW
from ner_lightning.errors import UserError
from ner_lightning.inference.tagger import Tagger
from ner_lightning.model.decoder.crf import CRF
from ner_lightning.model.decoder.decoder import Decoder
from ner_lightning.model.decoder.softmax import Softmax
from ner_lightning.tagging.tagset import TagSet
from ner_lightning.training.checkpoint import load
from tests.runs import trained

TAGS = TagSet(("PER",), "IOB2")

SOURCE = """
import torch

from ner_lightning.model.decoder.crf import CRF
from ner_lightning.model.decoder.decoder import Decoder, Movement


class Wrapped(Decoder):
    wants_counts = True

    def __init__(self, tags, *, still=0.0):
        super().__init__(tags, constrain="decode")
        self.inner, self.still, self.counted = CRF(tags), still, 0

    def loss(self, emissions, tags, mask, allowed=None):
        return self.inner.loss(emissions, tags, mask, allowed)

    def decode(self, emissions, mask):
        return self.inner.decode(emissions, mask)

    def span_probability(self, emissions, mask, entities):
        return self.inner.span_probability(emissions, mask, entities)

    def initialise_from_counts(self, start, transitions, end):
        self.inner.initialise_from_counts(start, transitions, end)
        self.counted += 1

    def moves(self):
        return self.inner.moves()

    def movement(self):
        return {"transitions": Movement(self.still, 2.0)}


class Reading(Wrapped):
    def __init__(self, tags):
        super().__init__(tags)
        self.read = torch.ones(2).sum().item()


class Half(Decoder):
    def loss(self, emissions, tags, mask, allowed=None): ...
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "own_decoder.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv(ALLOW, "own_decoder.")
    yield "own_decoder"
    sys.modules.pop("own_decoder", None)


@pytest.mark.parametrize(("still", "warns"), [(0.5, False), (0.001, True)])
def test_a_decoder_is_asked_for_what_it_has(
    package: str, still: float, warns: bool, tmp_path: Path, tiny_encoder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        trained(
            tmp_path,
            tiny_encoder,
            "~model/decoder",
            f"+model.decoder={{_target_:{package}.Wrapped,still:{still}}}",
            "test=false",
            "data.limit=8",
            whole=True,
        )
    assert f"Wrapped transitions moved by {still:.3f} nats on average, 2.000 at most" in caplog.messages
    assert ("The Wrapped's transitions have hardly moved" in caplog.text) is warns
    assert (tmp_path / "run/figures/transitions.png").is_file()
    loaded = Tagger.load(tmp_path / "run", device="cpu").model.decoder
    assert type(loaded).__name__ == "Wrapped"
    start = loaded.inner.initial_moves[-1, :-1].exp()  # of counts, smoothed: a distribution over tags
    assert start[loaded.inner.allowed_moves[-1, :-1]].sum() == pytest.approx(1, abs=1e-5)


def test_a_decoder_that_reads_a_tensor_is_named(package: str, tmp_path: Path, tiny_encoder: Path) -> None:
    """Before training, and at loading what was trained without that check."""
    words = ("~model/decoder", f"+model.decoder={{_target_:{package}.Reading}}", "test=false")
    told = rf"model\.decoder: {package}\.Reading cannot be built on torch's meta device \(.*must read no number"
    with pytest.raises(UserError, match=f"^{told}"):
        trained(tmp_path / "refused", tiny_encoder, *words)
    assert not (tmp_path / "refused/run/checkpoints").exists()
    with patch("ner_lightning.training.build.check_rebuildable"):
        trained(tmp_path, tiny_encoder, *words)
    with pytest.raises(UserError, match=rf"best\.ckpt: {told}"):
        load(tmp_path / "run")


def test_what_a_decoder_lacks_is_named(package: str) -> None:
    told = rf"^model\.decoder: {package}\.Half lacks decode, span_probability: see docs/extending\.md$"
    with pytest.raises(UserError, match=told):
        make({"_target_": f"{package}.Half"}, "model.decoder", tags=TAGS)


def test_a_decoder_that_wants_counts_takes_them() -> None:
    with pytest.raises(NotImplementedError, match="Softmax wants counts"):
        Softmax(TAGS).initialise_from_counts(*torch.ones(3, 3, 3))


@pytest.mark.parametrize("decoder", [CRF(TAGS), Softmax(TAGS)])
def test_what_the_tags_decide_is_not_stored(decoder: Decoder) -> None:
    assert decoder.n_tags == 3
    assert "allowed_moves" in dict(decoder.named_buffers())
    assert "allowed_moves" not in decoder.state_dict()


@pytest.mark.parametrize(
    ("constrain", "loss", "decode"), [("both", True, True), ("decode", False, True), ("none", False, False)]
)
def test_where_moves_are_illegal(constrain: str, loss: bool, decode: bool) -> None:
    decoder = CRF(TAGS, constrain=constrain)  # type: ignore[arg-type]
    for where, holds in (("loss", loss), ("decode", decode)):
        legal = decoder.legal_moves(where)  # type: ignore[arg-type]
        assert (legal is not None) is holds
        if legal is not None:  # O to I, and start to I
            assert legal.tolist() == [
                [True, True, False, True],
                [True, True, True, True],
                [True, True, True, True],
                [True, True, False, True],
            ]
