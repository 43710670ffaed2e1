"""Build the transformers model behind an encoder, with its weights or from its configuration alone."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from ner_lightning.model.packed import attention as packed_attention
from ner_lightning.model.pretrained.hub import load_from
from ner_lightning.model.pretrained.names import EncoderUnavailable, resolve


def new_model(config: dict[str, Any], attention: str) -> Any:
    """Build a transformers model from `Encoder.config_dict()`, in float32, with random weights."""
    from transformers import AutoConfig, AutoModel

    settings = AutoConfig.for_model(**config)
    return AutoModel.from_config(
        settings, dtype=torch.float32, trust_remote_code=False, **_arguments(settings, attention)
    )


def load_model(name: str, revision: str | None, attention: str) -> Any:
    """Load a transformers model with its pretrained weights, in float32 and eval mode.

    Raises:
        EncoderUnavailable: Not found, not readable, or the weights do not belong to the architecture.
    """
    source = resolve(name)
    return load_from(source, lambda local_files_only: _read(source, revision, attention, local_files_only), "encoder")


def _read(source: str, revision: str | None, attention: str, local_files_only: bool) -> Any:
    from transformers import AutoConfig, AutoModel

    where: dict[str, Any] = {
        "revision": revision or "main",
        "local_files_only": local_files_only,
        "trust_remote_code": False,
    }
    settings = AutoConfig.from_pretrained(source, **where)
    with _quiet():
        model, report = AutoModel.from_pretrained(
            source,
            config=settings,
            dtype=torch.float32,
            output_loading_info=True,
            **where,
            **_arguments(settings, attention),
        )
    if report["missing_keys"]:
        # transformers fills them with random numbers and carries on.
        missing = sorted(report["missing_keys"])
        raise EncoderUnavailable(
            f"the weights of {source} lack {len(missing)} parameters of a {type(model).__name__} ({missing[0]}, …): "
            "give model.encoder.name a folder whose config.json belongs to its weights"
        )
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the progress bar and the table of heads we leave out; missing weights we report ourselves."""
    from transformers.utils import logging

    verbosity, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bar:
            logging.enable_progress_bar()


def _arguments(settings: Any, attention: str) -> dict[str, Any]:
    """Choose an attention that the architecture supports, and leave out its pooler if it has one."""
    from transformers.models.auto.modeling_auto import MODEL_MAPPING

    if type(settings) not in MODEL_MAPPING:
        raise EncoderUnavailable(f"transformers has no encoder for model type {settings.model_type!r}")
    architecture: Any = MODEL_MAPPING[type(settings)]
    arguments: dict[str, Any] = {}
    if "add_pooling_layer" in inspect.signature(architecture.__init__).parameters:
        arguments["add_pooling_layer"] = False
    if attention == "sdpa":
        if architecture._supports_attention_backend:
            attention = packed_attention.register_attention()
        elif not architecture._supports_sdpa:
            attention = "eager"
    return arguments | {"attn_implementation": attention}
