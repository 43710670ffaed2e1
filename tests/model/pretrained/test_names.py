from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ner_lightning.model.pretrained.names import EncoderUnavailable, load_tokenizer, resolve, unknown_share

SENTENCE = "据报道张伟昨天从上海飞往纽约参加联合国举行的会议"


def test_importing_is_cheap() -> None:
    program = "import sys, ner_lightning.model.pretrained.names as _; "
    program += "print({'torch', 'transformers', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A complete local folder: the small files of MiniLM and some weights."""
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(Path(resolve("package:minilm")) / name, tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"")
    return tmp_path


def test_a_complete_folder_is_itself(folder: Path) -> None:
    assert resolve(str(folder)) == str(folder)
    assert load_tokenizer(str(folder)).tokenize("Berlin") == ["berlin"]


@pytest.mark.parametrize(
    ("file", "what"),
    [
        ("config.json", "lacks config.json:"),
        ("tokenizer.json", "lacks a tokenizer (tokenizer.json or vocab.txt):"),
        ("model.safetensors", "lacks weights (model.safetensors or model.safetensors.index.json):"),
    ],
)
def test_an_incomplete_folder_says_what_it_lacks(folder: Path, file: str, what: str) -> None:
    (folder / file).unlink()
    with pytest.raises(EncoderUnavailable) as error:
        load_tokenizer(str(folder))
    assert str(folder) in str(error.value)
    assert what in str(error.value)


def test_a_tokenizer_that_cannot_be_read_names_its_folder(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{")
    with pytest.raises(EncoderUnavailable, match=r"tokenizer in .* cannot be read") as error:
        load_tokenizer(str(folder))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["/no/such/folder", "./models/mine", "~/models/mine", "a/b/c"])
def test_a_path_to_nowhere_is_not_taken_for_a_hub_name(name: str) -> None:
    with pytest.raises(EncoderUnavailable, match="expected a folder with an encoder"):
        resolve(name)


def test_a_file_is_no_folder(folder: Path) -> None:
    with pytest.raises(EncoderUnavailable, match="found a file there"):
        resolve(str(folder / "config.json"))


@pytest.mark.parametrize("name", ["google-bert/bert-base-cased", "bert-base-cased"])
def test_anything_else_is_a_hub_name(name: str) -> None:
    assert resolve(name) == name


def test_units_are_words_or_characters() -> None:
    with pytest.raises(ValueError, match="expected units 'words' or 'characters', found 'subwords'"):
        load_tokenizer("package:minilm", units="subwords")  # type: ignore[arg-type]


def save_tokenizer(folder: Path, model: Any, pre_tokenizer: Any, tokenizer_class: str, **special: str) -> str:
    """A folder with a tokenizer made here; the files of the model are empty."""
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizer
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    settings = (folder / "tokenizer_config.json").read_text()
    (folder / "tokenizer_config.json").write_text(settings.replace('"TokenizersBackend"', f'"{tokenizer_class}"'))
    (folder / "config.json").write_text('{"model_type": "roberta"}')
    (folder / "model.safetensors").touch()
    return str(folder)


@pytest.mark.parametrize("tokenizer_class", ["RobertaTokenizer", "PreTrainedTokenizerFast"])
def test_byte_level_words_begin_as_in_running_text(tmp_path: Path, tokenizer_class: str) -> None:
    from tokenizers import models, pre_tokenizers

    vocabulary = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "i": 4, "n": 5, "Ġ": 6, "Ġi": 7, "Ġin": 8, "in": 9}
    model = models.BPE(vocabulary, [("Ġ", "i"), ("Ġi", "n"), ("i", "n")], unk_token="<unk>")
    special = {"unk_token": "<unk>", "pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>"}
    pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    name = save_tokenizer(tmp_path, model, pre_tokenizer, tokenizer_class, **special)

    def pieces(**options: Any) -> list[str]:
        encoded = load_tokenizer(name, **options)(["in", "in"], is_split_into_words=True, add_special_tokens=False)
        return load_tokenizer(name).convert_ids_to_tokens(encoded["input_ids"])

    assert pieces() == ["Ġin", "Ġin"]
    assert pieces(units="characters") == ["in", "in"]


@pytest.mark.parametrize("split_first", [False, True])
def test_characters_become_one_piece_each(tmp_path: Path, split_first: bool) -> None:
    from tokenizers import models, pre_tokenizers

    pieces = ["<unk>", "▁", "北", "京", "▁北京", "北京"]
    model = models.Unigram([(piece, -float(place)) for place, piece in enumerate(pieces)], unk_id=0)
    pre_tokenizer: Any = pre_tokenizers.Metaspace()
    if split_first:  # as XLM-R has it
        pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizer])
    name = save_tokenizer(tmp_path, model, pre_tokenizer, "PreTrainedTokenizerFast", unk_token="<unk>")

    def encode(units: Any) -> tuple[list[str], list[int | None]]:
        tokenizer = load_tokenizer(name, units=units)
        encoded = tokenizer(["北", "京"], is_split_into_words=True)
        return tokenizer.convert_ids_to_tokens(encoded["input_ids"]), encoded.word_ids()

    assert encode("words") == (["▁", "北", "▁", "京"], [0, 0, 1, 1])
    assert encode("characters") == (["北", "京"], [0, 1])


@pytest.fixture(scope="module")
def multilingual() -> Any:
    return load_tokenizer("package:e5_multilingual", units="characters")


def test_the_multilingual_tokenizer_reads_characters_one_to_one(multilingual: Any) -> None:
    tokenizer = multilingual
    words = list(SENTENCE + "ABC，2024")
    encoded = tokenizer(words, is_split_into_words=True, add_special_tokens=False)
    assert encoded.word_ids() == list(range(len(words)))
    assert tokenizer.convert_ids_to_tokens(encoded["input_ids"]) == [*words[:-5], ",", *words[-4:]]


def test_bert_tokenizers_do_not_change_with_the_units() -> None:
    words = ["Angela", "Merkel", "in", "北"]
    encoded = [
        load_tokenizer("package:minilm", units=units)(words, is_split_into_words=True)["input_ids"]
        for units in ("words", "characters")
    ]
    assert encoded[0] == encoded[1]


def test_minilm_does_not_know_chinese_and_the_multilingual_encoder_does(multilingual: Any) -> None:
    minilm = load_tokenizer("package:minilm")
    assert unknown_share(minilm, list(SENTENCE)) > 0.4
    assert unknown_share(minilm, ["Angela", "Merkel"]) == 0
    assert unknown_share(minilm, ["Angela", "习", "\ufe0f", "大"]) == 0.25
    assert unknown_share(minilm, []) == 0
    assert unknown_share(multilingual, list(SENTENCE)) == 0
