"""Which parameter learns at which rate."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ner_lightning.errors import UserError
from ner_lightning.optim.groups import group_table, parameter_groups
from tests.optim.tagger import adapted, tagger

RATES = {"encoder_lr": 1e-4, "head_lr": 1e-3, "crf_lr": 1e-2, "weight_decay": 0.01}


def names_by_group(model: nn.Module, **options: float) -> dict[str, list[str]]:
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    groups = parameter_groups(model, **(RATES | options))
    return {group["name"]: [names[id(parameter)] for parameter in group["params"]] for group in groups}


def test_every_parameter_is_in_its_group() -> None:
    assert names_by_group(tagger(n_layers=1)) == {
        "encoder": ["encoder.word_embeddings.weight", "encoder.layer.0.dense.weight"],
        "encoder_no_decay": [
            "encoder.layer.0.dense.bias",
            "encoder.layer.0.norm.weight",
            "encoder.layer.0.norm.bias",
            "encoder.final.weight",
        ],
        "head": ["projection.weight"],
        "head_no_decay": ["projection.bias"],
        "crf": ["decoder.start_transitions", "decoder.end_transitions", "decoder.transitions"],
    }


@pytest.mark.parametrize("layer_decay", [1.0, 0.5])
def test_every_trainable_parameter_once_and_no_frozen_one(layer_decay: float) -> None:
    model = tagger()
    model.encoder.word_embeddings.requires_grad_(False)
    model.encoder.layer[0].requires_grad_(False)
    grouped = [name for names in names_by_group(model, layer_decay=layer_decay).values() for name in names]
    assert sorted(grouped) == sorted(name for name, p in model.named_parameters() if p.requires_grad)


def test_rates_and_decay_of_each_group() -> None:
    groups = parameter_groups(tagger(), **RATES)
    assert {group["name"]: (group["lr"], group["weight_decay"]) for group in groups} == {
        "encoder": (1e-4, 0.01),
        "encoder_no_decay": (1e-4, 0.0),
        "head": (1e-3, 0.01),
        "head_no_decay": (1e-3, 0.0),
        "crf": (1e-2, 0.0),
    }


def test_transition_matrix_alone_has_no_decay() -> None:
    model = tagger(crf=False)
    model.decoder.register_parameter("transitions", nn.Parameter(torch.zeros(5, 5)))
    crf = parameter_groups(model, **RATES)[-1]
    assert (crf["name"], crf["weight_decay"]) == ("crf", 0.0)


def test_layer_decay_lowers_the_rate_towards_the_input() -> None:
    groups = parameter_groups(tagger(n_layers=3), **RATES, layer_decay=0.5)
    rates = {group["name"].removesuffix("_no_decay"): group["lr"] for group in groups}
    assert rates == pytest.approx(
        {
            "encoder.embeddings": 1e-4 / 8,
            "encoder.layer_0": 1e-4 / 4,
            "encoder.layer_1": 1e-4 / 2,
            "encoder.layer_2": 1e-4,
            "encoder": 1e-4,  # what stands after the layers
            "head": 1e-3,
            "crf": 1e-2,
        }
    )
    undecayed = {group["name"] for group in groups if group["weight_decay"] == 0}
    assert {"encoder.layer_0_no_decay", "encoder.layer_2_no_decay", "encoder_no_decay", "crf"} <= undecayed


def test_frozen_lower_layers_do_not_shift_the_rates() -> None:
    model = tagger(n_layers=3)
    model.encoder.layer[2].requires_grad_(False)
    rates = {g["name"]: g["lr"] for g in parameter_groups(model, **RATES, layer_decay=0.5)}
    assert rates["encoder.layer_1"] == pytest.approx(1e-4 / 2)


def test_adapters_have_a_rate_of_their_own_and_the_frozen_encoder_needs_none() -> None:
    groups = parameter_groups(adapted(), **RATES, adapter_lr=5e-3)
    rates = {group["name"]: (group["lr"], len(group["params"])) for group in groups}
    assert rates["adapter"] == (5e-3, 2)
    assert not any(name.startswith("encoder") for name in rates)
    lowered = {g["name"]: g["lr"] for g in parameter_groups(adapted(), **RATES, adapter_lr=5e-3, layer_decay=0.5)}
    assert lowered["adapter.layer_0"] == pytest.approx(2.5e-3)
    assert lowered["adapter.layer_1"] == pytest.approx(5e-3)


def test_layer_decay_without_layers_is_an_error() -> None:
    model = nn.ModuleDict({"encoder": nn.Linear(2, 2), "projection": nn.Linear(2, 2)})
    with pytest.raises(UserError, match=r"layer_decay=0.9 needs an encoder whose parameters are named"):
        parameter_groups(model, **RATES, layer_decay=0.9)


@pytest.mark.parametrize(
    ("part", "option"), [("encoder", "encoder_lr"), ("projection", "head_lr"), ("decoder", "crf_lr")]
)
def test_frozen_part_with_a_rate_is_an_error_and_without_is_none(part: str, option: str) -> None:
    model = tagger()
    getattr(model, part).requires_grad_(False)
    with pytest.raises(UserError, match=rf"optim.{option}=\S+ has nothing to train: all \d+ of its tensors are frozen"):
        parameter_groups(model, **RATES)
    groups = parameter_groups(model, **(RATES | {option: 0.0}))
    assert not any(group["name"].startswith(option.removesuffix("_lr")) for group in groups)


def test_model_of_other_names_is_an_error() -> None:
    with pytest.raises(UserError, match=r"optim.encoder_lr=0.0001 has nothing to train: the model has no parameter"):
        parameter_groups(nn.ModuleDict({"model": tagger()}), **RATES)


def test_softmax_has_no_crf_group_and_that_is_no_error() -> None:
    assert "crf" not in names_by_group(tagger(crf=False))


def test_tensor_shared_between_parts_is_an_error() -> None:
    model = tagger(n_layers=1)
    model.projection.weight = model.encoder.word_embeddings.weight
    with pytest.raises(UserError, match=r"encoder.word_embeddings.weight and projection.weight are one tensor"):
        parameter_groups(model, **RATES)


def test_tensor_shared_inside_a_part_is_there_once() -> None:
    model = tagger(n_layers=2)
    model.encoder.layer[1].dense.weight = model.encoder.layer[0].dense.weight
    assert names_by_group(model)["encoder"] == ["encoder.word_embeddings.weight", "encoder.layer.0.dense.weight"]


def test_group_table_counts_and_shows_peak_rates() -> None:
    optimizer = torch.optim.SGD(parameter_groups(tagger(n_layers=1), **RATES))
    torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.1)  # warming up
    rows = group_table(optimizer.param_groups)
    assert rows[0] == ("encoder", 2, 11 * 8 + 8 * 8, 1e-4, 0.01)
    assert rows[-1] == ("crf", 3, 5 + 5 + 25, 1e-2, 0.0)


def test_groups_of_an_optimiser_that_is_not_ours_have_numbers() -> None:
    optimizer = torch.optim.SGD([{"params": [torch.zeros(2, 3)]}, {"params": [torch.zeros(4)], "lr": 0.5}], lr=0.1)
    assert group_table(optimizer.param_groups) == [("group 0", 1, 6, 0.1, 0), ("group 1", 1, 4, 0.5, 0)]
    assert group_table([{"params": [], "lr": 0.1}])[0].weight_decay == 0.0


@pytest.mark.parametrize(
    ("kind", "undecayed_end"),
    [
        ("Bert", "LayerNorm.weight"),
        ("DistilBert", "output_layer_norm.weight"),
        ("ModernBert", "mlp_norm.weight"),
        ("DebertaV2", "LayerNorm.weight"),
    ],
)
def test_layers_and_norms_of_real_encoders(kind: str, undecayed_end: str) -> None:
    import transformers

    size = {"dim": 8, "n_layers": 2, "n_heads": 2, "hidden_dim": 8} if kind == "DistilBert" else {
        "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 8
    }  # fmt: skip
    config = getattr(transformers, f"{kind}Config")(vocab_size=20, pad_token_id=0, **size)
    model = nn.ModuleDict({"encoder": getattr(transformers, f"{kind}Model")(config), "projection": nn.Linear(8, 3)})
    groups = names_by_group(model, layer_decay=0.5)

    assert {"encoder.embeddings", "encoder.layer_0", "encoder.layer_1_no_decay"} <= set(groups)
    assert all("embeddings" in name for name in groups["encoder.embeddings"])
    undecayed = [name for group, names in groups.items() if group.endswith("_no_decay") for name in names]
    decayed = [name for group, names in groups.items() if not group.endswith("_no_decay") for name in names]
    assert any(name.endswith(undecayed_end) for name in undecayed)
    assert not any("norm" in name.lower() or name.endswith("bias") for name in decayed)
    assert any(name.endswith("weight") and ".layer" in name for name in decayed)
