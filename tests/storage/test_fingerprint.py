import subprocess
import sys
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from ner_lightning.data.corpus.encoding import WordEncoder
from ner_lightning.data.readers.conll import ConllReader
from ner_lightning.data.readers.jsonl import JsonlReader
from ner_lightning.model.pretrained.names import load_tokenizer
from ner_lightning.storage.fingerprint import (
    PACKAGE,
    code_files,
    digest,
    fingerprint_code,
    fingerprint_files,
    fingerprint_reader,
)


def test_the_bytes_decide_not_the_place(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("a")
    two.write_text("a")
    assert fingerprint_files(one) == fingerprint_files(two)
    two.write_text("b")
    assert fingerprint_files(one) != fingerprint_files(two)
    assert fingerprint_files(tmp_path / "none") is None


def test_a_folder_is_its_files_and_their_names(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "deep" / "x").write_text("a")
    assert fingerprint_files(tmp_path / "one") == fingerprint_files(tmp_path / "two")
    (tmp_path / "two/deep/x").rename(tmp_path / "two/deep/y")
    (tmp_path / "three/deep/x").write_text("b")
    assert len({fingerprint_files(tmp_path / name) for name in ("one", "two", "three")}) == 3


def test_the_class_and_options_of_a_reader_decide() -> None:
    assert fingerprint_reader(ConllReader()) == fingerprint_reader(ConllReader())
    others = [ConllReader(), ConllReader(word_column=1), ConllReader(comments=False), JsonlReader()]
    assert len({fingerprint_reader(reader) for reader in others}) == 4


def test_a_reader_that_holds_an_object_has_no_name() -> None:
    reader = ConllReader()
    reader.extra = object()  # type: ignore[attr-defined]
    assert fingerprint_reader(reader) is None


def test_the_source_of_a_foreign_reader_counts() -> None:
    class Mine:
        pass

    assert fingerprint_reader(Mine()) is not None
    assert fingerprint_reader(Mine()) != digest(f"{Mine.__module__}.{Mine.__qualname__}", "", {})


def test_the_code_of_reading_counts() -> None:
    program = """
import sys, pkgutil, importlib, ner_lightning.data.readers, ner_lightning.data.corpus, ner_lightning.data.text
for package in (ner_lightning.data.readers, ner_lightning.data.corpus, ner_lightning.data.text):
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
for name, module in sys.modules.items():
    if name.startswith("ner_lightning."):
        print(module.__file__)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    imported = {Path(line).relative_to(PACKAGE).as_posix() for line in done.stdout.split("\n") if line}
    counted = {file.relative_to(PACKAGE).as_posix() for file in code_files()}
    assert {"data/corpus/encoding.py", "data/readers/conll.py", "data/text/alignment.py"} <= imported
    # The keys of metrics say whether a source may be called so, and nothing of what is read.
    assert imported - counted <= {"run/__init__.py", "run/metric_keys.py"}
    assert len(fingerprint_code()) == 64


@pytest.fixture(scope="module")
def tokenizer(tiny_encoder: Path) -> PreTrainedTokenizerFast:
    return load_tokenizer(str(tiny_encoder))


def test_a_tokenizer_is_known_again_whatever_it_was_used_for(
    tokenizer: PreTrainedTokenizerFast, tiny_encoder: Path
) -> None:
    used = load_tokenizer(str(tiny_encoder))
    used(["a", "b c"], padding=True, truncation=True, max_length=4)
    assert WordEncoder(used, 64).fingerprint == WordEncoder(tokenizer, 64).fingerprint


def test_another_vocabulary_rule_or_room_is_another_tokenizer(
    tokenizer: PreTrainedTokenizerFast, tiny_encoder: Path
) -> None:
    state = tokenizer.backend_tokenizer.to_str()
    added = load_tokenizer(str(tiny_encoder))
    added.add_tokens(["Oslo"])
    lower = load_tokenizer(str(tiny_encoder))
    lower.backend_tokenizer.normalizer = None  # type: ignore[assignment]
    encoders = [WordEncoder(tokenizer, 64), WordEncoder(tokenizer, 32), WordEncoder(added, 64), WordEncoder(lower, 64)]
    assert len({encoder.fingerprint for encoder in encoders}) == 4
    assert Tokenizer.from_str(state).to_str() == state
