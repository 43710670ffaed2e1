"""Check the sizes that a checkpoint claims against its tensors, before anything is allocated."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ner_lightning.errors import UserError, first_line

LAYERS = re.compile(r"(?!.*_size$).*(layer|block|expert|stage|depth|group)")
FEW = 64  # layers that any network may have
LARGEST = 1 << 24  # limit of any other whole number
SMALL = 1 << 24  # elements of tables that a network computes itself, such as positions

# Keys of a transformers configuration that fetch code or other weights, or that are set here.
FETCHING = ("auto_map", "quantization_config", "custom_pipelines")
CHOSEN_HERE = ("attn_implementation", "num_labels", "dtype", "torch_dtype")


def check_tensors(value: Any, file_size: int, where: str) -> None:
    """Refuse tensors that claim more than the file holds, by strides of zero or missing storages.

    Args:
        value: of `torch.load`, whatever is in it.
        file_size: bytes of the file.
        where: the file, for the message.
    """
    storages: dict[int, int] = {}
    for tensor in _tensors(value, where):
        if tensor.layout is not torch.strided or tensor.device.type != "cpu" or tensor.is_quantized:
            raise UserError(f"{where}: damaged or malicious: a tensor without numbers of its own")
        storage = tensor.untyped_storage()
        if tensor.numel() * tensor.element_size() > storage.nbytes():
            raise UserError(f"{where}: damaged or malicious: a tensor {list(tensor.shape)} larger than its numbers")
        storages[storage.data_ptr()] = storage.nbytes()
    if sum(storages.values()) > file_size:
        raise UserError(f"{where}: damaged or malicious: its tensors are larger than the file")


def checked_architecture(config: Any, state: Mapping[str, Tensor], where: str) -> dict[str, Any]:
    """Check the numbers of an encoder's configuration, and drop the keys that are set here.

    Args:
        config: the result of `Encoder.config_dict`, if the file is honest.
        state: the tensors of the file.
        where: the file, for the message.

    Raises:
        UserError: more layers than tensors, parts of other models, or keys that would fetch code or weights.
    """
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise UserError(f"{where}: damaged: it does not say what its encoder is")
    kept = {str(k): v for k, v in config.items() if k not in CHOSEN_HERE and not str(k).startswith("_")}
    for key, value in kept.items():
        is_model = isinstance(value, dict) and "model_type" in value
        if value and (key in FETCHING or "backbone" in key or is_model):
            raise UserError(f"{where}: its encoder has {key}, which would fetch or build more than an encoder")
        for number in _numbers(value):
            limit = max(len(state), FEW) if LAYERS.match(key) else LARGEST
            if abs(number) > limit:
                raise UserError(
                    f"{where}: damaged or malicious: its encoder's {key}={number} is more than its "
                    f"{len(state)} tensors can be"
                )
    return kept


def check_tag_count(n_tags: int, state: Mapping[str, Tensor], where: str) -> None:
    """Refuse more tags than any tensor has room for."""
    if all(n_tags not in tensor.shape for tensor in state.values()):
        raise UserError(f"{where}: damaged or malicious: it names {n_tags:,} tags, and none of its tensors has so many")


def check_fit(build: Callable[[], nn.Module], state: Mapping[str, Tensor], where: str) -> None:
    """Build a network with shapes but no memory, and compare it with the tensors of the file.

    Args:
        build: makes the network.
        state: the tensors, named as in the network.
        where: the file, for the message.

    Raises:
        UserError: a parameter has another shape, or is not in the file.
    """
    with torch.device("meta"):
        network = build()
    expected = network.state_dict()
    for name, tensor in expected.items():
        found = state.get(name)
        if found is not None and found.shape != tensor.shape:
            raise UserError(
                f"{where}: damaged or malicious: its configuration makes {name} {list(tensor.shape)}, "
                f"the file holds {list(found.shape)}"
            )
        if found is None and tensor.numel() > SMALL:
            raise UserError(f"{where}: damaged: it lacks {name}")
    computed = sum(buffer.numel() for name, buffer in network.named_buffers() if name not in expected)
    if computed > SMALL:
        raise UserError(f"{where}: malicious: its configuration makes tables of {computed:,} numbers")


def load_state(network: nn.Module, state: Mapping[str, Tensor], where: str) -> None:
    """Load tensors into a network; if they do not belong to it, the error is one sentence."""
    try:
        network.load_state_dict(dict(state))
    except RuntimeError as error:
        told = str(error).splitlines()
        raise UserError(
            f"{where}: damaged: {first_line(ValueError(' '.join(told[1:2]) or told[0])).strip(' :.')}"
        ) from None


def _tensors(value: Any, where: str) -> Iterator[Tensor]:
    stack, seen = [(value, 0)], 0
    while stack:
        item, depth = stack.pop()
        seen += 1
        if seen > 2_000_000 or depth > 60:
            raise UserError(f"{where}: damaged or malicious: nested without an end")
        if isinstance(item, Tensor):
            yield item
        elif isinstance(item, Mapping):
            stack += [(part, depth + 1) for part in item.values()]
        elif isinstance(item, list | tuple | set):
            stack += [(part, depth + 1) for part in item]


def _numbers(value: Any) -> Iterator[int]:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else [value]
    for item in items:
        if isinstance(item, dict | list | tuple):
            yield from _numbers(item)
        elif isinstance(item, int) and not isinstance(item, bool):
            yield item
