"""A tokenizer as plain containers and back, so that a checkpoint needs nothing beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


def tokenizer_state(tokenizer: PreTrainedTokenizerFast) -> dict[str, Any]:
    """Everything a fast tokenizer is: vocabulary, rules, special tokens, and how words are marked in split input.

    Args:
        tokenizer: As `load_tokenizer` gave it.

    Returns:
        A dict of strings and numbers.
    """
    return {
        "rules": tokenizer.backend_tokenizer.to_str(),
        "special": {role: str(token) for role, token in tokenizer.special_tokens_map.items() if isinstance(token, str)},
        "model_max_length": int(tokenizer.model_max_length),
        "padding_side": str(tokenizer.padding_side),
    }


def tokenizer_from_state(state: dict[str, Any]) -> PreTrainedTokenizerFast:
    """The tokenizer behind `tokenizer_state`; it gives the same subwords, from no file."""
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(state["rules"]),
        model_max_length=state["model_max_length"],
        padding_side=state["padding_side"],
        **state["special"],
    )
