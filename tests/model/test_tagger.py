"""The whole network, packed and padded: the same loss, the same gradients, the same tags."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import pytest
import torch
from torch import Tensor

from ner_lightning.model.decoder.crf import CRF
from ner_lightning.model.decoder.softmax import Softmax
from ner_lightning.model.encoder import Encoder, packing_matches
from ner_lightning.model.packed.attention import positions_in_rows
from ner_lightning.model.tagger import TaggingModel
from ner_lightning.tagging.tagset import TagSet
from tests.oracle.still import without_dropout
from tests.oracle.tiny_encoders import NOT_PACKING, PACKING, tiny_config

TAGS = TagSet(("LOC", "PER"), "IOB2")
PACKAGED = ("package:minilm", "package:e5_multilingual")
LENGTHS = (20, 3, 7, 3, 12, 4)  # subwords, [CLS] and [SEP] included


@dataclass
class Laid:
    """A batch in one layout; every word has two subwords, and a last one if that is left over."""

    input_ids: Tensor
    attention_mask: Tensor | None
    position_ids: Tensor | None
    row_lengths: tuple[int, ...]
    first_subword: Tensor
    subword_count: Tensor
    mask: Tensor
    tags: Tensor


def laid(packed: bool, vocabulary: int = 60) -> Laid:
    lengths = torch.tensor(LENGTHS)
    generator = torch.Generator().manual_seed(1)
    real = torch.arange(max(LENGTHS)) < lengths[:, None]
    ids = torch.randint(5, vocabulary, real.shape, generator=generator)
    n_words = (lengths - 1) // 2
    places = torch.arange(int(n_words.max()))
    mask = places < n_words[:, None]
    starts = lengths.cumsum(0) - lengths if packed else torch.arange(len(LENGTHS)) * max(LENGTHS)
    first = (starts[:, None] + 1 + 2 * places).where(mask, torch.tensor(0))
    count = torch.minimum(torch.tensor(2), lengths[:, None] - 2 - 2 * places).where(mask, torch.tensor(0))
    return Laid(
        input_ids=ids[real][None] if packed else ids.where(real, torch.tensor(1)),
        attention_mask=None if packed else real,
        position_ids=positions_in_rows(LENGTHS) if packed else None,
        row_lengths=LENGTHS,
        first_subword=first,
        subword_count=count,
        mask=mask,
        tags=torch.randint(0, len(TAGS), mask.shape, generator=generator).where(mask, torch.tensor(0)),
    )


@cache
def network(name: str, decoder: str = "crf", pooling: str = "first", checkpointing: bool = False) -> TaggingModel:
    torch.manual_seed(0)
    config = None if name in PACKAGED else tiny_config(name)
    large = name == "package:e5_multilingual"  # its word embeddings are frozen by default
    options = {"gradient_checkpointing": checkpointing, "freeze_word_embeddings": large}
    encoder = without_dropout(Encoder(name, config=config, **options))  # type: ignore[arg-type]
    head = CRF(TAGS, constrain="decode") if decoder == "crf" else Softmax(TAGS)
    return TaggingModel(encoder, head, pooling=pooling, dropout=0.0)  # type: ignore[arg-type]


def outcome(model: TaggingModel, batch: Laid) -> tuple[float, dict[str, Tensor], list[list[int]]]:
    """Loss in nats a sentence, the gradient of every parameter, and the decoded tags."""
    model.zero_grad()
    emissions = model(batch)
    loss = model.decoder.loss(emissions, batch.tags, batch.mask).mean()
    loss.backward()
    found = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    decoded = model.decoder.decode(emissions.detach(), batch.mask)
    return loss.item(), found, decoded.where(batch.mask, torch.tensor(-1)).tolist()


def learning(model: TaggingModel) -> set[str]:
    return {name for name, parameter in model.named_parameters() if parameter.requires_grad}


def assert_packed_equals_padded(model: TaggingModel, vocabulary: int = 60) -> None:
    """In float64: what is equal on paper must not depend on how a processor rounds float32."""
    model.double()
    try:
        loss, gradients, tags = outcome(model, laid(False, vocabulary))
        packed_loss, packed_gradients, packed_tags = outcome(model, laid(True, vocabulary))
    finally:
        model.float()  # networks are shared; no weight has changed
    assert packed_loss == pytest.approx(loss, rel=1e-12)
    assert packed_tags == tags
    assert packed_gradients.keys() == gradients.keys() == learning(model)
    together = torch.cat([gradient.flatten() for gradient in gradients.values()]).norm()
    for name, gradient in gradients.items():
        # A key's bias has gradient zero but for rounding: it is measured by the whole.
        off = (packed_gradients[name] - gradient).norm() / torch.maximum(gradient.norm(), 1e-3 * together)
        assert gradient.dtype == torch.float64
        assert off < 1e-10, f"{name}: {off:.1e}"


@pytest.mark.parametrize("name", PACKING)
def test_packed_equals_padded(name: str) -> None:
    assert_packed_equals_padded(network(name))


@pytest.mark.parametrize("name", PACKAGED)
def test_packed_equals_padded_for_the_packaged_encoders(name: str) -> None:
    assert_packed_equals_padded(network(name), vocabulary=30_000)


@pytest.mark.parametrize(("decoder", "pooling"), [("crf", "mean"), ("crf", "last"), ("softmax", "first")])
def test_packed_equals_padded_whatever_reads_the_words(decoder: str, pooling: str) -> None:
    assert_packed_equals_padded(network("bert", decoder, pooling))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", ["bert", "roberta", "modernbert"])
def test_gradient_checkpointing_changes_no_gradient(name: str, packed: bool) -> None:
    loss, gradients, tags = outcome(network(name), laid(packed))
    again, checkpointed, same_tags = outcome(network(name, checkpointing=True), laid(packed))
    assert (again, same_tags) == (loss, tags)
    assert all(torch.equal(checkpointed[name], gradient) for name, gradient in gradients.items())


def test_packed_equals_padded_with_gradient_checkpointing() -> None:
    assert_packed_equals_padded(network("bert", checkpointing=True))


@pytest.mark.parametrize("name", NOT_PACKING)
def test_attention_of_its_own_falls_back_in_one_line_and_computes_padded(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    model, batch = network(name), laid(False)
    assert batch.attention_mask is not None
    assert not packing_matches(model.encoder, batch.input_ids, batch.attention_mask.long())
    assert len(caplog.records) == 1
    loss, gradients, _ = outcome(model, batch)
    assert torch.isfinite(torch.tensor(loss))
    assert gradients.keys() == learning(model)
    with pytest.raises(ValueError, match="cannot take packed rows"):
        model(laid(True))
