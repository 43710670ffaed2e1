"""Tiny random encoders of every architecture we name, as plain configurations."""

from __future__ import annotations

from typing import Any

_BERT: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "vocab_size": 60,
    "max_position_embeddings": 40,
}
_ROBERTA = {"pad_token_id": 1, "max_position_embeddings": 42}

PACKING: dict[str, dict[str, Any]] = {
    "bert": _BERT,
    "roberta": _BERT | _ROBERTA,
    "xlm-roberta": _BERT | _ROBERTA,
    "electra": _BERT | {"embedding_size": 16},
    "distilbert": {
        "dim": 32,
        "n_layers": 2,
        "n_heads": 4,
        "hidden_dim": 64,
        "vocab_size": 60,
        "max_position_embeddings": 40,
    },
    # local_attention=8: rows longer than five subwords do not see themselves whole in the local layers
    "modernbert": _BERT
    | {"num_hidden_layers": 4, "local_attention": 8, "pad_token_id": 0}
    | dict.fromkeys(["bos_token_id", "cls_token_id"], 1)
    | dict.fromkeys(["eos_token_id", "sep_token_id"], 2),
}
NOT_PACKING: dict[str, dict[str, Any]] = {
    "deberta-v2": _BERT | {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_biased_input": False},
}


def tiny_config(architecture: str) -> dict[str, Any]:
    return {"model_type": architecture, **(PACKING | NOT_PACKING)[architecture]}
