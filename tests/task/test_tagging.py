"""What a step computes, on sentences few enough to count by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torchmetrics import Metric

from ner_lightning.data.batches.collate import Batch, Collator
from ner_lightning.data.corpus.encoding import WordEncoder, encode
from ner_lightning.data.sentence import Sentence
from ner_lightning.errors import UserError
from ner_lightning.model.decoder.crf import CRF
from ner_lightning.model.decoder.softmax import Softmax
from ner_lightning.model.encoder import Encoder
from ner_lightning.model.pretrained.names import load_tokenizer
from ner_lightning.model.tagger import TaggingModel
from ner_lightning.optim.adamw import AdamW
from ner_lightning.tagging.spans import EntitySpan
from ner_lightning.tagging.tagset import TagSet
from ner_lightning.task.tagging import CHECKPOINT_KEY, TaggingTask, named_scores

pytestmark = pytest.mark.filterwarnings("ignore:.*trainer. reference is not registered")

TAGS = TagSet(("LOC", "PER"))
SENTENCES = [
    Sentence(("Ann", "lives", "in", "New", "York"), (EntitySpan(0, 1, "PER"), EntitySpan(3, 5, "LOC"))),
    Sentence(("Oslo",), (EntitySpan(0, 1, "LOC"),)),
    Sentence(("It", "rains", ".")),
    Sentence(("Bob", "Dylan", "sang"), (EntitySpan(0, 2, "PER"),)),
    Sentence(("a", "very", "long", "sentence", "about", "nothing", "at", "all")),
    Sentence(("Rome", "is", "old"), (EntitySpan(0, 1, "LOC"),)),
]


class Bench:
    """A task on a tiny encoder, and batches for it."""

    def __init__(self, encoder: Path, decoder: CRF | Softmax, **options: Any) -> None:
        torch.manual_seed(0)
        model = TaggingModel(Encoder(str(encoder)), decoder)
        with torch.no_grad():  # a fresh head says little
            model.projection.weight.normal_(std=0.5)
        self.task = TaggingTask(model, TAGS, **options).eval()
        self.words = WordEncoder(load_tokenizer(str(encoder)), model.encoder.max_subwords)

    def batch(self, *sentences: Sentence, fillers: int = 0, tags: TagSet = TAGS) -> Batch:
        return Collator(encode(sentences, self.words, tags), self.words)(range(len(sentences)), fillers)

    def loss(self, *sentences: Sentence, **options: Any) -> Tensor:
        """Of a training step, without dropout."""
        self.task.eval()
        return self.task.training_step(self.batch(*sentences, **options), 0)

    def gradient(self, *batches: list[Sentence]) -> Tensor:
        """Of one optimiser step that gathers these batches, as Lightning does it: each loss over their number."""
        self.task.zero_grad()
        for sentences in batches:
            (self.loss(*sentences) / len(batches)).backward()
        return torch.cat([p.grad.flatten() for p in self.task.parameters() if p.grad is not None])

    def scores(self, *batches: Batch) -> dict[str, float]:
        for batch in batches:
            self.task.validation_step(batch, 0)
        scores = self.task.val_metric.compute()
        self.task.val_metric.reset()
        return scores


@pytest.fixture
def crf(tiny_encoder: Path) -> Bench:
    return Bench(tiny_encoder, CRF(TAGS))


@pytest.fixture(params=["crf", "softmax"])
def either(request: pytest.FixtureRequest, tiny_encoder: Path) -> Bench:
    return Bench(tiny_encoder, CRF(TAGS) if request.param == "crf" else Softmax(TAGS, constrain="decode"))


def test_no_viterbi_in_a_training_step(either: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("decoding in a training step")

    for module in ("crf", "softmax"):
        monkeypatch.setattr(f"ner_lightning.model.decoder.{module}.viterbi_decode", refuse)
    monkeypatch.setattr(either.task.model.decoder, "decode", refuse)
    either.task.training_step(either.batch(*SENTENCES), 0).backward()
    with pytest.raises(AssertionError, match="decoding"):
        either.task.validation_step(either.batch(*SENTENCES), 0)


def test_the_loss_is_the_sum_of_the_sentences_over_a_constant(tiny_encoder: Path) -> None:
    bench = Bench(tiny_encoder, CRF(TAGS), sentences_per_batch=8)
    alone = [bench.loss(sentence).item() for sentence in SENTENCES]
    assert bench.loss(*SENTENCES).item() == pytest.approx(sum(alone), rel=1e-5)
    batch = bench.batch(SENTENCES[0])
    nats = bench.task.model.decoder.loss(bench.task.model(batch), batch.tags, batch.mask).item()
    assert alone[0] == pytest.approx(nats / 8, rel=1e-5)


def test_a_sentence_moves_the_weights_as_far_in_any_batch(tiny_encoder: Path) -> None:
    six, three = (Bench(tiny_encoder, CRF(TAGS), sentences_per_batch=n) for n in (6, 3))
    three.task.load_state_dict(six.task.state_dict())
    whole = six.gradient(SENTENCES)
    accumulated = three.gradient(SENTENCES[:3], SENTENCES[3:])
    torch.testing.assert_close(accumulated, whole, rtol=1e-4, atol=1e-6)
    # A last batch that is short: its two sentences pull as they would in a full one.
    short = six.gradient(SENTENCES[:2]) + six.gradient(SENTENCES[2:])
    torch.testing.assert_close(short, whole, rtol=1e-4, atol=1e-6)


def test_unknown_words_are_summed_over(either: Bench) -> None:
    words = ("Ann", "saw", "Oslo")
    loss = either.loss(Sentence(words, (EntitySpan(0, 1, "PER"),), unknown=(2,)))
    batch = either.batch(Sentence(words, (EntitySpan(0, 1, "PER"),)))
    total = 0.0
    for tag in range(len(TAGS)):
        # After a word outside, a CRF gives some tags no probability at all.
        legal = TAGS.allowed_transitions[0][tag] and TAGS.allowed_end[tag]
        if legal or isinstance(either.task.model.decoder, Softmax):
            batch.tags[0, 2] = tag
            total += math.exp(-either.task.training_step(batch, 0).item())
    assert loss.item() == pytest.approx(-math.log(total), rel=1e-4)


def test_a_sentence_nobody_annotated_teaches_nothing(crf: Bench) -> None:
    assert crf.loss(Sentence(("Ann", "ran"), unknown=(0, 1))).item() == pytest.approx(0, abs=1e-5)


def tag_all(bench: Bench, monkeypatch: pytest.MonkeyPatch, tag: str) -> None:
    """Let the decoder find this tag everywhere."""

    def decode(emissions: Tensor, mask: Tensor) -> Tensor:
        return torch.full(mask.shape, TAGS.index[tag]).masked_fill(~mask, 0)

    monkeypatch.setattr(bench.task.model.decoder, "decode", decode)


def test_unknown_words_are_not_counted(crf: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    tag_all(crf, monkeypatch, "S-LOC")
    sentence = Sentence(("Oslo", "or", "Rome"), (EntitySpan(0, 1, "LOC"),))
    assert crf.scores(crf.batch(sentence))["precision"] == pytest.approx(1 / 3)
    words = ("Oslo", "or", "Rome", "and", "Ulm")
    sentence = Sentence(words, (EntitySpan(0, 1, "LOC"), EntitySpan(2, 3, "LOC")), unknown=(4,))
    scores = crf.scores(crf.batch(sentence))
    assert (scores["precision"], scores["recall"], scores["support"]) == (pytest.approx(2 / 3), 1, 2)
    sentence = Sentence(words, (EntitySpan(0, 1, "LOC"), EntitySpan(2, 3, "LOC")), unknown=(3,))
    scores = crf.scores(crf.batch(sentence))
    assert (scores["precision"], scores["recall"], scores["support"]) == (0.5, 1, 1)


def test_types_the_model_does_not_know_are_missed(tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scored = TagSet(("LOC", "PER", "EVENT"))
    bench = Bench(tiny_encoder, CRF(TAGS), scored_tags=scored)
    tag_all(bench, monkeypatch, "S-LOC")
    sentence = Sentence(("Oslo", "Olympics"), (EntitySpan(0, 1, "LOC"), EntitySpan(1, 2, "EVENT")))
    batch = bench.batch(sentence, tags=scored)
    assert int(batch.tags.max()) >= len(TAGS)
    scores = bench.scores(batch)
    assert (scores["support"], scores["support/EVENT"], scores["recall/EVENT"], scores["recall"]) == (2, 1, 0, 0.5)
    # The loss of evaluation takes a word of an unknown type as one without annotation.
    free = bench.batch(Sentence(sentence.words, sentence.spans[:1], unknown=(1,)))
    emissions = bench.task.model(batch)
    assert bench.task.sentence_losses(emissions, batch).item() == pytest.approx(
        bench.task.sentence_losses(emissions, free).item(), rel=1e-6
    )


def test_foreign_tags_come_after_those_of_the_model() -> None:
    """What lets one metric count both: the ids of the model mean the same in the longer list."""
    scored = TagSet((*TAGS.types, "EVENT"))
    assert scored.tags[: len(TAGS)] == TAGS.tags


def test_a_sentence_that_fills_up_a_rank_weighs_nothing(crf: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    one = crf.loss(SENTENCES[0])
    torch.testing.assert_close(crf.loss(*SENTENCES[:2], fillers=1), one, rtol=1e-5, atol=1e-6)
    assert crf.loss(SENTENCES[1], fillers=1).item() == 0
    tag_all(crf, monkeypatch, "S-LOC")
    scores = crf.scores(crf.batch(*SENTENCES[:2], fillers=1), crf.batch(SENTENCES[1], fillers=1))
    assert scores["support"] == 2
    assert scores["precision"] == 0  # the five of the first sentence; the hit in the second is not counted


def test_a_sentence_that_fills_up_a_rank_is_not_in_the_mean_loss(crf: Bench) -> None:
    means = []
    for batch in (crf.batch(*SENTENCES[:2], fillers=1), crf.batch(SENTENCES[1], fillers=1), crf.batch(SENTENCES[0])):
        crf.task.val_loss.reset()
        crf.task.validation_step(batch, 0)
        means.append((crf.task.val_loss.sentences.item(), crf.task.val_loss.total.item()))
    assert [sentences for sentences, _ in means] == [1, 0, 1]
    assert means[0][1] == pytest.approx(means[2][1], rel=1e-5)


def test_padding_weighs_nothing(either: Bench) -> None:
    together = either.batch(*SENTENCES)
    emissions = either.task.model(together)
    inside = either.task.sentence_losses(emissions, together)
    for number, sentence in enumerate(SENTENCES):
        alone = either.batch(sentence)
        assert inside[number].item() == pytest.approx(
            either.task.sentence_losses(either.task.model(alone), alone).item(), rel=1e-4, abs=1e-5
        )
    # Whatever stands in the padding, emissions and tags alike.
    padding = ~together.mask
    emissions[padding] = 1e4
    together.tags[padding] = 3
    torch.testing.assert_close(either.task.sentence_losses(emissions, together), inside)
    predicted = either.task.model.decoder.decode(emissions, together.mask)
    assert not predicted[padding].any()


def test_padding_is_not_counted(crf: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere = torch.full((1, 1), TAGS.index["S-LOC"])
    monkeypatch.setattr(crf.task.model.decoder, "decode", lambda emissions, mask: everywhere.expand(mask.shape))
    batch = crf.batch(*SENTENCES)
    batch.tags[~batch.mask] = TAGS.index["S-LOC"]
    scores = crf.scores(batch)
    assert scores["support"] == sum(len(sentence.spans) for sentence in SENTENCES)
    assert scores["precision"] == pytest.approx(2 / sum(len(sentence.words) for sentence in SENTENCES))


@pytest.mark.parametrize("backend", ["auto", "torch", "numba"])
def test_one_word_sentences_give_every_parameter_a_gradient(tiny_encoder: Path, backend: Any) -> None:
    """A parameter without gradient would stop training on several devices."""
    bench = Bench(tiny_encoder, CRF(TAGS, backend=backend))
    bench.task.train().training_step(bench.batch(SENTENCES[1]), 0).backward()
    assert [name for name, parameter in bench.task.named_parameters() if parameter.grad is None] == []


def test_an_evaluation_hands_on_what_callbacks_need(crf: Bench) -> None:
    outputs = crf.task.validation_step(crf.batch(*SENTENCES), 0)
    assert outputs["emissions"].shape == (6, 8, len(TAGS))
    assert outputs["emissions"].dtype == torch.float32
    assert outputs["predicted"].shape == (6, 8)


def test_a_checkpoint_tells_what_it_is(tiny_encoder: Path) -> None:
    bench = Bench(tiny_encoder, CRF(TAGS), about={"tags": TAGS.to_dict()})
    checkpoint: dict[str, Any] = {}
    bench.task.on_save_checkpoint(checkpoint)
    assert checkpoint == {CHECKPOINT_KEY: {"tags": TAGS.to_dict()}}


def test_a_task_for_evaluation_cannot_be_trained(crf: Bench) -> None:
    with pytest.raises(RuntimeError, match="built for evaluation"):
        crf.task.configure_optimizers()


def test_the_schedule_covers_the_real_number_of_steps(tiny_encoder: Path) -> None:
    bench = Bench(tiny_encoder, CRF(TAGS), optim=AdamW(warmup=0))

    class Trainer:
        estimated_stepping_batches = 12

    bench.task._trainer = Trainer()  # type: ignore[assignment]
    made = bench.task.configure_optimizers()
    scheduler: Any = made["lr_scheduler"]["scheduler"]  # type: ignore[index]
    rates = []
    for _ in range(12):
        rates.append(scheduler.get_last_lr()[0])
        made["optimizer"].step()
        scheduler.step()
    assert all(rate > 0 for rate in rates)
    assert scheduler.get_last_lr()[0] == 0
    assert made["lr_scheduler"]["interval"] == "step"  # type: ignore[index]


class Counts(Metric):
    """How many words there are, as a number, as several, or as what is none."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.add_state("words", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, predicted: torch.Tensor, gold: torch.Tensor, mask: torch.Tensor, unknown: object) -> None:
        self.words = self.words + mask.sum()

    def compute(self) -> Any:
        return {"one": self.words, "several": {"all": self.words, "half": self.words / 2}, "none": [1, 2]}[self.kind]


def test_further_metrics_by_their_names(tiny_encoder: Path) -> None:
    metrics = {"one": Counts("one"), "items": Counts("several")}  # a name that a ModuleDict would not take
    bench = Bench(tiny_encoder, CRF(TAGS), metrics=metrics)
    before = bench.task.state_dict().keys()
    bench.task.validation_step(bench.batch(*SENTENCES[:2]), 0)
    words = 6
    of_stage = {stage: bench.task._metrics_of(stage)[0] for stage in ("val", "test")}
    found = {k: v for name, one in of_stage["val"].items() if name for k, v in named_scores(name, one).items()}
    assert found == {"one": words, "items_all": words, "items_half": words / 2}
    assert named_scores("one", of_stage["test"]["one"]) == {"one": 0}  # a stage of its own
    assert bench.task.state_dict().keys() == before
    assert not [name for name in before if "metric" in name]


def test_a_metric_that_computes_no_number() -> None:
    with pytest.raises(UserError, match=r"task\.metrics\.x: Counts\.compute\(\) returns a number or a dict of numbers"):
        named_scores("x", Counts("none"))


class MeanCRF(CRF):
    def loss(self, *args: Any, **kwargs: Any) -> Tensor:
        return super().loss(*args, **kwargs).mean()


class MeanTask(TaggingTask):
    def sentence_losses(self, emissions: Tensor, batch: Batch) -> Tensor:
        return super().sentence_losses(emissions, batch).mean()


@pytest.mark.parametrize("step", ["training_step", "validation_step"])
@pytest.mark.parametrize("culprit", ["MeanCRF.loss", "MeanTask.sentence_losses"])
def test_a_loss_that_is_not_one_number_per_sentence(culprit: str, step: str, tiny_encoder: Path) -> None:
    bench = Bench(tiny_encoder, MeanCRF(TAGS) if culprit == "MeanCRF.loss" else CRF(TAGS))
    if culprit != "MeanCRF.loss":
        bench.task = MeanTask(bench.task.model, TAGS)
    told = (
        rf"test_tagging\.{culprit} must return .* shape \[batch\] = \[2\]; it returned the shape \[\]: sum over words"
    )
    with pytest.raises(UserError, match=told):
        getattr(bench.task, step)(bench.batch(*SENTENCES[:2]), 0)
