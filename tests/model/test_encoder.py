from __future__ import annotations

import functools
import json
import logging
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn
from torch._dynamo.testing import CompileCounterWithBackend

from ner_lightning.model.encoder import Encoder, packing_matches
from ner_lightning.model.packed import attention as packed_attention
from ner_lightning.model.packed.attention import positions_in_rows
from tests.oracle.still import without_dropout
from tests.oracle.tiny_encoders import NOT_PACKING, PACKING, tiny_config

LENGTHS = (20, 3, 7, 3, 12, 1)


def tiny(architecture: str = "bert", **options: object) -> Encoder:
    torch.manual_seed(0)
    return Encoder(architecture, config=tiny_config(architecture), **options)  # type: ignore[arg-type]


def padded_batch(lengths: tuple[int, ...] = LENGTHS, vocabulary: int = 60) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    mask = torch.arange(max(lengths))[None, :] < torch.tensor(lengths)[:, None]
    ids = torch.randint(5, vocabulary, mask.shape, generator=generator)
    return ids.where(mask, torch.tensor(1)), mask.long()


def gradients(encoder: Encoder, outputs: Callable[[], Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Outputs, loss, and all gradients in one vector, of a loss that weighs every value differently."""
    encoder.zero_grad()
    vectors = outputs()
    weights = torch.randn(vectors.shape, generator=torch.Generator().manual_seed(2))
    loss = (vectors * weights).sum() / len(vectors)
    loss.backward()
    return (
        vectors.detach(),
        loss.detach(),
        torch.cat([p.grad.flatten() for p in encoder.parameters() if p.grad is not None]),
    )


def assert_packed_equals_padded(encoder: Encoder, ids: Tensor, mask: Tensor) -> None:
    """In float64: what is equal on paper must not depend on how a processor rounds float32."""
    encoder.double()
    real = mask.bool()
    lengths = tuple(real.sum(1).tolist())
    padded = gradients(encoder, lambda: encoder(ids, mask)[real])
    packed = gradients(
        encoder, lambda: encoder(ids[real][None], position_ids=positions_in_rows(lengths), row_lengths=lengths)[0]
    )
    for what, expected, found in zip(("outputs", "loss", "gradients"), padded, packed, strict=True):
        relative = float((expected - found).norm() / expected.norm())
        assert relative < 1e-12, f"{what} differ by {relative:.1e}"


@pytest.mark.parametrize("architecture", PACKING)
def test_packed_rows_give_the_outputs_loss_and_gradients_of_padded_rows(architecture: str) -> None:
    assert_packed_equals_padded(without_dropout(tiny(architecture)), *padded_batch())


@pytest.mark.parametrize("name", ["package:minilm", "package:e5_multilingual"])
def test_packaged_encoders_pack_exactly(name: str) -> None:
    encoder = without_dropout(Encoder(name, freeze_word_embeddings=True))
    assert encoder.max_subwords == 512
    assert encoder.hidden_size == 384
    assert_packed_equals_padded(encoder, *padded_batch(vocabulary=30_000))


@pytest.mark.parametrize("checkpointing", [False, True])
def test_gradient_checkpointing_changes_nothing_but_memory(checkpointing: bool) -> None:
    encoder = without_dropout(tiny(gradient_checkpointing=checkpointing))
    assert encoder.model.encoder.layer[0].gradient_checkpointing is checkpointing
    assert_packed_equals_padded(encoder, *padded_batch())


@pytest.mark.parametrize("architecture", ["roberta", "xlm-roberta"])
def test_positions_after_the_padding_index_are_added_by_the_encoder(architecture: str) -> None:
    encoder = tiny(architecture).eval()
    assert encoder.max_subwords == 40  # of 42
    ids, mask = padded_batch((40, 2))
    with torch.inference_mode():
        own = encoder.model(input_ids=ids, attention_mask=mask).last_hidden_state
        assert torch.allclose(encoder(ids, mask)[mask.bool()], own[mask.bool()], atol=1e-6)


def test_a_padding_token_in_the_text_does_not_shift_positions() -> None:
    encoder = tiny("roberta").eval()
    ids, mask = padded_batch()
    ids[0, 4] = 1
    assert packing_matches(encoder, ids, mask)


@pytest.mark.parametrize("architecture", PACKING)
def test_the_probe_accepts_what_packs_and_keeps_the_mode(architecture: str) -> None:
    encoder = tiny(architecture)
    encoder.model.get_input_embeddings().eval()
    before = {name: module.training for name, module in encoder.named_modules()}
    assert encoder.supports_packing
    assert packing_matches(encoder, *padded_batch())
    assert before == {name: module.training for name, module in encoder.named_modules()}


def inexact(encoder: Encoder, packed: float, padded: float, monkeypatch: pytest.MonkeyPatch) -> Encoder:
    """The encoder with an error of its own: relative to the largest value, in packed rows and in padded batches."""
    forward = type(encoder).forward

    def coarse(self: Encoder, input_ids: Tensor, *words: Tensor, **options: object) -> Tensor:
        exact = forward(self, input_ids, *words, **options)  # type: ignore[arg-type]
        error = packed if "row_lengths" in options else padded if len(input_ids) > 1 else 0.0
        return exact + error * exact.abs().max()

    monkeypatch.setattr(type(encoder), "forward", coarse)
    return encoder


@pytest.mark.parametrize(
    ("packed", "padded", "matches"),
    [
        (5e-5, 0.0, False),  # a bug that is small: all other orders agree
        (5e-5, 2e-5, True),  # a processor that rounds so
        (5e-3, 1e-2, False),  # none rounds so
    ],
)
def test_what_counts_as_rounding_is_measured(
    packed: float, padded: float, matches: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = inexact(tiny(), packed, padded, monkeypatch)
    assert packing_matches(encoder, *padded_batch()) is matches


@pytest.mark.parametrize("architecture", NOT_PACKING)
def test_an_encoder_with_attention_of_its_own_falls_back_in_one_line(
    architecture: str, caplog: pytest.LogCaptureFixture
) -> None:
    encoder = tiny(architecture)
    assert not encoder.supports_packing
    with caplog.at_level(logging.WARNING):
        assert not packing_matches(encoder, *padded_batch())
    assert len(caplog.records) == 1
    assert "does not take packed batches" in caplog.text
    assert "\n" not in caplog.records[0].getMessage()
    with pytest.raises(ValueError, match=r"data\.batching=length_bucket"):
        encoder(torch.ones(1, 5, dtype=torch.long), row_lengths=(2, 3))
    ids, mask = padded_batch()
    assert encoder(ids, mask).shape == (6, 20, 32)


def test_the_probe_rejects_an_encoder_whose_sentences_see_each_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    encoder = tiny()
    whole = encoder._forward_packed
    monkeypatch.setattr(encoder, "_forward_packed", lambda ids, places, lengths: whole(ids, places, (sum(lengths),)))
    ids, mask = padded_batch((5, 3))
    assert not packing_matches(encoder, ids, mask)
    assert "differ by" in caplog.text


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> Iterator[CompileCounterWithBackend]:
    """Counts the graphs that are compiled; they run uncompiled."""
    torch._dynamo.reset()
    counter = CompileCounterWithBackend("eager")
    monkeypatch.setattr(nn.Module, "compile", functools.partialmethod(nn.Module.compile, backend=counter))
    yield counter
    torch._dynamo.reset()


def test_a_compiled_encoder_gives_the_same_and_is_not_compiled_anew_for_each_packed_row(
    graphs: CompileCounterWithBackend,
) -> None:
    compiled, plain = tiny(compile=True).eval(), tiny().eval()
    seen = []
    for lengths in ((5, 3, 7, 3), (4, 4, 9), (12, 1), (2, 3, 4, 5, 6), (7,), LENGTHS):
        ids, mask = padded_batch(lengths)
        ids = ids[mask.bool()][None]
        expected, found = plain(ids, row_lengths=lengths), compiled(ids, row_lengths=lengths)
        assert torch.allclose(expected, found, atol=1e-6)
        found.sum().backward()
        seen.append(graphs.frame_count)
    assert seen[0] > 0
    assert seen == [seen[0]] * len(seen)
    assert all(parameter.grad is not None for parameter in compiled.parameters())
    assert list(compiled.state_dict()) == list(plain.state_dict())


def test_a_compiled_encoder_takes_padded_rows_of_any_size(graphs: CompileCounterWithBackend) -> None:
    compiled, plain = tiny(compile=True).eval(), tiny().eval()
    seen = []
    for lengths in ((5, 3, 7), (4, 9), (12, 2), (2, 3, 4, 5, 6), LENGTHS):
        ids, mask = padded_batch(lengths)
        assert torch.allclose(plain(ids, mask), compiled(ids, mask), atol=1e-6)
        seen.append(graphs.frame_count)
    assert 0 < seen[0] == seen[-1]


def test_the_probe_does_not_wait_for_the_compiler(graphs: CompileCounterWithBackend) -> None:
    assert packing_matches(tiny(compile=True), *padded_batch())
    assert graphs.frame_count == 0


def test_dropout_is_at_work_in_training_and_silent_in_evaluation() -> None:
    encoder = Encoder("package:minilm")
    ids, mask = padded_batch()
    real = mask.bool()
    packed = {"row_lengths": tuple(real.sum(1).tolist())}
    assert encoder.training
    assert all(module.training for module in encoder.modules())
    assert not torch.equal(encoder(ids, mask), encoder(ids, mask))
    assert not torch.equal(encoder(ids[real][None], **packed), encoder(ids[real][None], **packed))
    encoder.eval()
    assert torch.equal(encoder(ids[real][None], **packed), encoder(ids[real][None], **packed))


def test_attention_weights_are_dropped_in_packed_rows_too() -> None:
    encoder = tiny()
    for module in encoder.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    encoder.model.encoder.layer[0].attention.self.dropout.p = 0.5
    ids, mask = padded_batch()
    packed = ids[mask.bool()][None]
    assert not torch.equal(encoder(packed, row_lengths=LENGTHS), encoder(packed, row_lengths=LENGTHS))


def test_weights_are_float32_and_there_is_no_pooler() -> None:
    encoder = Encoder("package:minilm")
    assert {parameter.dtype for parameter in encoder.parameters()} == {torch.float32}
    assert not any("pooler" in name for name, _ in encoder.named_parameters())


def test_every_parameter_gets_a_gradient() -> None:
    # Else DistributedDataParallel waits for one that never comes.
    encoder = tiny()
    encoder(*padded_batch()).sum().backward()
    assert [name for name, parameter in encoder.named_parameters() if parameter.grad is None] == []


def test_frozen_word_embeddings_keep_their_values_and_get_no_gradient() -> None:
    frozen = tiny(freeze_word_embeddings=True)
    frozen(*padded_batch()).sum().backward()
    without = [name for name, parameter in frozen.named_parameters() if parameter.grad is None]
    assert without == ["model.embeddings.word_embeddings.weight"]


@pytest.mark.parametrize("architecture", [*PACKING, *NOT_PACKING])
def test_an_encoder_is_rebuilt_from_its_configuration_alone(architecture: str) -> None:
    encoder = tiny(architecture).eval()
    config = json.loads(json.dumps(encoder.config_dict()))
    assert config == encoder.config_dict()  # plain containers only
    rebuilt = Encoder("no/such-encoder", config=config)
    assert rebuilt.training
    rebuilt.load_state_dict(encoder.state_dict())
    ids, mask = padded_batch()
    assert torch.equal(rebuilt.eval()(ids, mask), encoder(ids, mask))


def test_a_missing_mask_means_that_all_is_real() -> None:
    encoder = tiny().eval()
    ids, mask = padded_batch((6, 6))
    assert torch.equal(encoder(ids), encoder(ids, mask))


def test_the_attention_in_use_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = tiny()
    assert encoder.attention_in_use(packed=False) == "sdpa"
    assert encoder.attention_in_use(packed=True) == "packed sdpa, sentences of equal length together"
    monkeypatch.setattr(packed_attention, "varlen_attn", lambda *_: None)
    assert encoder.attention_in_use(packed=True, half_on_gpu=True).startswith("packed varlen")
    assert encoder.attention_in_use(packed=True) == "packed sdpa, sentences of equal length together"
    assert tiny(attention="eager").attention_in_use(packed=False) == "eager"
    assert tiny("deberta-v2").attention_in_use(packed=False) == "eager"


def test_eager_attention_agrees_with_sdpa() -> None:
    ids, mask = padded_batch()
    eager, sdpa = tiny(attention="eager").double().eval(), tiny().double().eval()
    assert not eager.supports_packing
    assert torch.allclose(eager(ids, mask)[mask.bool()], sdpa(ids, mask)[mask.bool()], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("ids", "lengths", "message"),
    [
        (torch.ones(1, 41, dtype=torch.long), None, "at most 40 subwords for bert, found 41"),
        (torch.ones(1, 44, dtype=torch.long), (3, 41), "at most 40 subwords for bert, found 41"),
        (torch.ones(1, 5, dtype=torch.long), (2, 2), r"shape \(1, 4\).*found \(1, 5\)"),
        (torch.ones(2, 5, dtype=torch.long), (5, 5), r"shape \(1, 10\).*found \(2, 5\)"),
    ],
)
def test_impossible_rows_are_refused(ids: Tensor, lengths: tuple[int, ...] | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tiny()(ids, row_lengths=lengths)
