"""How an encoder sees words, without its weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from ner_lightning.data.corpus.encoding import WordEncoder


def load_words(node: Mapping[str, Any], units: Literal["words", "characters"]) -> WordEncoder:
    """Load the tokenizer of an encoder and the length of its rows.

    The length is that of the architecture, built with shapes but no memory; weights are not read.

    Args:
        node: `model.encoder` of a configuration.
        units: what a word is.

    Raises:
        EncoderUnavailable: says in one sentence what can be done.
    """
    import torch
    from transformers import AutoConfig

    from ner_lightning.data.corpus.encoding import WordEncoder
    from ner_lightning.model.encoder import Encoder
    from ner_lightning.model.pretrained.hub import load_from
    from ner_lightning.model.pretrained.names import load_tokenizer, resolve

    tokenizer = load_tokenizer(node["name"], node.get("revision"), units)
    source = resolve(node["name"])

    def load(local_files_only: bool) -> Any:
        return AutoConfig.from_pretrained(
            source, revision=node.get("revision") or "main", local_files_only=local_files_only, trust_remote_code=False
        )

    config = load_from(source, load, "encoder").to_dict()
    with torch.device("meta"):
        encoder = Encoder(node["name"], attention="eager", config=config)
    return WordEncoder(tokenizer, encoder.max_subwords)
