"""The pretrained encoder: from subwords to one vector per subword, in padded rows or in one packed row."""

from __future__ import annotations

import json
import logging
import sys
from contextlib import nullcontext
from typing import Any, Literal, get_args

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ner_lightning.model.lora import LoRA
from ner_lightning.model.packed import attention as packed_attention
from ner_lightning.model.packed.attention import PackedRows, positions_in_rows
from ner_lightning.model.pretrained.weights import load_model, new_model

log = logging.getLogger(__name__)

Attention = Literal["sdpa", "eager", "flash_attention_2"]

SURELY_ROUNDING, NEVER_ROUNDING = 1e-5, 1e-3
"""Relative differences of float32 vectors: below the first they are rounding for sure, above the second never."""
ROUNDINGS = 4
"""Packed vectors may differ by this many times what another order of the same sums differs on this machine."""


class Encoder(nn.Module):
    """A transformer encoder of the BERT family in float32, without pooler, in training mode.

    Args:
        name: "package:minilm", "package:e5_multilingual", a local folder, or a hub name.
        revision: Branch, tag or commit of a hub name; None is its main branch.
        attention: "sdpa" (also packs), "eager" or "flash_attention_2".
            An encoder with attention of its own (DeBERTa) takes "eager" where sdpa is asked for.
        gradient_checkpointing: Compute activations again in the backward pass instead of keeping them.
        freeze_word_embeddings: Keep the word embeddings as they are: no gradient, no optimiser state.
        compile: Compile the network with torch.compile, for rows of any length: minutes in the first steps.
        lora: Freeze the encoder and train low-rank adapters in it; None trains the encoder itself.
        config: Result of `config_dict`; the architecture is then built with random weights, and nothing is looked up.

    Raises:
        EncoderUnavailable: Says in one sentence what can be done.
        ValueError: Another attention: transformers would fetch one of that name and run it.

    Attributes:
        hidden_size: Width of an output vector.
        max_subwords: Longest row, special subwords included.
        supports_packing: Whether `forward` takes packed rows; `packing_matches` tells whether it also gets them right.
    """

    def __init__(
        self,
        name: str,
        *,
        revision: str | None = None,
        attention: Attention = "sdpa",
        gradient_checkpointing: bool = False,
        freeze_word_embeddings: bool = False,
        compile: bool = False,
        lora: LoRA | None = None,
        config: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        if attention not in get_args(Attention):
            raise ValueError(f"expected attention of {', '.join(get_args(Attention))}, found {attention!r}")
        self.name = name
        self.model = new_model(config, attention) if config is not None else load_model(name, revision, attention)
        # from_pretrained returns eval mode and Lightning keeps the mode of each module: dropout would stay off.
        self.model.train()
        settings = self.model.config
        positions = _position_table(self.model)
        padding = None if positions is None else positions.padding_idx
        # RoBERTa and its kin count positions from padding_idx + 1 and have that many rows more.
        self._first_position = 0 if padding is None else padding + 1
        self.hidden_size: int = settings.hidden_size
        self.max_subwords: int = settings.max_position_embeddings - self._first_position
        self.supports_packing: bool = settings._attn_implementation == packed_attention.ATTENTION_NAME
        if gradient_checkpointing:
            settings.use_cache = False  # of use only to decoders, but transformers would warn about it
            # Early releases of transformers 5 know only the old name, later ones warn about it.
            old = self.model.gradient_checkpointing_enable
            getattr(self.model, "activation_checkpointing_enable", old)({"use_reentrant": False})
        if freeze_word_embeddings:
            self.model.get_input_embeddings().weight.requires_grad_(False)
        if lora is not None:
            lora.add_to(self.model)
        if compile:
            packed_attention.keep_out_of_graphs()
            self.model.compile(dynamic=True)

    def attention_in_use(self, *, packed: bool, half_on_gpu: bool = False) -> str:
        """Describe for people how attention is computed.

        Args:
            packed: Whether batches are packed.
            half_on_gpu: Whether that is on a GPU in half precision.
        """
        if not self.supports_packing:
            return self.model.config._attn_implementation
        if not packed:
            return "sdpa"
        grouped = "packed sdpa, sentences of equal length together"
        if not half_on_gpu or packed_attention.varlen_attn is None:
            return grouped
        return f"packed varlen; where attention weights are dropped, {grouped}"

    def config_dict(self) -> dict[str, Any]:
        """Return the architecture in plain containers, for a checkpoint; goes back in as `config`."""
        config = json.loads(self.model.config.to_json_string(use_diff=False))
        config.pop("_name_or_path", None)
        return config

    def forward(
        self,
        input_ids: Int[Tensor, "rows subwords"],
        attention_mask: Int[Tensor, "rows subwords"] | None = None,
        *,
        position_ids: Int[Tensor, "rows subwords"] | None = None,
        row_lengths: tuple[int, ...] | None = None,
    ) -> Float[Tensor, "rows subwords hidden"]:
        """Encode subwords, padded (`attention_mask`) or packed (`row_lengths`).

        Args:
            input_ids: Padded: a sentence a row, filled up on the right. Packed: one row of all sentences.
            attention_mask: Padded: 1 at real subwords; None means all are real. Packed: None.
            position_ids: Position of each subword in its own sentence, from 0. None: counted here.
            row_lengths: Packed: subwords of each sentence, on the host; they add up to the length of the row.

        Raises:
            ValueError: A sentence longer than `max_subwords`, lengths that do not add up, an encoder that cannot pack.
        """
        longest = input_ids.shape[1] if row_lengths is None else max(row_lengths, default=0)
        if longest > self.max_subwords:
            raise ValueError(
                f"expected rows of at most {self.max_subwords} subwords for {self.name}, found {longest}: "
                "read long sentences in windows"
            )
        if row_lengths is not None:
            return self._forward_packed(input_ids, position_ids, row_lengths)
        if attention_mask is None:
            attention_mask = torch.ones_like(input_ids)
        if position_ids is None and self._first_position:
            # By itself the model would not count the padding id, and a "<pad>" in the text would shift the rest.
            position_ids = torch.arange(input_ids.shape[1], device=input_ids.device).expand_as(input_ids)
        if position_ids is not None:
            position_ids = position_ids + self._first_position
        return self.model(
            input_ids=input_ids, attention_mask=attention_mask, position_ids=position_ids
        ).last_hidden_state

    def _forward_packed(
        self, input_ids: Tensor, position_ids: Tensor | None, row_lengths: tuple[int, ...]
    ) -> Float[Tensor, "rows subwords hidden"]:
        if not self.supports_packing:
            raise ValueError(
                f"{self.name} cannot take packed rows with attention={self.model.config._attn_implementation}: "
                "use attention=sdpa, or data.batching=length_bucket"
            )
        if input_ids.shape != (1, sum(row_lengths)):
            raise ValueError(
                f"expected input_ids of shape (1, {sum(row_lengths)}), the sum of row_lengths, "
                f"found {tuple(input_ids.shape)}"
            )
        if position_ids is None:
            position_ids = positions_in_rows(row_lengths).to(input_ids.device)
        rows = PackedRows(row_lengths, input_ids.device)
        hidden = self.model(
            input_ids=rows.sort(input_ids),
            attention_mask=None,
            position_ids=rows.sort(position_ids) + self._first_position,
            packing=rows,
        ).last_hidden_state
        return rows.restore(hidden)


def packing_matches(
    encoder: Encoder, input_ids: Int[Tensor, "rows subwords"], attention_mask: Int[Tensor, "rows subwords"]
) -> bool:
    """Tell whether packing and padding give the encoder the same vectors for a batch; if not, log one line.

    Both are computed without dropout and in full precision. Checking the first batch of a run is enough.

    Args:
        encoder: Any encoder; its training mode is left as it was.
        input_ids: A padded batch.
        attention_mask: 1 at its real subwords.
    """
    why = "its attention has no seam for it"
    if encoder.supports_packing:
        why = _packing_difference(encoder, input_ids, attention_mask.bool())
    if why:
        log.warning(
            "%s does not take packed batches (%s): batches are sorted by length and padded instead", encoder.name, why
        )
    return not why


@torch.no_grad()
def _packing_difference(encoder: Encoder, input_ids: Tensor, real: Bool[Tensor, "rows subwords"]) -> str:
    modes = {module: module.training for module in encoder.modules()}
    encoder.eval()
    try:
        with torch.autocast(input_ids.device.type, enabled=False), _uncompiled():
            padded = encoder(input_ids, real.long())[real]
            packed = encoder(input_ids[real][None], row_lengths=tuple(real.sum(1).tolist()))[0]
            difference = _relative_difference(padded, packed)
            if difference <= SURELY_ROUNDING or difference <= _rounding(encoder, input_ids, real, padded):
                return ""
    except (TypeError, ValueError, RuntimeError) as error:
        return f"{type(error).__name__}: {error}".split("\n")[0]
    finally:
        for module, training in modes.items():
            module.training = training
    return f"its vectors differ by {difference:.1g} from the padded ones"


def _rounding(encoder: Encoder, input_ids: Tensor, real: Tensor, padded: Tensor) -> float:
    """Measure how much the same vectors differ if computed in another order: each row by itself, unpadded."""
    alone = [encoder(row[words][None])[0] for row, words in zip(input_ids, real, strict=True)]
    return min(ROUNDINGS * _relative_difference(padded, torch.cat(alone)), NEVER_ROUNDING)


def _relative_difference(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().max() / one.abs().max().clamp(min=1e-12))


def _uncompiled() -> Any:
    """Run compiled modules as they were written, if the compiler is loaded at all."""
    return torch.compiler.set_stance("force_eager") if "torch._dynamo" in sys.modules else nullcontext()


def _position_table(model: nn.Module) -> nn.Embedding | None:
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding):
            return module
    return None
