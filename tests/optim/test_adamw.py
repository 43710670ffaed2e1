"""The optimiser that a configuration describes."""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from ner_lightning.errors import UserError
from ner_lightning.optim.adamw import AdamW
from tests.optim.tagger import Tagger, adapted, batch, tagger

CONF = Path(__file__).parents[2] / "conf" / "optim" / "adamw.yaml"


def train(model: Tagger, recipe: AdamW, steps: int = 3) -> tuple[torch.optim.AdamW, Any]:
    optimizer, scheduler = recipe.build(model, total_steps=10)
    for _ in range(steps):
        optimizer.zero_grad()
        model.loss(*batch()).backward()
        optimizer.step()
        scheduler.step()
    return optimizer, scheduler


def weights(model: torch.nn.Module) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def trained(**options: Any) -> torch.Tensor:
    model = tagger()
    train(model, AdamW(**options))
    return weights(model)


def test_crf_is_in_the_optimizer_and_moves() -> None:
    model = tagger()
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    optimizer, _ = train(model, AdamW(), steps=1)
    held = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    assert held == {id(parameter) for parameter in model.parameters()}
    for name, parameter in model.named_parameters():
        assert not torch.equal(parameter, before[name]), name


def test_crf_moves_at_its_own_rate() -> None:
    """The first step of Adam moves each parameter by its rate, in the direction of the gradient."""
    model = tagger()
    before = model.decoder.transitions.detach().clone()
    train(model, AdamW(crf_lr=0.03, schedule="constant", warmup=0), steps=1)
    assert (model.decoder.transitions - before).abs().max().item() == pytest.approx(0.03, rel=1e-3)


def test_transitions_do_not_decay() -> None:
    model = tagger()
    optimizer, _ = AdamW(weight_decay=0.5, schedule="constant", warmup=0).build(model, 10)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)  # no gradient: only decay can move anything
    optimizer.step()
    moved = {name for name, parameter in model.named_parameters() if not torch.equal(parameter, before[name])}
    assert moved == {
        "encoder.word_embeddings.weight",
        *(f"encoder.layer.{n}.dense.weight" for n in range(3)),
        "projection.weight",
    }


OTHER_VALUES = {
    "encoder_lr": 3e-4,
    "head_lr": 3e-3,
    "crf_lr": 3e-2,
    "weight_decay": 0.5,
    "layer_decay": 0.5,
    "betas": (0.5, 0.99),
    "eps": 1e-2,
    "schedule": "cosine",
    "warmup": 5,
    "fused": False,
}


@pytest.mark.parametrize("option", [field.name for field in dataclasses.fields(AdamW)])
def test_every_option_is_read(option: str) -> None:
    if option == "fused":  # the same result by other means
        assert [AdamW(fused=f).build(tagger(), 10)[0].defaults["fused"] for f in ("auto", True, False)] == [1, 1, 0]
        return
    if option == "adapter_lr":
        groups = AdamW(adapter_lr=0.25).build(adapted(), 10)[0].param_groups
        assert [group["initial_lr"] for group in groups if group["name"] == "adapter"] == [0.25]
        return
    base = {"warmup": 0}
    assert not torch.allclose(trained(**base), trained(**base | {option: OTHER_VALUES[option]}), rtol=0, atol=1e-7)


def test_fused_equals_plain() -> None:
    torch.testing.assert_close(trained(fused=True), trained(fused=False), rtol=0, atol=1e-6)


def test_auto_is_plain_on_other_devices() -> None:
    assert AdamW().build(tagger().to("meta"), 10)[0].defaults["fused"] is False


def test_state_survives_a_file_of_plain_containers(tmp_path: Path) -> None:
    model = tagger()
    optimizer, scheduler = train(model, AdamW(), steps=3)
    states = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()}
    torch.save(states, tmp_path / "states.pt")

    loaded = torch.load(tmp_path / "states.pt", weights_only=True)
    resumed = tagger()
    resumed.load_state_dict(loaded["model"])
    optimizer2, scheduler2 = AdamW().build(resumed, total_steps=10)
    optimizer2.load_state_dict(loaded["optimizer"])
    scheduler2.load_state_dict(loaded["scheduler"])
    for m, o, s in ((model, optimizer, scheduler), (resumed, optimizer2, scheduler2)):
        o.zero_grad()
        m.loss(*batch()).backward()
        o.step()
        s.step()
    assert torch.equal(weights(model), weights(resumed))
    assert scheduler.get_last_lr() == scheduler2.get_last_lr()
    assert [group["name"] for group in loaded["optimizer"]["param_groups"]][-1] == "crf"


def test_resumed_longer_run_follows_its_new_length() -> None:
    _, short = train(tagger(), AdamW(warmup=0), steps=5)
    _, longer = AdamW(warmup=0).build(tagger(), total_steps=100)
    longer.load_state_dict(short.state_dict())
    longer.step()
    assert longer.get_last_lr()[0] == pytest.approx(1e-4 * 94 / 100)


class Module(pl.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.model = tagger()

    def training_step(self, *_: Any) -> torch.Tensor:
        return self.model.loss(*batch())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return AdamW(fused=True).build(self.model, 10)[0]


@pytest.mark.filterwarnings("ignore")
def test_fused_goes_with_clipping_in_mixed_precision(tmp_path: Path) -> None:
    trainer = pl.Trainer(
        accelerator="cpu", precision="bf16-mixed", gradient_clip_val=1.0, max_steps=1, logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False, default_root_dir=tmp_path,
    )  # fmt: skip
    trainer.fit(Module(), torch.utils.data.DataLoader([0]))
    assert trainer.global_step == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoder_lr": -1.0}, r"optim.encoder_lr to be a number from 0 on, found -1.0"),
        ({"layer_decay": 0.0}, r"optim.layer_decay to be a factor above 0"),
        ({"schedule": "polynomial"}, r"optim.schedule to be one of linear, cosine, constant, found 'polynomial'"),
        ({"warmup": 1.5}, r"optim.warmup to be a share in \[0, 1\) or a whole number of steps, found 1.5"),
        ({"fused": "yes"}, r"optim.fused to be auto, true or false"),
        ({"betas": (0.9,)}, r"optim.betas to be two numbers"),
    ],
)
def test_option_out_of_range(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        AdamW(**options)


@pytest.mark.parametrize("total", [0, -1, float("inf")])
def test_unknown_length_of_the_run(total: float) -> None:
    with pytest.raises(UserError, match=r"needs the number of optimiser steps.*trainer.max_steps"):
        AdamW().build(tagger(), total)


def test_yaml_holds_the_defaults_and_builds() -> None:
    node = OmegaConf.load(CONF)
    assert next(iter(node)) == "_target_"
    recipe = instantiate(node)
    options = OmegaConf.to_container(node)
    assert options.pop("_target_") == "ner_lightning.optim.adamw.AdamW"
    defaults = {name: parameter.default for name, parameter in inspect.signature(AdamW).parameters.items()}
    assert options == defaults | {"betas": list(defaults["betas"])}
    optimizer, _ = recipe.build(tagger(), 10)
    assert optimizer.param_groups[0]["betas"] == (0.9, 0.999)
