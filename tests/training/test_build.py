"""From a configuration to the objects of a run, and from a checkpoint to the same."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torchmetrics import Metric

from ner_lightning.config.objects import resolve_config
from ner_lightning.config.own import ALLOW
from ner_lightning.data.corpus.encoding import WordEncoder
from ner_lightning.errors import UserError
from ner_lightning.inference.tagger import Tagger
from ner_lightning.run.checkpoints import find_checkpoint
from ner_lightning.task.tagging import CHECKPOINT_KEY
from ner_lightning.training.build import TrainingRun, build, build_evaluation
from ner_lightning.training.checkpoint import load
from tests.runs import EASY, LEARN, composed, records, train_config, trained, without_dropout, write_corpus


def built(folder: Path, encoder: Path, *overrides: str) -> TrainingRun:
    return build(resolve_config(train_config(folder, encoder, *overrides)))


def emissions(run: TrainingRun, split: str = "dev") -> dict[int, torch.Tensor]:
    """The emissions of each sentence, without dropout."""
    run.task.eval()
    loader = run.data.val_dataloader() if split == "dev" else run.data.train_dataloader()
    found = {}
    with torch.no_grad():
        for batch in loader:
            for index, rows, n_words in zip(
                batch.index, run.task.model(batch), batch.mask.sum(1).tolist(), strict=True
            ):
                found[index] = rows[:n_words]
    return found


def test_how_sentences_are_laid_out_does_not_change_their_emissions(tmp_path: Path, tiny_encoder: Path) -> None:
    """Long sentences, which are read in windows, among them."""
    words = [f"w{i}" for i in range(120)]
    corpus = write_corpus(tmp_path / "corpus", train=EASY, dev=[*EASY[:9], " ".join(words), "Oslo/B-LOC"])
    options = ("data=conll", f"data.dir={corpus}", "data.limit=null")
    runs = {
        (batching, size): built(
            tmp_path, tiny_encoder, *options, f"data.batching={batching}", f"data.eval_batch_size={size}"
        )
        for batching, size in (("packed", 64), ("packed", 1), ("length_bucket", 64), ("random", 3))
    }
    assert [run.data.batching for run in runs.values()] == [batching for batching, _ in runs]
    first, *others = runs.values()
    expected = emissions(first)
    assert sorted(expected) == list(range(11))
    assert len(expected[9]) == 120
    for run in others:
        run.task.load_state_dict(first.task.state_dict())
        assert {i: e.shape for i, e in emissions(run).items()} == {i: e.shape for i, e in expected.items()}
        for index, found in emissions(run).items():
            torch.testing.assert_close(found, expected[index], rtol=1e-4, atol=1e-5)


def test_packed_and_padded_batches_are_what_they_say(tmp_path: Path, tiny_encoder: Path) -> None:
    packed = next(iter(built(tmp_path, tiny_encoder).data.train_dataloader()))
    assert packed.attention_mask is None
    assert packed.input_ids.shape[0] == 1
    padded = next(iter(built(tmp_path, tiny_encoder, "data.batching=random").data.train_dataloader()))
    assert padded.attention_mask is not None
    assert padded.input_ids.shape[0] >= 16
    assert padded.attention_mask.sum(1).tolist() == list(padded.row_lengths)


LONG = " ".join(["Ann/B-PER Lee/I-PER likes Oslo/B-LOC ."] * 100)


def test_nothing_of_a_long_sentence_is_cut_in_training_or_evaluation(tmp_path: Path, tiny_encoder: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", train=[*EASY, LONG], dev=[LONG, "Rome/B-LOC"], test=[LONG])
    result = trained(
        tmp_path, tiny_encoder, "data=conll", f"data.dir={corpus}", "data.overlap=4", *LEARN, "trainer.max_epochs=6"
    )
    assert result["best"]["val/support"] == 201
    assert result["best"]["test/support"] == 200
    assert result["best"]["test/f1"] > 0.8  # not with the 60 subwords that one row holds
    (stored,) = records(tmp_path / "run/predictions/test.jsonl")
    assert len(stored["words"]) == 500
    assert len(stored["gold"]) == 200
    assert any(span[0] >= 495 for span in stored["predicted"])
    # The tagger reads the same windows as the run did.
    (found,) = Tagger.load(tmp_path / "run").tag_texts([" ".join(stored["words"])])
    assert [e.label for e in found] == [span[2] for span in stored["predicted"]]
    assert [e.probability for e in found] == pytest.approx([span[3] for span in stored["predicted"]], abs=1e-5)

    run = built(tmp_path, tiny_encoder, "data=conll", f"data.dir={corpus}", "data.limit=null")
    words = sum(int(batch.mask.sum()) for batch in run.data.train_dataloader())
    assert words == sum(len(sentence.split()) for sentence in [*EASY, LONG])
    whole = emissions(run, "train")[len(EASY)]
    assert whole.shape[0] == 500
    assert (whole[64:].std(0) > 1e-3).all()


def test_transitions_begin_at_the_bigrams_of_the_training_data(tmp_path: Path, tiny_encoder: Path) -> None:
    run = built(tmp_path, tiny_encoder, "model.decoder.init=bigrams", "data.scheme=IOB2")
    tags = run.task.tags
    rows = [tags.encode(s.spans, len(s.words)) for s in run.data.sentences["train"]]
    moves = Counter(move for row in rows for move in pairwise(row))
    outside, person = tags.index["O"], tags.index["B-PER"]
    crf = run.task.model.decoder
    difference = float(crf.transitions[outside, outside] - crf.transitions[outside, person])
    assert difference == pytest.approx(math.log((moves[outside, outside] + 1) / (moves[outside, person] + 1)), rel=1e-4)
    assert moves[outside, person] > 3
    uniform = built(tmp_path, tiny_encoder, "data.scheme=IOB2").task.model.decoder
    assert float(uniform.transitions.abs().max()) <= 0.1


def test_the_tags_are_those_of_the_training_data_and_the_metric_knows_all(tmp_path: Path, tiny_encoder: Path) -> None:
    corpus = write_corpus(
        tmp_path / "corpus", train=["Ann/B-PER ran", "Oslo/B-LOC ."], dev=["Oslo/B-LOC"], test=["Cup/B-EVENT ."]
    )
    options = ("data=conll", f"data.dir={corpus}")
    with pytest.warns(UserWarning, match=r"test: entity types that the training data lack .* missed: EVENT \(1\)"):
        run = built(tmp_path, tiny_encoder, *options)
    assert run.task.tags.types == ("LOC", "PER")
    assert run.task.val_metric.tags.types == run.task.test_metric.tags.types == ("LOC", "PER", "EVENT")
    assert run.task.model.projection.out_features == len(run.task.tags) == run.task.model.decoder.n_tags
    result = trained(tmp_path, tiny_encoder, *options)
    assert (result["best"]["test/support/EVENT"], result["best"]["test/recall/EVENT"]) == (1, 0)
    assert records(tmp_path / "run/predictions/test.jsonl")[0]["gold"] == [[0, 1, "EVENT"]]
    assert load(tmp_path / "run").task.tags.types == ("LOC", "PER")


@pytest.mark.parametrize("option", ["batch_size", "eval_batch_size", "limit"])
def test_sizes_are_heeded(tmp_path: Path, tiny_encoder: Path, option: str) -> None:
    run = built(tmp_path, tiny_encoder, f"data.{option}=7")
    train, dev = (
        [len(batch.index) for batch in loader] for loader in (run.data.train_dataloader(), run.data.val_dataloader())
    )
    assert train == {"batch_size": [7, 7, 7, 3], "eval_batch_size": [16, 8], "limit": [7]}[option]
    assert dev == {"batch_size": [24], "eval_batch_size": [7, 7, 7, 3], "limit": [7]}[option]
    assert run.task.sentences_per_batch == (7 if option == "batch_size" else 16)


def test_pooling_chooses_the_subwords(tmp_path: Path, tiny_encoder: Path) -> None:
    runs = {name: built(tmp_path, tiny_encoder, f"model.pooling={name}") for name in ("first", "last", "mean")}
    found = {}
    for name, run in runs.items():
        run.task.load_state_dict(runs["first"].task.state_dict())
        found[name] = emissions(run)[0]
    assert not torch.allclose(found["first"], found["last"], atol=1e-4)
    assert not torch.allclose(found["first"], found["mean"], atol=1e-4)


def test_words_the_encoder_cannot_see_are_told(
    tmp_path: Path, tiny_encoder: Path, recwarn: pytest.WarningsRecorder
) -> None:
    corpus = write_corpus(tmp_path / "corpus", train=["Ωμέγα Άλφα \u200b Ann/B-PER " + "x" * 98], dev=["Ann/B-PER"])
    run = built(tmp_path, tiny_encoder, "data=conll", f"data.dir={corpus}")
    told = [str(warning.message) for warning in recwarn]
    assert any("of the words hold something that the encoder's vocabulary turns into [UNK]" in line for line in told)
    assert any("1 distinct words are longer than a whole row" in line for line in told)
    batch = next(iter(run.data.train_dataloader()))
    assert int(batch.mask.sum()) == 5


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint")
    encoder = without_dropout(tiny_encoder, folder / "encoder")
    trained(folder, encoder, "test=false", "model.pooling=mean", "model.decoder.constrain=decode")
    return folder / "run/checkpoints/best.ckpt"


def test_a_checkpoint_rebuilds_the_model(checkpoint: Path) -> None:
    loaded = load(checkpoint)
    assert not loaded.task.training
    assert loaded.task.model.pooling == "mean"
    assert loaded.task.model.decoder.constrain == "decode"
    assert loaded.path == checkpoint
    assert isinstance(loaded.words, WordEncoder)
    assert loaded.words.room == 62
    saved = torch.load(checkpoint, weights_only=True)["state_dict"]
    assert {name: value.shape for name, value in saved.items()} == {
        name: value.shape for name, value in loaded.task.state_dict().items()
    }
    assert all(torch.equal(value, saved[name]) for name, value in loaded.task.state_dict().items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 99}, r"written by a newer version \(.*\); update ner_lightning"),
        ({"config": {"model": {"_target_": "os.system", "command": "true"}}}, "os.system is not allowed"),
    ],
)
def test_a_checkpoint_that_must_not_be_loaded(
    checkpoint: Path, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    content = torch.load(checkpoint, weights_only=True)
    content[CHECKPOINT_KEY] |= change
    torch.save(content, tmp_path / "changed.ckpt")
    with pytest.raises(UserError, match=message):
        load(tmp_path / "changed.ckpt")


def test_an_evaluation_has_no_optimiser_and_another_trainer(checkpoint: Path, tmp_path: Path) -> None:
    config = resolve_config(composed("evaluate", tmp_path, f"ckpt={checkpoint}", "split=dev"))
    run, path = build_evaluation(config, [])
    assert path == checkpoint
    assert run.task.optim is None
    assert not run.task.model.training
    assert list(run.data.sentences) == ["dev"]
    assert not run.trainer.loggers


@pytest.mark.parametrize("piece", ["checkpoint/zero_pp_rank_0_mp_rank_00_optim_states.pt", ".metadata"])
def test_a_checkpoint_in_pieces_is_refused_with_the_reason(piece: str, tmp_path: Path) -> None:
    file = tmp_path / "run" / "checkpoints" / "best.ckpt" / piece
    file.parent.mkdir(parents=True)
    file.touch()
    for given in (tmp_path / "run", tmp_path / "run/checkpoints/best.ckpt"):
        with pytest.raises(UserError, match=r"best\.ckpt: a checkpoint in pieces, .* trainer=fsdp2 shards too"):
            find_checkpoint(given)


class Short(Metric):
    def __init__(self, tags: Any) -> None:
        super().__init__()

    def update(self, predicted: Any, gold: Any) -> None: ...

    def compute(self) -> int:
        return 0


class Loose(Short):
    def update(self, *given: Any) -> None: ...


def test_a_metric_takes_what_it_will_be_given(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ALLOW, f"{__name__}.")
    own = f"+task.metrics.x._target_={__name__}"
    assert built(tmp_path, tiny_encoder, f"{own}.Loose").task.metric_names == ("x",)
    told = r"task\.metrics\.x: Short\.update is called as .*\(too many positional arguments\): see docs/extending\.md"
    with pytest.raises(UserError, match=told):
        built(tmp_path, tiny_encoder, f"{own}.Short")
