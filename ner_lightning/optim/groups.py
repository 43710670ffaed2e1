"""Parameter groups: the encoder, its adapters, the head and the CRF each learn at their own rate."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from torch import nn

from ner_lightning.errors import UserError

_LAYER = re.compile(r"\.layers?\.(\d+)\.")
_NORMS = (nn.LayerNorm, nn.RMSNorm, nn.GroupNorm)


class OptimizerError(UserError, ValueError):
    """The optimiser's options do not fit each other or the model."""


class GroupRow(NamedTuple):
    """A row of the table shown before training."""

    name: str
    tensors: int
    parameters: int
    lr: float
    weight_decay: float


def parameter_groups(
    model: nn.Module,
    *,
    encoder_lr: float,
    head_lr: float,
    crf_lr: float,
    weight_decay: float,
    adapter_lr: float = 1e-3,
    layer_decay: float = 1.0,
) -> list[dict[str, Any]]:
    """Put every trainable parameter of a tagger into exactly one group.

    The name of a parameter tells its group: `encoder.` is the encoder, `decoder.` the CRF, everything else the head;
    within the encoder, `.lora_` is an adapter.
    The CRF's scores have no weight decay, nor have one-dimensional parameters (biases, gains) and those of
    normalisation modules, which go to groups named `…_no_decay`. With a layer decay below 1, layer n of N (from 0) has
    the rate encoder_lr · layer_decay^(N-1-n), the embeddings encoder_lr · layer_decay^N, and what stands after the
    layers encoder_lr; its adapters accordingly. Frozen parameters are in no group. A softmax decoder has no parameters,
    and then there is no group `crf`.

    Args:
        model: A module with children `encoder`, `decoder` and others.
        encoder_lr: Peak rate of the encoder, per step.
        head_lr: Peak rate of everything that is neither encoder nor decoder.
        crf_lr: Peak rate of the decoder's parameters.
        weight_decay: Decoupled weight decay, relative to the rate.
        adapter_lr: Peak rate of the encoder's adapters.
        layer_decay: Factor from one encoder layer to the next below, in (0, 1].

    Returns:
        Plain dicts for an optimiser: `params`, `name`, `lr`, `weight_decay`.

    Raises:
        OptimizerError: A part with a rate above 0 has nothing to train; a tensor is shared between groups; layer decay
            is asked of an encoder without numbered layers.

    Example:
        >>> model = nn.ModuleDict({"encoder": nn.Linear(4, 4), "projection": nn.Linear(4, 3), "decoder": nn.Identity()})
        >>> groups = parameter_groups(model, encoder_lr=1e-4, head_lr=1e-3, crf_lr=1e-2, weight_decay=0.01)
        >>> [(group["name"], group["lr"], group["weight_decay"]) for group in groups[:2]]
        [('encoder', 0.0001, 0.01), ('encoder_no_decay', 0.0001, 0.0)]

    Reference:
        K. Clark et al. ELECTRA. ICLR 2020 (layer-wise decay).
    """
    rates = {"encoder": encoder_lr, "adapter": adapter_lr, "head": head_lr, "crf": crf_lr}
    _reject_empty_parts(model, rates)
    n_layers = _count_layers(model)
    if layer_decay != 1 and not n_layers:
        raise OptimizerError(
            f"optim.layer_decay={layer_decay} needs an encoder whose parameters are named …layer.N.… or …layers.N.…, "
            "and this one has no such layers; set optim.layer_decay=1"
        )
    homes = _homes(model, n_layers if layer_decay != 1 else None)
    groups: dict[str, dict[str, Any]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        home = homes[name]
        rate = rates[home.part] * layer_decay**home.depth
        decay = weight_decay if home.decays else 0.0
        group = groups.setdefault(home.group, {"name": home.group, "params": [], "lr": rate, "weight_decay": decay})
        group["params"].append(parameter)
    return list(groups.values())


def group_table(groups: Sequence[Mapping[str, Any]]) -> list[GroupRow]:
    """Summarise parameter groups for display.

    Args:
        groups: Groups of `parameter_groups`, or an optimiser's `param_groups` at any step of a schedule.

    Returns:
        One row a group; `lr` is the peak rate, also while a schedule has it lowered. A group without a name
        (of an optimiser that is not ours) is called by its number.

    Example:
        >>> import torch
        >>> group_table([{"name": "crf", "params": [torch.zeros(3, 3)], "lr": 0.01, "weight_decay": 0.0}])
        [GroupRow(name='crf', tensors=1, parameters=9, lr=0.01, weight_decay=0.0)]
    """
    return [
        GroupRow(
            str(group.get("name", f"group {number}")),
            len(group["params"]),
            sum(parameter.numel() for parameter in group["params"]),
            group.get("initial_lr", group["lr"]),
            group.get("weight_decay", 0.0),
        )
        for number, group in enumerate(groups)
    ]


class _Home(NamedTuple):
    """The group of a parameter and how it is trained there."""

    group: str
    part: str
    depth: int  # by how many factors of layer decay its rate is lowered
    decays: bool


def _homes(model: nn.Module, n_layers: int | None) -> dict[str, _Home]:
    """Assign each parameter its home, by name; `n_layers` is None without layer decay."""
    undecayed = set(_undecayed_names(model))
    homes: dict[str, _Home] = {}
    seen: dict[int, str] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        part = _part_of(name)
        place, depth = (part, 0)
        if n_layers is not None and part in ("encoder", "adapter"):
            place, depth = _place_of(name, part, n_layers)
        decays = part != "crf" and name not in undecayed
        homes[name] = _Home(place if decays or part == "crf" else f"{place}_no_decay", part, depth, decays)
        first = seen.setdefault(id(parameter), name)
        if parameter.requires_grad and homes[first].group != homes[name].group:
            raise OptimizerError(
                f"{first} and {name} are one tensor but belong to the groups {homes[first].group} and "
                f"{homes[name].group}; freeze it or untie it"
            )
    return homes


def _part_of(name: str) -> str:
    """Name the part of a parameter: `encoder`, `adapter`, `crf` or `head`."""
    part = {"encoder": "encoder", "decoder": "crf"}.get(name.partition(".")[0], "head")
    return "adapter" if part == "encoder" and ".lora_" in name else part


def _reject_empty_parts(model: nn.Module, rates: Mapping[str, float]) -> None:
    """Refuse a rate for a part that has nothing to learn."""
    trainable: dict[str, list[bool]] = {"encoder": [], "head": [], "crf": []}
    for name, parameter in model.named_parameters():
        # An encoder with adapters is frozen on purpose: they are what it learns.
        trainable[_part_of(name).replace("adapter", "encoder")].append(parameter.requires_grad)
    for part, flags in trainable.items():
        if any(flags) or rates[part] == 0 or (part == "crf" and not flags):
            continue
        found = f"all {len(flags)} of its tensors are frozen" if flags else "the model has no parameter of that part"
        raise OptimizerError(
            f"optim.{part}_lr={rates[part]} has nothing to train: {found}; "
            f"unfreeze some, or say optim.{part}_lr=0 if that is meant"
        )


def _count_layers(model: nn.Module) -> int:
    """Count the layers of the encoder, frozen ones included."""
    names = [name for name, _ in model.named_parameters() if _part_of(name) == "encoder"]
    return max((int(match[1]) + 1 for match in map(_LAYER.search, names) if match), default=0)


def _place_of(name: str, part: str, n_layers: int) -> tuple[str, int]:
    """Find the group of an encoder parameter under layer-wise decay, and how many factors lower its rate is."""
    if match := _LAYER.search(name):
        return f"{part}.layer_{match[1]}", n_layers - 1 - int(match[1])
    if "embed" in name:
        return f"{part}.embeddings", n_layers
    return part, 0


def _undecayed_names(model: nn.Module) -> Iterator[str]:
    """Yield biases, gains and all of normalisation modules, also of models' own classes named `…Norm`."""
    for module_name, module in model.named_modules(remove_duplicate=False):
        is_norm = isinstance(module, _NORMS) or type(module).__name__.endswith("Norm")
        for name, parameter in module.named_parameters(recurse=False):
            if is_norm or parameter.ndim < 2:
                yield f"{module_name}.{name}" if module_name else name
