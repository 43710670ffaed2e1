"""The softmax decoder: each word by itself, the baseline that a CRF has to beat."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor

from ner_lightning.functional.crf.backend import full_precision, wide
from ner_lightning.functional.crf.chain import check_mask, check_numbers
from ner_lightning.functional.crf.paths import check_tags
from ner_lightning.functional.crf.span_probability import entity_tags, independent_span_probability
from ner_lightning.functional.crf.viterbi import viterbi_decode
from ner_lightning.model.decoder.decoder import Decoder
from ner_lightning.tagging.tagset import TagSet

Constrain = Literal["decode", "none"]


class Softmax(Decoder):
    """Independent tags: p(y | x) = prod_t softmax(e_t)[y_t]. No parameters.

    Args:
        tags: the tag set: how many tags, and which moves its scheme allows.
        constrain: `decode` finds the best legal sequence, `none` takes each word's best tag. With either, probabilities
            are those of the words; conditioned on a legal sequence they were worse calibrated (docs/results.md).

    Raises:
        ValueError: an unknown option.
    """

    def __init__(self, tags: TagSet, *, constrain: Constrain = "none") -> None:
        super().__init__(tags, constrain=constrain)
        if constrain not in get_args(Constrain):
            raise ValueError(f"expected constrain of {', '.join(get_args(Constrain))}, got {constrain!r}")
        self.entity_tags = entity_tags(tags, properly=constrain == "decode")

    def loss(
        self,
        emissions: Float[Tensor, "batch words tags"],
        tags: Int[Tensor, "batch words"],
        mask: Bool[Tensor, "batch words"],
        allowed: Bool[Tensor, "batch words tags"] | None = None,
    ) -> Float[Tensor, batch]:
        """Sum the words' cross entropies of each sentence in nats, float32 at least.

        Args:
            emissions: score of each tag for each word; anything at padding.
            tags: the gold id of each word, anything at padding; not read if `allowed` is given.
            mask: True for each word, right-padded.
            allowed: for partial labels, the tags each word may have; their probabilities add up.

        Raises:
            ValueError: a mask with holes, ids outside the tag set (seen on the CPU).
        """
        log_p = self._log_softmax(emissions, mask)
        if allowed is None:
            check_tags(tags, mask, self.n_tags)
            here = log_p.gather(2, torch.where(mask, tags.long(), 0)[..., None]).squeeze(2)
        else:
            some = torch.where(mask[..., None], allowed, True)
            here = torch.logsumexp(log_p.masked_fill(~some, -torch.inf), dim=2)
        return -torch.where(mask, here, 0.0).sum(1)

    @torch.no_grad()
    def decode(
        self, emissions: Float[Tensor, "batch words tags"], mask: Bool[Tensor, "batch words"]
    ) -> Int[Tensor, "batch words"]:
        """Find the best tags of each sentence, padded with 0; with constraints, the best legal sequence."""
        check_numbers(emissions, mask)
        if self.constrain == "none":
            check_mask(mask)
            return emissions.masked_fill(~mask[..., None], 0.0).argmax(2).masked_fill(~mask, 0)
        nothing = torch.zeros(self.n_tags, self.n_tags, device=emissions.device)
        log_p = self._log_softmax(emissions, mask)
        return viterbi_decode(log_p, mask, nothing[0], nothing[0], nothing, legal=self.legal_moves("decode")).tags

    @torch.no_grad()
    def marginals(
        self, emissions: Float[Tensor, "batch words tags"], mask: Bool[Tensor, "batch words"]
    ) -> Float[Tensor, "batch words tags"]:
        """Compute P(y_t = k given x): the softmax of each word; zeros at padding."""
        return self._log_softmax(emissions, mask).exp().masked_fill(~mask[..., None], 0.0)

    @torch.no_grad()
    def span_probability(
        self,
        emissions: Float[Tensor, "batch words tags"],
        mask: Bool[Tensor, "batch words"],
        entities: Int[Tensor, "entities four"],
    ) -> Float64[Tensor, entities]:
        """Compute the probability that tags drawn independently for each word read as the entity.

        With `constrain="decode"` they must write it as the scheme demands; the rest of the sequence need not be legal.

        Args:
            emissions: score of each tag for each word.
            mask: True for each word, right-padded.
            entities: rows of sentence, first word, word after the last, and the type's index in the tag set.
        """
        return independent_span_probability(self._log_softmax(emissions, mask), mask, entities, self.entity_tags)

    def _log_softmax(self, emissions: Tensor, mask: Tensor) -> Tensor:
        check_mask(mask)
        with full_precision(emissions):
            scores = emissions.to(wide(emissions.dtype))
            return scores.masked_fill(~mask[..., None], 0.0).log_softmax(2)
