"""Convert a tokenizer to plain containers and back, so that a checkpoint needs no other file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ner_lightning.errors import UserError, first_line

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


ROLES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
"""Special tokens that a tokenizer can have; no other argument is passed to it by name."""


def tokenizer_state(tokenizer: PreTrainedTokenizerFast) -> dict[str, Any]:
    """Return all of a fast tokenizer: vocabulary, rules, special tokens, marks of words in split input.

    Args:
        tokenizer: Result of `load_tokenizer`.

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
    """Rebuild the tokenizer of a `tokenizer_state`; it gives the same subwords, and reads no file.

    Raises:
        UserError: the rules cannot be read.
    """
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    try:
        rules = Tokenizer.from_str(state["rules"])
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic of the library is no Exception
        raise UserError(f"damaged: the rules of its tokenizer cannot be read ({first_line(error)})") from None
    special = {role: str(token) for role, token in state["special"].items() if role in ROLES}
    return PreTrainedTokenizerFast(
        tokenizer_object=rules,
        model_max_length=int(state["model_max_length"]),
        padding_side=str(state["padding_side"]),
        **special,
    )


def check_vocabulary(tokenizer: PreTrainedTokenizerFast, encoder: Any, where: str) -> None:
    """Refuse a tokenizer with more subwords than its encoder has embeddings.

    Raises:
        UserError: names the file.
    """
    embeddings = getattr(getattr(encoder, "model", None), "get_input_embeddings", lambda: None)()
    known, subwords = getattr(embeddings, "num_embeddings", None), len(tokenizer)
    if known is not None and subwords > known:
        raise UserError(f"{where}: damaged: a tokenizer of {subwords:,} subwords for {known:,} embeddings")
