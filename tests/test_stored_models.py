"""Malicious and damaged checkpoints: one sentence, nothing called, nothing allocated."""

from __future__ import annotations

import io
import pickle
import re
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ner_lightning.config.objects import resolve_config
from ner_lightning.errors import UserError
from ner_lightning.inference.tagger import Tagger
from ner_lightning.task.tagging import CHECKPOINT_KEY
from ner_lightning.training import build
from ner_lightning.training.build import build_evaluation
from ner_lightning.training.checkpoint import check_resumption, load, read_checkpoint
from tests.runs import composed, trained, write_corpus

Change = Callable[[dict[str, Any]], None]
WIDE = 10**9


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    folder = tmp_path_factory.mktemp("stored")
    corpus = write_corpus(folder / "corpus", train=["Ann/B-PER ran"], dev=["Oslo is here"], test=["Ann/B-PER"])
    trained(folder, tiny_encoder, "test=false", "data=conll", f"data.dir={corpus}")
    return folder / "run"


@pytest.fixture
def changed(run: Path, tmp_path: Path) -> Callable[[Change], Path]:
    """Writes the checkpoint of a run, changed."""

    def write(change: Change) -> Path:
        content = torch.load(run / "checkpoints/best.ckpt", weights_only=True)
        change(content)
        torch.save(content, tmp_path / "changed.ckpt")
        return tmp_path / "changed.ckpt"

    return write


def at(content: dict[str, Any], place: str, value: Any) -> None:
    *parents, last = place.split(".")
    node: Any = content[CHECKPOINT_KEY]
    for key in parents:
        node = node.setdefault(key, {})
    node[last] = value


def refusal(file: Path) -> str:
    """The one sentence that refuses a checkpoint, without its name."""
    with pytest.raises(UserError) as error:
        load(file)
    told = str(error.value)
    assert told.startswith(f"{file}: ")
    assert "\n" not in told
    return told.removeprefix(f"{file}: ")


@pytest.mark.parametrize(
    ("place", "node"),
    [
        ("model", {"_target_": "os.system", "command": "true"}),
        ("model.decoder", {"_target_": "ner_lightning.run.folder.write_json", "path": "x", "value": {}}),
        ("model.encoder", {"_target_": "ner_lightning.sweep.process.run", "name": "x", "command": ["touch", "x"]}),
        ("model.encoder.lora", {"_target_": "subprocess.Popen", "args": ["touch", "x"]}),
        ("model.encoder.revision", {"_target_": "ner_lightning.sweep.process.free_port"}),
        ("data.reader", {"_target_": "ner_lightning.sweep.process.kill_all"}),
        ("callbacks.x", {"_target_": "os.system", "command": "true"}),
        ("anything.at.all", [{"_target_": "builtins.exec"}]),
    ],
)
def test_nothing_is_called(
    place: str, node: Any, changed: Callable[[Change], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    before = {path.name for path in tmp_path.iterdir()}

    def called(*_: object, **__: object) -> None:
        raise AssertionError("something was built")

    monkeypatch.setattr(build, "make", called)
    file = changed(lambda content: at(content, f"config.{place}", node))
    assert re.search(r"\._target_: .* (is not allowed|is not built here)", refusal(file))
    assert {path.name for path in tmp_path.iterdir()} == before | {"changed.ckpt"}


def test_a_function_in_an_argument_is_not_called_before_its_parent_is_known_to_refuse_it(
    changed: Callable[[Change], Path], tmp_path: Path
) -> None:
    writes = {"_target_": "ner_lightning.run.record.write_result", "folder": str(tmp_path), "result": {"x": 1}}
    assert "is not allowed" in refusal(changed(lambda content: at(content, "config.model.decoder.backend", writes)))
    assert not (tmp_path / "result.json").exists()


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("encoder.num_hidden_layers", WIDE),
        ("encoder.num_hidden_layers", 40),
        ("encoder.hidden_size", 1 << 22),
        ("encoder.intermediate_size", 1 << 22),
        ("encoder.vocab_size", WIDE),
        ("encoder.vocab_size", 1 << 20),
        ("encoder.max_position_embeddings", 1 << 20),
        ("encoder.type_vocab_size", 1 << 20),
        ("encoder.layers", [WIDE, {"x": -WIDE}]),
        ("config.model.encoder.lora", {"_target_": "ner_lightning.model.lora.LoRA", "rank": WIDE}),
        ("tags.types", [f"type{i}" for i in range(100_000)]),
    ],
)
def test_sizes_are_those_of_the_tensors(place: str, value: Any, changed: Callable[[Change], Path]) -> None:
    if "lora" in place:
        pytest.importorskip("peft")
    assert "damaged" in refusal(changed(lambda content: at(content, place, value)))


def test_a_tensor_that_claims_more_than_it_holds(changed: Callable[[Change], Path]) -> None:
    def widen(content: dict[str, Any]) -> None:
        content["state_dict"]["model.projection.weight"] = torch.zeros(1).expand(WIDE, 32)

    assert "damaged or malicious: a tensor [1000000000, 32] larger than its numbers" in refusal(changed(widen))


@pytest.mark.parametrize("tensor", [torch.zeros(3, device="meta"), torch.eye(3).to_sparse()])
def test_a_tensor_without_numbers(tensor: torch.Tensor, changed: Callable[[Change], Path]) -> None:
    file = changed(lambda content: content["state_dict"].update(x=tensor))
    assert re.match("damaged or malicious: a tensor without|not a checkpoint", refusal(file))


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("config.model.encoder.attention", "owner/kernel", "expected attention of sdpa, eager, flash_attention_2"),
        ("encoder.auto_map", {"AutoModel": "evil.Model"}, "its encoder has auto_map"),
        ("encoder.quantization_config", {"quant_method": "x"}, "its encoder has quantization_config"),
        ("encoder.use_pretrained_backbone", True, "its encoder has use_pretrained_backbone"),
        ("encoder.text_config", {"model_type": "bert"}, "its encoder has text_config"),
        ("encoder.model_type", "nothing-of-the-kind", "cannot be built"),
        ("encoder.model_type", 3, "does not say what its encoder is"),
        ("config.model.pooling", "frist", "cannot be built .*pooling"),
        ("config.model.decoder.backend", "x", "cannot be built .*backend"),
        ("config.model.decoder.nobody", 1, "CRF does not take these keys"),
        ("config.model.encoder._args_", [1], "model.encoder._args_: no argument"),
        ("tags.types", ["PER", "PER"], "cannot be built .*not repeated"),
        ("tags.types", "PER", "its tags are no list"),
        ("tags.scheme", "X", "cannot be built"),
        ("tokenizer.rules", "{", "the rules of its tokenizer cannot be read"),
        ("config", [], "it has no config"),
        ("encoder", None, "it has no encoder"),
        ("config.model", None, "its configuration has no model"),
    ],
)
def test_damaged_and_hostile_words(place: str, value: Any, message: str, changed: Callable[[Change], Path]) -> None:
    assert re.search(message, refusal(changed(lambda content: at(content, place, value))))


def test_parts_that_are_missing(changed: Callable[[Change], Path]) -> None:
    assert refusal(changed(lambda content: content.pop("state_dict"))) == "damaged: it has no state_dict"
    gone = "model.encoder.model.encoder.layer.1.output.dense.weight"
    told = refusal(changed(lambda content: content["state_dict"].pop(gone)))
    assert told.startswith("damaged: ")
    assert gone in told
    for change in (lambda content: content.pop(CHECKPOINT_KEY), lambda content: at(content, "format", None)):
        assert refusal(changed(change)).startswith("not a checkpoint written by ner_lightning")


def test_what_a_task_learned_beside_the_network_is_left_behind(run: Path, changed: Callable[[Change], Path]) -> None:
    more = changed(lambda content: content["state_dict"].update(temperature=torch.ones(3)))
    assert load(more).task.state_dict().keys() == load(run).task.state_dict().keys()
    assert "damaged: " in refusal(changed(lambda content: content["state_dict"].update({"model.x": torch.ones(3)})))


def test_names_of_the_tokenizers_files_are_not_heeded(changed: Callable[[Change], Path]) -> None:
    file = changed(lambda content: at(content, "tokenizer.special.tokenizer_file", "/etc/passwd"))
    assert Tagger.load(file, device="cpu")("Ann ran") is not None


class Boom:
    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("boom",)


def test_torchs_advice_reaches_nobody(changed: Callable[[Change], Path], tmp_path: Path) -> None:
    """It says to load the file with weights_only=False, which runs what is in it."""
    old = io.BytesIO()
    pickle.dump({"x": Boom()}, old)
    (tmp_path / "pickle.ckpt").write_bytes(old.getvalue())
    for file in (changed(lambda content: content.update(x=Boom())), tmp_path / "pickle.ckpt"):
        with pytest.raises(UserError, match=r"never opened|not a checkpoint") as refused:
            load(file)
        assert "weights_only" not in "".join(traceback.format_exception(refused.value))
    folder = tmp_path / "encoder"
    folder.mkdir()
    from ner_lightning.model.pretrained.hub import EncoderUnavailable, load_from

    def torchs(_: bool) -> None:
        torch.load(tmp_path / "changed.ckpt", weights_only=True)

    with pytest.raises(EncoderUnavailable, match="never opened") as told:
        load_from(str(folder), torchs, "encoder")
    assert "weights_only" not in "".join(traceback.format_exception(told.value))


def test_the_corpus_of_somebody_elses_checkpoint_is_not_read(
    run: Path, changed: Callable[[Change], Path], tmp_path: Path
) -> None:
    elsewhere = changed(lambda content: None)
    config = resolve_config(composed("evaluate", tmp_path, f"ckpt={elsewhere}", "split=dev"))
    with pytest.raises(
        UserError, match=r"was written elsewhere \(.*run\), and the corpus .* name the data: data=conll"
    ):
        build_evaluation(config, [])
    build_evaluation(resolve_config(composed("evaluate", tmp_path, f"ckpt={run}", "split=dev")), [])
    (named,) = {path.parent for path in run.parent.glob("corpus/dev.conll")}
    build_evaluation(
        resolve_config(composed("evaluate", tmp_path, f"ckpt={elsewhere}", "data=conll", f"data.dir={named}")), []
    )


def test_where_a_stored_corpus_was_kept_is_not_written_to(run: Path, tmp_path: Path) -> None:
    from ner_lightning.training.build import data_of_evaluation

    assert data_of_evaluation(None, {"cache": str(tmp_path)})["cache"] == "auto"
    assert data_of_evaluation(None, {"cache": None})["cache"] is None
    assert data_of_evaluation({"cache": str(tmp_path)}, {"cache": "auto"})["cache"] == str(tmp_path)


def test_a_resumed_checkpoint_names_no_other_file_as_its_best(run: Path, tmp_path: Path) -> None:
    content = torch.load(run / "checkpoints/last.ckpt", weights_only=True)
    secret = tmp_path / "home" / "secret"
    secret.parent.mkdir()
    secret.write_text("mine")
    states = [state for state in content["callbacks"].values() if "best_model_path" in state]
    assert states
    states[0]["best_model_path"] = str(secret)
    torch.save(content, tmp_path / "last.ckpt")
    task = load(run).task
    with pytest.raises(UserError, match=r"names .*secret as its best checkpoint"):
        check_resumption(tmp_path / "last.ckpt", task)
    check_resumption(run / "checkpoints/last.ckpt", task)
    assert read_checkpoint(run / "checkpoints/last.ckpt")["global_step"] > 0
