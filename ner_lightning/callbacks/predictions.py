"""Stored predictions: every sentence of the dev and test splits with gold and predicted entities."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytorch_lightning as pl
import torch.distributed as dist
from pytorch_lightning.trainer.states import TrainerFn

from ner_lightning.run.folder import predictions_file
from ner_lightning.run.predictions import StoredSentence
from ner_lightning.storage.atomic import writing
from ner_lightning.tagging.spans import ScoredSpan
from ner_lightning.task.decoded_entities import read_batch
from ner_lightning.vendors.lightning import callbacks_of, data_of

if TYPE_CHECKING:
    from ner_lightning.data.batches.collate import Batch
    from ner_lightning.data.sentence import Sentence
    from ner_lightning.task.tagging import Evaluated, TaggingTask


class PredictedSentence(NamedTuple):
    """The model's output for one sentence; `tags` only if they break the scheme."""

    entities: tuple[ScoredSpan, ...]
    tags: tuple[str, ...] | None


class SavePredictions(pl.Callback):
    """Writes `<folder>/dev.jsonl` and `<folder>/test.jsonl` when a split is evaluated after the fit.

    Each line is one sentence, as `StoredSentence` writes it, in the order of the corpus, whatever the batches and
    ranks. If the predicted tags break the scheme (a decoder without constraints), they are stored too; the spans are
    then those of the conlleval rule.

    Args:
        folder: of the files.

    Attributes:
        files: the files this process has written, by split.
    """

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
        self.files: dict[str, Path] = {}
        self._found: dict[int, PredictedSentence] = {}

    def on_validation_batch_end(
        self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Keep the entities of one batch, unless this is the validation inside a fit."""
        if trainer.state.fn == TrainerFn.VALIDATING:
            self._keep(pl_module, outputs, batch)

    def on_test_batch_end(
        self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Keep the entities of one batch."""
        self._keep(pl_module, outputs, batch)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the development split."""
        if trainer.state.fn == TrainerFn.VALIDATING:
            self._write(trainer, "dev")

    def on_test_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the test split."""
        self._write(trainer, "test")

    def _keep(self, task: TaggingTask, outputs: Evaluated, batch: Batch) -> None:
        read = read_batch(task.model.decoder, outputs["emissions"], outputs["predicted"], batch.mask, task.tags)
        for index, one in zip(batch.index, read, strict=True):
            legal = not task.tags.decode(one.tag_ids).repaired
            self._found[index] = PredictedSentence(
                one.entities, None if legal else tuple(task.tags.tags[i] for i in one.tag_ids)
            )

    def _write(self, trainer: pl.Trainer, split: str) -> None:
        found, self._found = self._found, {}
        if trainer.world_size > 1:
            parts: list[Any] = [None] * trainer.world_size
            dist.all_gather_object(parts, found)
            found = {index: spans for part in parts for index, spans in part.items()}
        if not trainer.is_global_zero:
            return
        data = data_of(trainer)
        path = predictions_file(self.folder, split)
        with writing(path) as file:
            for index, sentence in enumerate(data.sentences[split]):
                if index in found:  # true for all, except with limit_test_batches
                    (source,) = data.sources.names_of(split, [index])
                    file.write(_stored(sentence, found[index], source).to_json() + "\n")
        self.files[split] = path


def _stored(sentence: Sentence, found: PredictedSentence, source: str) -> StoredSentence:
    return StoredSentence(
        id=sentence.id,
        document=sentence.document,
        words=sentence.words,
        gold=sentence.spans,
        predicted=found.entities,
        predicted_tags=found.tags,
        unknown=sentence.unknown,
        source=source,
    )


def stored_predictions(trainer: pl.Trainer) -> dict[str, Path]:
    """Return the prediction files written so far, by split; none on other ranks than zero."""
    return {
        split: path for callback in callbacks_of(trainer, SavePredictions) for split, path in callback.files.items()
    }
