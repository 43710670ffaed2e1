"""The network: from subwords to word vectors to emissions, with a decoder on top."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from jaxtyping import Float
from torch import Tensor, nn

from ner_lightning.functional.pooling import Pooling, pool_words
from ner_lightning.model.float32 import Float32Linear

if TYPE_CHECKING:
    from ner_lightning.model.decoder.decoder import Decoder
    from ner_lightning.model.encoder import Encoder


class SubwordBatch(Protocol):
    """The parts of a batch that the model reads."""

    input_ids: Tensor
    attention_mask: Tensor | None
    position_ids: Tensor | None
    row_lengths: tuple[int, ...]
    first_subword: Tensor
    subword_count: Tensor


class TaggingModel(nn.Module):
    """The network that computes the emissions of every word, and the decoder that reads them.

    Args:
        encoder: subwords to hidden vectors.
        decoder: emissions to a loss and to tags; it knows the number of tags.
        pooling: which subwords represent a word: `first`, `last` or `mean`.
        dropout: share of each word vector set to zero in training.
    """

    decoder: Decoder

    def __init__(self, encoder: Encoder, decoder: Decoder, *, pooling: Pooling = "first", dropout: float = 0.1) -> None:
        super().__init__()
        if pooling not in ("first", "last", "mean"):
            raise ValueError(f"model.pooling must be first, last or mean, not {pooling!r}")
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.projection = Float32Linear(encoder.hidden_size, decoder.n_tags)
        self.decoder = decoder
        self.pooling: Pooling = pooling

    def forward(self, batch: SubwordBatch) -> Float[Tensor, "batch words tags"]:
        """Compute emissions in float32; meaningless in the padding."""
        hidden = self.encoder(
            batch.input_ids,
            batch.attention_mask,
            position_ids=batch.position_ids,
            row_lengths=batch.row_lengths if batch.position_ids is not None else None,
        )
        flat = hidden.reshape(-1, hidden.shape[-1])
        words = pool_words(flat, batch.first_subword, batch.subword_count, self.pooling)
        return self.projection(self.dropout(words))
