"""Stored predictions: every sentence of the dev and test splits with gold and predicted entities."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytorch_lightning as pl
import torch.distributed as dist
from pytorch_lightning.trainer.states import TrainerFn

from ner_lightning.tagging.schemes import spans_to_tags
from ner_lightning.tagging.spans import EntitySpan
from ner_lightning.task.entities import ScoredSpan, batch_entities

if TYPE_CHECKING:
    from ner_lightning.data.collate import Batch
    from ner_lightning.data.datamodule import CorpusDataModule
    from ner_lightning.data.sentence import Sentence
    from ner_lightning.task.tagging import Evaluated, TaggingTask


class Found(NamedTuple):
    """What the model says of one sentence; `tags` only where they break the scheme."""

    entities: tuple[ScoredSpan, ...]
    tags: tuple[str, ...] | None


class SavePredictions(pl.Callback):
    """Writes `<folder>/dev.jsonl` and `<folder>/test.jsonl` when a split is evaluated after the fit.

    One sentence a line, in the order of the corpus, whatever the batches and ranks were: its id, document and words,
    gold spans `[start, end, type]` and predicted ones `[start, end, type, probability]`. Where the predicted tags break
    the scheme (a decoder without constraints), they are kept too: the spans are then those of the conlleval rule.

    Args:
        folder: where the files go.
    """

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
        self._found: dict[int, Found] = {}

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
        entities = batch_entities(task.model.decoder, outputs["emissions"], outputs["predicted"], batch.mask, task.tags)
        rows = zip(batch.index, entities, outputs["predicted"].tolist(), batch.mask.sum(1).tolist(), strict=True)
        for index, spans, ids, n_words in rows:
            ids = ids[:n_words]
            legal = not task.tags.decode(ids).repaired
            self._found[index] = Found(spans, None if legal else tuple(task.tags.tags[i] for i in ids))

    def _write(self, trainer: pl.Trainer, split: str) -> None:
        found, self._found = self._found, {}
        if trainer.world_size > 1:
            parts: list[Any] = [None] * trainer.world_size
            dist.all_gather_object(parts, found)
            found = {index: spans for part in parts for index, spans in part.items()}
        if not trainer.is_global_zero:
            return
        data: CorpusDataModule = trainer.datamodule  # type: ignore[attr-defined]
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{split}.jsonl").open("w", encoding="utf-8") as file:
            for index, sentence in enumerate(data.sentences[split]):
                if index in found:  # all of them, but under limit_test_batches
                    file.write(json.dumps(_record(sentence, found[index]), ensure_ascii=False) + "\n")


def _record(sentence: Sentence, found: Found) -> dict[str, Any]:
    record: dict[str, Any] = {
        "id": sentence.id,
        "document": sentence.document,
        "words": sentence.words,
        "gold": [list(span) for span in sentence.spans],
        "predicted": [[*entity.span, round(entity.probability, 6)] for entity in found.entities],
    }
    if found.tags is not None:
        record["predicted_tags"] = found.tags
    if sentence.unknown:
        record["unknown"] = sentence.unknown
    return record


def tag_sequences(path: Path, scheme: str) -> tuple[list[list[str]], list[list[str]]]:
    """Gold and predicted tags of a stored split, a list a sentence.

    Args:
        path: a file that `SavePredictions` wrote.
        scheme: to write the tags in; where the prediction broke its scheme, its own tags are given.
    """
    gold, predicted = [], []
    with path.open(encoding="utf-8") as file:
        for line in file:
            record = json.loads(line)
            n_words = len(record["words"])
            gold.append(spans_to_tags([EntitySpan(*span) for span in record["gold"]], n_words, scheme))
            found = [EntitySpan(*span[:3]) for span in record["predicted"]]
            predicted.append(record.get("predicted_tags") or spans_to_tags(found, n_words, scheme))
    return gold, predicted
