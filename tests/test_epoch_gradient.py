"""Every sentence pulls as hard as any other, however an epoch is cut into batches, processes and steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from ner_lightning.data.batches.collate import Collator
from ner_lightning.data.batches.samplers import TrainingSampler
from ner_lightning.data.corpus.encoding import WordEncoder, encode
from ner_lightning.data.sentence import Sentence
from ner_lightning.model.decoder.crf import CRF
from ner_lightning.model.encoder import Encoder
from ner_lightning.model.pretrained.names import load_tokenizer
from ner_lightning.model.tagger import TaggingModel
from ner_lightning.tagging.spans import EntitySpan
from ner_lightning.tagging.tagset import TagSet
from ner_lightning.task.tagging import TaggingTask

pytestmark = pytest.mark.filterwarnings("ignore:.*trainer. reference is not registered")
TAGS = TagSet(("LOC", "PER"))
# Of one word to one of 80, which the encoder's 64 positions hold in windows only.
SENTENCES = [
    Sentence(("Oslo", *["a"] * length), (EntitySpan(0, 1, "LOC"),)) for length in (*range(20), 0, 1, 2, 40, 79)
]

WAYS: list[dict[str, Any]] = [
    {},
    {"grouping": "length_bucket"},
    {"max_subwords": 60},
    {"grouping": "length_bucket", "max_subwords": 90},
    {"grouping": "token_budget", "max_subwords": 100},
    {"grouping": "token_budget", "max_subwords": 100, "padded": False},
    {"max_subwords": 50, "padded": False},
]


def epoch_gradient(encoder: Path, size: int, world: int, accumulate: int, way: dict[str, Any]) -> Tensor:
    """The sum of an epoch's gradients as the optimiser sees them, per sentence of a step.

    Lightning divides a loss by the number of accumulated batches, and processes average their gradients.
    """
    torch.manual_seed(0)
    task = TaggingTask(TaggingModel(Encoder(str(encoder)), CRF(TAGS)), TAGS).eval()
    words = WordEncoder(load_tokenizer(str(encoder)), task.model.encoder.max_subwords)
    collator = Collator(encode(SENTENCES, words, TAGS), words, "padded" if way.get("padded", True) else "packed")
    for rank in range(world):
        sampler = TrainingSampler(collator.costs(), size, seed=1, rank=rank, world=world, **way)
        task.sentences_per_batch = sampler.sentences_per_batch
        for draw in sampler:
            loss = task.training_step(collator(draw.indices, draw.fillers), 0)
            (loss / accumulate / world).backward()
    gradient = torch.cat([p.grad.flatten() for p in task.parameters() if p.grad is not None])
    return gradient * sampler.sentences_per_batch * accumulate * world


def test_it_is_the_same_however_the_epoch_is_cut(tiny_encoder: Path) -> None:
    whole = epoch_gradient(tiny_encoder, len(SENTENCES), 1, 1, {})
    for number, way in enumerate(WAYS):
        world, accumulate = 1 + number % 3, 1 + number % 2
        part = epoch_gradient(tiny_encoder, 4, world, accumulate, way)
        torch.testing.assert_close(part, whole, rtol=1e-3, atol=1e-4 * float(whole.abs().max()), msg=str(way))
