"""The contract of a decoder; the rest of the package knows only this class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Literal, NamedTuple

import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor, nn

from ner_lightning.functional.crf.chain import closed_moves
from ner_lightning.tagging.tagset import TagSet

Constrain = Literal["both", "decode", "none"]


class Movement(NamedTuple):
    """The distance of one parameter from where it began: mean and largest absolute difference, in nats."""

    mean: float
    largest: float


class Decoder(nn.Module, ABC):
    """Turns emissions into a loss, tags, and probabilities of entities.

    Derive from it, pass `tags` on to it, and write the three abstract methods. The other arguments of the constructor
    are the keys of the node `model.decoder`. These rules hold for every decoder:

    - **Shapes.** Emissions are `[batch, words, tags]`, masks `[batch, words]` and True for each word, right-padded.
      What emissions and tags hold in the padding means nothing and must not matter, not even as NaN.
    - **Precision.** Emissions are float32 (float64 in a model of that) whatever `trainer.precision` says. Autocast may
      be on around a call: `functional.crf.backend.full_precision` switches it off for sums of exponentials.
    - **Constraints.** `legal_moves` says which moves from tag to tag are possible, in the loss and in decoding.
    - **Probabilities** are float64 between 0 and 1 and carry no gradient.
    - **Parameters** learn at `optim.crf_lr` without weight decay, whole on every process; a decoder may have none.
    - **Checkpoints** hold parameters and persistent buffers. Everything else is made again from the node's keys and the
      tags: a buffer that these decide is registered with `persistent=False`. A decoder is built once without memory (on
      torch's `meta` device) to compare shapes: its constructor reads no number out of a tensor.
    - **Compiling.** `model.encoder.compile` leaves the decoder alone. It is deep-copied by averaging and by profiling.

    Args:
        tags: the tag set: how many tags, and which moves its scheme allows.
        constrain: where moves that the scheme forbids are impossible: `both` in the loss and in decoding, `decode` only
            there, `none`.
    """

    allowed_moves: Bool[Tensor, "closed closed"]

    def __init__(self, tags: TagSet, *, constrain: Constrain = "none") -> None:
        super().__init__()
        self.n_tags = len(tags)
        self.constrain: Constrain = constrain
        parts = (tags.allowed_start, tags.allowed_end, tags.allowed_transitions)
        self.register_buffer("allowed_moves", closed_moves(*map(torch.tensor, parts)), persistent=False)

    @abstractmethod
    def loss(
        self,
        emissions: Float[Tensor, "batch words tags"],
        tags: Int[Tensor, "batch words"],
        mask: Bool[Tensor, "batch words"],
        allowed: Bool[Tensor, "batch words tags"] | None = None,
    ) -> Float[Tensor, batch]:
        """Return the quantity to minimise, one value per sentence, at least float32; every step calls it, so no search.

        Args:
            emissions: score of each tag for each word.
            tags: the gold id of each word; not read if `allowed` is given.
            mask: True for each word.
            allowed: where words are not annotated, the tags each word may have.
        """

    @abstractmethod
    def decode(
        self, emissions: Float[Tensor, "batch words tags"], mask: Bool[Tensor, "batch words"]
    ) -> Int[Tensor, "batch words"]:
        """Return the tags of each sentence, padded with 0."""

    @abstractmethod
    def span_probability(
        self,
        emissions: Float[Tensor, "batch words tags"],
        mask: Bool[Tensor, "batch words"],
        entities: Int[Tensor, "entities four"],
    ) -> Float64[Tensor, entities]:
        """Return the probability that each entity stands there, with exactly these ends and this type.

        Args:
            emissions: score of each tag for each word.
            mask: True for each word.
            entities: rows of sentence, first word, word after the last, and the type's index in the tag set.
        """

    def legal_moves(self, where: Literal["loss", "decode"]) -> Bool[Tensor, "closed closed"] | None:
        """Return the moves that are possible in the loss, or in decoding and probabilities; None: all are.

        The last row is the start of a sentence, the last column its end.
        """
        return self.allowed_moves if self.constrain in ("both", where) else None

    @property
    def wants_counts(self) -> bool:
        """Tell whether to call `initialise_from_counts` before training; counting reads the training data once."""
        return False

    def initialise_from_counts(
        self, start: Float[Tensor, tags], transitions: Float[Tensor, "tags tags"], end: Float[Tensor, tags]
    ) -> None:
        """Set parameters from the training data: how often sentences begin, continue and end with each tag."""
        raise NotImplementedError(f"{type(self).__name__} wants counts and does not say what to do with them")

    def moves(self) -> Float[Tensor, "closed closed"] | None:
        """Return the scores of moves for the picture of a run, laid out as `legal_moves`; None: no picture."""
        return None

    def movement(self) -> Mapping[str, Movement]:
        """Return how far each parameter has moved; if `transitions` has not, the run warns after its fit."""
        return {}
