from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ner_lightning.errors import UserError
from ner_lightning.inference.tagger import Tagger
from ner_lightning.model.encoder import Encoder, packing_matches
from ner_lightning.model.lora import LoRA
from ner_lightning.training.checkpoint import load
from tests.oracle.tiny_encoders import NOT_PACKING, PACKING, tiny_config
from tests.runs import trained

LENGTHS = (20, 3, 7, 3, 12, 1)


def adapted(architecture: str, **options: Any) -> Encoder:
    torch.manual_seed(0)
    return Encoder(architecture, config=tiny_config(architecture), lora=LoRA(**options))


def plain(architecture: str) -> Encoder:
    torch.manual_seed(0)
    return Encoder(architecture, config=tiny_config(architecture))


def batch() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    mask = torch.arange(20)[None, :] < torch.tensor(LENGTHS)[:, None]
    return torch.randint(5, 60, mask.shape, generator=generator).where(mask, torch.tensor(1)), mask.long()


def disturb(encoder: Encoder) -> None:
    """Give the adapters something to say: B begins at zero."""
    for name, parameter in encoder.named_parameters():
        if ".lora_B." in name:
            nn.init.normal_(parameter, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("architecture", [*PACKING, *NOT_PACKING])
def test_every_linear_layer_of_every_architecture_gets_an_adapter_and_nothing_else_learns(architecture: str) -> None:
    encoder = adapted(architecture, rank=2)
    learning = [name for name, parameter in encoder.named_parameters() if parameter.requires_grad]
    assert learning
    assert all(".lora_" in name for name in learning)
    n_layers = len({name.partition(".lora_")[0] for name in learning})
    in_layers = [
        name
        for name, module in plain(architecture).model.named_modules()
        if isinstance(module, nn.Linear) and "layer" in name and name != "embeddings_project"
    ]
    assert n_layers == len(in_layers)
    encoder(*batch()).sum().backward()
    assert [name for name, p in encoder.named_parameters() if p.requires_grad and p.grad is None] == []


@pytest.mark.parametrize("architecture", [*PACKING, *NOT_PACKING])
def test_untrained_adapters_change_nothing_and_others_do(architecture: str) -> None:
    encoder, without = adapted(architecture).eval(), plain(architecture).eval()
    ids, mask = batch()
    with torch.inference_mode():
        assert torch.equal(encoder(ids, mask), without(ids, mask))
        disturb(encoder)
        assert not torch.allclose(encoder(ids, mask), without(ids, mask), atol=1e-2)


@pytest.mark.parametrize("architecture", PACKING)
def test_an_encoder_with_adapters_packs_exactly(architecture: str) -> None:
    encoder = adapted(architecture)
    disturb(encoder)
    assert packing_matches(encoder, *batch())


@pytest.mark.parametrize("name", ["package:minilm", "package:e5_multilingual"])
def test_packaged_encoders_take_adapters(name: str) -> None:
    encoder = Encoder(name, lora=LoRA(), freeze_word_embeddings=True)
    disturb(encoder)
    assert packing_matches(encoder, *batch())
    learning = sum(p.numel() for p in encoder.parameters() if p.requires_grad)
    assert 0 < learning < 0.03 * sum(p.numel() for p in encoder.parameters())


def test_the_correction_is_a_product_scaled_by_alpha_over_rank() -> None:
    encoder, without = adapted("bert", rank=2, alpha=6.0).eval(), plain("bert")
    disturb(encoder)
    layer: Any = encoder.model.encoder.layer[0].attention.self.query
    x = torch.randn(5, 32, generator=torch.Generator().manual_seed(4))
    a, b = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    expected = without.model.encoder.layer[0].attention.self.query(x) + 6.0 / 2 * x @ a.T @ b.T
    assert torch.allclose(layer(x), expected, atol=1e-5)


def test_only_the_layers_named_get_adapters() -> None:
    encoder = adapted("bert", targets=["query", "attention.output.dense"])
    found = {
        name.partition(".lora_")[0].partition(".layer.")[2]
        for name, _ in encoder.named_parameters()
        if ".lora_" in name
    }
    assert found == {f"{n}.attention.{part}" for n in range(2) for part in ("self.query", "output.dense")}


def test_gradient_checkpointing_and_adapters_go_together() -> None:
    gradients = []
    for checkpointing in (False, True):
        torch.manual_seed(0)
        config = tiny_config("bert") | {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
        encoder = Encoder("bert", config=config, lora=LoRA(), gradient_checkpointing=checkpointing)
        disturb(encoder)
        encoder(*batch()).square().sum().backward()
        gradients.append(torch.cat([p.grad.flatten() for p in encoder.parameters() if p.grad is not None]))
    assert torch.allclose(*gradients, rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rank": 0}, r"model\.encoder\.lora\.rank to be a whole number from 1 on, found 0"),
        ({"alpha": 0.0}, r"lora\.alpha to be a number above 0, found 0\.0"),
        ({"dropout": 1.0}, r"lora\.dropout to be a share in \[0, 1\), found 1\.0"),
        ({"targets": "all"}, r"lora\.targets to be auto, or a list of names, found 'all'"),
        ({"targets": []}, r"lora\.targets to be auto, or a list of names, found \[\]"),
        ({"targets": ["q_lin"]}, r"found 'q_lin'; their names end in dense, key, query, value"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        adapted("bert", **options)


def test_an_encoder_without_numbered_layers_wants_names() -> None:
    with pytest.raises(UserError, match=r"targets=auto finds no numbered layers in a Linear"):
        LoRA().add_to(nn.Linear(2, 2))


def test_without_peft_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(UserError, match=r"pip install 'ner-lightning\[lora\]'"):
        adapted("bert")


def test_a_run_with_adapters_is_rebuilt_from_its_checkpoint(tmp_path: Path, tiny_encoder: Path) -> None:
    trained(tmp_path, tiny_encoder, "+experiment=[crf,lora]", "model.encoder.lora.rank=3", "optim.adapter_lr=0.1")
    loaded = load(tmp_path / "run")
    state = loaded.task.model.encoder.state_dict()
    a = [value for name, value in state.items() if ".lora_A." in name]
    b = [value for name, value in state.items() if ".lora_B." in name]
    assert len(a) == len(b) == 12
    assert {len(value) for value in a} == {3}
    assert all(value.any() for value in b)  # they have learned
    original = Encoder(str(tiny_encoder)).state_dict()
    kept = {name.replace(".base_layer", ""): value for name, value in state.items() if ".lora_" not in name}
    assert all(torch.equal(kept[name], value) for name, value in original.items())
    assert len(Tagger(loaded).tag_texts(["Ann lives in Oslo.", "x"])) == 2
