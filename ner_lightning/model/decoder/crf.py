"""The CRF decoder: only parameters and buffers; the mathematics is in ner_lightning.functional."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor, nn

from ner_lightning.functional.crf.backend import Backend, full_precision, wide
from ner_lightning.functional.crf.chain import Chain, closed_chain, closed_moves
from ner_lightning.functional.crf.loss import nll, partial_nll
from ner_lightning.functional.crf.marginals import entropy, marginals, path_probability
from ner_lightning.functional.crf.n_best import NBest, n_best
from ner_lightning.functional.crf.sampling import sample
from ner_lightning.functional.crf.span_probability import entity_tags, span_probability
from ner_lightning.functional.crf.viterbi import BestPath, viterbi_decode
from ner_lightning.model.decoder.decoder import Constrain, Decoder, Movement
from ner_lightning.tagging.tagset import TagSet

Init = Literal["uniform", "bigrams"]


class CRF(Decoder):
    """Linear-chain CRF over the tags of a tag set (Lafferty, McCallum, Pereira, 2001).

    Names, shapes and conventions of the parameters are those of pytorch-crf: its state dict loads here, and ours loads
    there with `strict=False`, as it also holds the initial values that `movement` needs.

    Args:
        tags: the tag set: how many tags, and which moves its scheme allows.
        constrain: where illegal moves are impossible: `both` in the loss and in decoding, `decode` only there, `none`.
        backend: `auto` (compiled on the CPU, torch elsewhere), `torch`, `numba`, or `reference`, pytorch-crf itself.
        init: `uniform` in ±0.1, as in pytorch-crf, or `bigrams`: the same until `initialise_from_counts` is called.

    Raises:
        ValueError: an unknown option, or `backend="reference"` with `constrain="both"`.
    """

    initial_moves: Float[Tensor, "closed closed"]

    def __init__(
        self, tags: TagSet, *, constrain: Constrain = "both", backend: Backend = "auto", init: Init = "uniform"
    ) -> None:
        super().__init__(tags, constrain=constrain)
        for name, value, known in (
            ("constrain", constrain, Constrain),
            ("backend", backend, Backend),
            ("init", init, Init),
        ):
            if value not in get_args(known):
                raise ValueError(f"expected {name} of {', '.join(get_args(known))}, got {value!r}")
        if backend == "reference" and constrain == "both":
            raise ValueError(
                "expected constrain='decode' or 'none' with backend='reference', got 'both': pytorch-crf's gradient is "
                "NaN where a score is minus infinity; choose another of the two"
            )
        self.backend: Backend = backend
        self.init: Init = init
        n, self.entity_tags = self.n_tags, entity_tags(tags)
        self.start_transitions = nn.Parameter(torch.empty(n))
        self.end_transitions = nn.Parameter(torch.empty(n))
        self.transitions = nn.Parameter(torch.empty(n, n))
        # In the state dict, so that a resumed run still knows where it began.
        self.register_buffer("initial_moves", torch.empty(n + 1, n + 1))
        self.register_load_state_dict_pre_hook(_accept_pytorch_crf)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters from a uniform distribution over ±0.1, as pytorch-crf does."""
        for parameter in (self.start_transitions, self.end_transitions, self.transitions):
            nn.init.uniform_(parameter, -0.1, 0.1)
        self._remember()

    @torch.no_grad()
    def initialise_from_counts(
        self,
        start: Float[Tensor, tags],
        transitions: Float[Tensor, "tags tags"],
        end: Float[Tensor, tags],
        smoothing: float = 1.0,
    ) -> None:
        """Set the parameters to log-probabilities of the moves in the training data.

        start[k] = log P(first tag k), transitions[i, j] = log P(j | i), end[i] = log P(stop | i), from counts plus
        `smoothing`. With constraints, forbidden moves are not counted, and keep a finite score that is never read.

        Args:
            start: how many sentences begin with each tag.
            transitions: how often tag j follows tag i at [i, j].
            end: how many sentences end with each tag.
            smoothing: added to each count; above 0, because a move never seen is not impossible.

        Raises:
            ValueError: counts of another shape, or smoothing that is not positive.
        """
        shapes = tuple(tuple(part.shape) for part in (start, transitions, end))
        if shapes != ((self.n_tags,), (self.n_tags, self.n_tags), (self.n_tags,)):
            raise ValueError(f"expected counts for {self.n_tags} tags, got shapes {shapes}")
        if smoothing <= 0:
            raise ValueError(f"expected smoothing above 0, got {smoothing}; a move never seen would become impossible")
        first, follow, stop = (part.to(self.transitions).double() + smoothing for part in (start, transitions, end))
        legal = self.legal_moves("loss")
        if legal is None:
            legal = torch.ones_like(self.allowed_moves)
        leave = (follow * legal[:-1, :-1]).sum(1) + stop * legal[:-1, -1]
        self.start_transitions.copy_((first / (first * legal[-1, :-1]).sum()).log())
        self.transitions.copy_((follow / leave[:, None]).log())
        self.end_transitions.copy_((stop / leave).log())
        self._remember()

    @property
    def wants_counts(self) -> bool:
        """Whether the transitions begin as the training data's bigrams."""
        return self.init == "bigrams"

    def moves(self) -> Float[Tensor, "closed closed"]:
        """Return the scores of all moves, including those from the start and to the end."""
        return closed_moves(*self._scores())

    def movement(self) -> dict[str, Movement]:
        """Measure how far each parameter moved from its initial value, over the moves that the loss allows.

        If transitions stay where they began, their learning rate is too small, and the CRF does nothing.
        """
        distance = (self.moves().detach().double() - self.initial_moves.double()).abs()
        legal = self.legal_moves("loss")
        legal = torch.ones_like(self.allowed_moves) if legal is None else legal
        moved = {
            "start_transitions": distance[-1, :-1][legal[-1, :-1]],
            "end_transitions": distance[:-1, -1][legal[:-1, -1]],
            "transitions": distance[:-1, :-1][legal[:-1, :-1]],
        }
        return {name: Movement(part.mean().item(), part.max().item()) for name, part in moved.items()}

    def loss(
        self,
        emissions: Float[Tensor, "batch words tags"],
        tags: Int[Tensor, "batch words"],
        mask: Bool[Tensor, "batch words"],
        allowed: Bool[Tensor, "batch words tags"] | None = None,
    ) -> Float[Tensor, batch]:
        """Compute the negative log-likelihood of each sentence in nats, float32 at least; no Viterbi here.

        Args:
            emissions: score of each tag for each word; anything at padding.
            tags: the gold id of each word, anything at padding; not read if `allowed` is given.
            mask: True for each word, right-padded.
            allowed: for partial labels, the tags each word may have; the loss is then that of all such sequences.

        Raises:
            ValueError: see `ner_lightning.functional.crf.loss.nll` and `partial_nll`.
        """
        scores, legal = self._scores(), self.legal_moves("loss")
        if allowed is None:
            value = nll(emissions, tags, mask, *scores, legal=legal, backend=self.backend)
        else:
            value = partial_nll(emissions, allowed, mask, *scores, legal=legal, backend=self.backend)
        return value.to(wide(emissions.dtype))

    def decode(
        self, emissions: Float[Tensor, "batch words tags"], mask: Bool[Tensor, "batch words"]
    ) -> Int[Tensor, "batch words"]:
        """Find the best tags of each sentence, padded with 0."""
        return self.best_path(emissions, mask).tags

    def best_path(self, emissions: Float[Tensor, "batch words tags"], mask: Bool[Tensor, "batch words"]) -> BestPath:
        """Find the best tags of each sentence, padded with 0, and their scores in nats."""
        return viterbi_decode(emissions, mask, *self._scores(), legal=self.legal_moves("decode"), backend=self.backend)

    def marginals(
        self, emissions: Float[Tensor, "batch words tags"], mask: Bool[Tensor, "batch words"]
    ) -> Float64[Tensor, "batch words tags"]:
        """Compute P(y_t = k given x) of each word; zeros at padding.

        All probabilities of this class are over the sequences that decoding may return, and carry no gradient.
        """
        return marginals(self._chain(emissions, mask))

    def span_probability(
        self,
        emissions: Float[Tensor, "batch words tags"],
        mask: Bool[Tensor, "batch words"],
        entities: Int[Tensor, "entities four"],
    ) -> Float64[Tensor, entities]:
        """Compute the exact probability that a sequence reads as each entity, all in one pass.

        Args:
            emissions: score of each tag for each word.
            mask: True for each word, right-padded.
            entities: rows of sentence, first word, word after the last, and the type's index in the tag set.
        """
        return span_probability(self._chain(emissions, mask), entities, self.entity_tags)

    def path_probability(
        self,
        emissions: Float[Tensor, "batch words tags"],
        tags: Int[Tensor, "batch words"],
        mask: Bool[Tensor, "batch words"],
    ) -> Float64[Tensor, batch]:
        """Compute p(y | x) of whole tag sequences."""
        return path_probability(emissions, tags, mask, *self._scores(), legal=self.legal_moves("decode"))

    def n_best(self, emissions: Float[Tensor, "batch words tags"], mask: Bool[Tensor, "batch words"], n: int) -> NBest:
        """Find the n best tag sequences of each sentence, with scores and probabilities."""
        return n_best(self._chain(emissions, mask), n)

    def sample(
        self,
        emissions: Float[Tensor, "batch words tags"],
        mask: Bool[Tensor, "batch words"],
        n: int,
        generator: torch.Generator | None = None,
    ) -> Int[Tensor, "batch samples words"]:
        """Draw n tag sequences per sentence from p(y | x), padded with 0."""
        return sample(self._chain(emissions, mask), n, generator)

    def entropy(
        self, emissions: Float[Tensor, "batch words tags"], mask: Bool[Tensor, "batch words"]
    ) -> Float64[Tensor, batch]:
        """Compute the entropy of p(y | x), in nats."""
        return entropy(self._chain(emissions, mask))

    def extra_repr(self) -> str:
        """Describe the options, for print(model)."""
        return f"n_tags={self.n_tags}, constrain={self.constrain!r}, backend={self.backend!r}, init={self.init!r}"

    def _scores(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.start_transitions, self.end_transitions, self.transitions

    @torch.no_grad()
    def _chain(self, emissions: Tensor, mask: Tensor) -> Chain:
        with full_precision(emissions):
            return closed_chain(emissions, mask, *self._scores(), self.legal_moves("decode"))

    @torch.no_grad()
    def _remember(self) -> None:
        self.initial_moves.copy_(self.moves())


def _accept_pytorch_crf(module: nn.Module, state: dict[str, Tensor], prefix: str, *_: object) -> None:
    """Add the initial values that a state dict of pytorch-crf lacks: the module's present ones."""
    state.setdefault(f"{prefix}initial_moves", module.get_buffer("initial_moves"))
