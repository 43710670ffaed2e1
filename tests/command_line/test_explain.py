"""What Hydra cannot compose is told in one sentence that says what to type."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command_line.conftest import Say

NO_PLUS = "is in the configuration already: write"

SENTENCES = {
    # keys
    "optim.encoder_lrr=1": "optim.encoder_lrr: there is no such key; did you mean optim.encoder_lr?",
    "encoder_lr=1": "did you mean optim.encoder_lr?",
    "lr=1": "did you mean optim.encoder_lr or optim.head_lr or optim.crf_lr or optim.adapter_lr?",
    "epochs=3": "did you mean trainer.max_epochs?",
    "trainer.epochs=3": "did you mean trainer.max_epochs?",
    "zzzzz=1": "zzzzz: there is no such key; --cfg job shows them all.",
    "optim.zzzzz=1": "optim.zzzzz: there is no such key; optim has _target_, encoder_lr,",
    "trainer.limit_val_batches=2": "is not in the configuration yet: write +trainer.limit_val_batches=2.",
    "trainer.limit_val_batchs=2": "did you mean +trainer.limit_val_batches?",
    "task.metrics.clean._target_=mine.Clean": "task.metrics.clean._target_ is not in the configuration yet: to add it, "
    "write +task.metrics.clean._target_=mine.Clean.",
    "+seed=2": f"seed {NO_PLUS} seed=2, without the plus sign.",
    "~sed": "~sed: there is nothing of that name to delete; did you mean ~seed.",
    "~seed=5": "~seed=5: seed has another value; write ~seed",
    "data=jsonl data.reader.word_column=1": "data.reader.word_column: the data/reader that is chosen has no such key, "
    "conll, conllu, csv, iob2 have it; write data/reader=conll data.reader.word_column=1.",
    "data=conll data.reader.spans_key=x": "jsonl, spacy have it; write data/reader=jsonl data.reader.spans_key=x.",
    # groups and their options
    "data=conl": "there is no such data, did you mean data=conll? Choose one of auto, brat, conll,",
    "trainer=zzzzz": "trainer=zzzzz: there is no such trainer; choose one of cpu, ddp, ddp_cpu, fsdp2,",
    "datum=conll": "datum: there is no such group; did you mean data=conll?",
    "model/encodr=minilm": "did you mean model/encoder=minilm?",
    "model/encoder=minilmm": "did you mean model/encoder=minilm?",
    "data/reader=jsonlx": "did you mean data/reader=jsonl?",
    "experiment=crf": "experiment is not part of train until added: write +experiment=crf.",
    "experimen=crf": "did you mean +experiment=crf?",
    "+experiment=crff": "there is no such experiment, did you mean +experiment=crf?",
    "+data=conll": f"data {NO_PLUS} data=conll, without the plus sign.",
    "++data=conll": f"data {NO_PLUS} data=conll, without the plus sign.",
    "data@mine=conll": "data@mine is no group of this command; write data=OPTION.",
    "trainer=fsdp": "trainer=fsdp is gone: trainer=fsdp2 does its work, and clips gradients by norm.",
    "trainer=deepspeed": "trainer=deepspeed is gone: trainer=fsdp2 shards too, and its checkpoints are like any other.",
    "trainer.strategy=fsdp": "trainer.strategy=fsdp: not kept up here; trainer=fsdp2 shards too",
    "-m hydra/launcher=joblib seed=1,2": "joblib is gone: jobs side by side on this machine are sweep.workers=N",
    "-m hydra/launcher=parallel seed=1,2": "parallel is gone: jobs side by side on this machine are sweep.workers=N",
    "-m hydra.launcher.n_jobs=4 seed=1,2": "hydra.launcher.n_jobs: is called sweep.workers now; write sweep.workers=4.",
    "+sweep=optuna_lr sweep.search.workers=2": "is called sweep.workers now; write sweep.workers=2.",
    "~sweep.search": "~sweep.search: sweep.search cannot be left out; give it another value, as in sweep.search=null.",
    "trainer=3": "trainer=3: trainer takes the name of an option: one of cpu,",
    "data=null": "data=null: data takes the name of an option: one of auto, brat, conll,",
    # syntax
    "seed": "seed: a value is given as key=value, as in seed=VALUE.",
    "=3": "A group takes the name of one of its options",
    "data.=3": "without spaces around the equals sign",
    "'seed =3'": "without spaces around the equals sign",
    "seed=[1": "seed=[1: the brackets do not match.",
    "'name=${seed'": "the brackets do not match.",
    "ckpt_path=a=b.ckpt": "the value needs two pairs of quotes: \"ckpt_path='a=b.ckpt'\".",
    "'name=\"x'": "the quotes do not match",
    # sweeps
    "seed=1,2": "add -m to the command line, or write seed=[1,2] for one run with a list.",
    "'seed=range(1,3)'": "means several runs: add -m to the command line.",
    "-m seedd=1,2": "seedd: there is no such key; did you mean seed?",
    "-m seed=1,2 data=sample_en,conl": "did you mean data=conll?",
    # Hydra's own
    "hydra.job.chdir=maybe": "hydra.job.chdir=maybe: the value does not fit the key",
    "hydra/sweeper=optun": "hydra/sweeper=optun: there is no such hydra/sweeper; choose one of basic.",
    "-m hydra/sweeper=optuna seed=1,2": "hydra/sweeper=optuna: a search is ours and no sweeper of Hydra's: write",
    # what people know from elsewhere
    "trainer.precision=fp16": "did you mean 16-mixed.",
    "trainer.precision=float32": "did you mean 32-true.",
    "model.encoder.freeze=true": "did you mean model.encoder.freeze_word_embeddings, or +experiment=[crf,lora], which",
    "callbacks.early_stopping.patience=5": "write callbacks=early_stopping callbacks.early_stopping.patience=5.",
    "+callbacks.early_stopping.patience=5": "the class to build; callbacks=early_stopping has one.",
    "callbacks.checkpoint.save_top_k=3": "no such key; callbacks.checkpoint has _target_, dirpath, monitor, mode.",
    "model.encoder=bert-base-cased": "or model.encoder.name=bert-base-cased for a hub name or a folder.",
    "model/encoder=dslim/bert-base-NER": "or any other by model.encoder.name=dslim/bert-base-NER.",
    "trainer.gpus=2": "did you mean trainer=gpu, or trainer.devices beside it?",
    "callbacks=[f1/人名,recall]": "callbacks=['f1/人名',recall]",
    # options of the Trainer that cannot work
    "trainer.max_epochs=0": "trainer.max_epochs=0: nothing would be trained",
    "+trainer.overfit_batches=1": "use +debug=overfit",
    "--config-name trian": "There is no configuration trian.yaml; leave --config-name out",
}


@pytest.mark.parametrize("line", SENTENCES)
def test_a_wrong_command_line_is_answered(line: str, say: Say) -> None:
    answer = say("train", line)
    assert SENTENCES[line] in answer
    assert "\n" not in answer


@pytest.mark.parametrize(
    "line",
    ["", "+experiment=crf", "-m seed=1,2 +experiment=crf,softmax", "logger=[csv,tensorboard]", "'name=${monitor}'"],
)
def test_a_right_one_is_not(line: str, say: Say) -> None:
    assert say("train", line) == ""


def test_an_overlay_is_not_suggested_to_a_command_that_refuses_it(say: Say) -> None:
    assert say("predict", "seed=3") == "seed: there is no such key; --cfg job shows them all."


def test_the_suggestion_of_a_plus_is_right(say: Say) -> None:
    assert say("train", "+trainer.limit_val_batches=2") == ""


def test_the_groups_chosen_decide_what_keys_there_are(say: Say) -> None:
    assert say("train", "callbacks=early_stopping callbacks.early_stopping.patiense=2") == (
        "callbacks.early_stopping.patiense: there is no such key; did you mean callbacks.early_stopping.patience?"
    )


def test_a_file_that_asks_for_a_missing_one(say: Say, mine: Path) -> None:
    answer = say("train", f"+experiment=asks --config-dir {mine}")
    assert answer.startswith(
        "data=conl, which +experiment=asks asks for: there is no such data, did you mean data=conll?"
    )


def test_a_file_that_is_not_yaml(say: Say, mine: Path) -> None:
    assert f"{mine}/experiment/broken.yaml:3: not valid YAML" in say("train", f"+experiment=broken --config-dir {mine}")
