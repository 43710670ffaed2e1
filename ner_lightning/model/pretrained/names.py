"""Find the files and the tokenizer of an encoder by its name.

A name is "package:minilm", "package:e5_multilingual", a local folder, or a hub name. Importing this module is cheap:
torch and transformers are loaded only where they are needed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ner_lightning.model.pretrained.hub import EncoderUnavailable, load_from
from ner_lightning.model.pretrained.packaged import PREFIX, packaged_folder
from ner_lightning.storage.folders import cache_folder

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

__all__ = ["EncoderUnavailable", "cache_folder", "load_tokenizer", "resolve", "unknown_share"]

_WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
_TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json", "spm.model", "sentencepiece.bpe.model", "spiece.model")


def resolve(name: str) -> str:
    """Return the folder behind a name, or the name itself if it belongs to the hub.

    Raises:
        EncoderUnavailable: The package is not installed or not genuine, or the folder is missing or incomplete.
    """
    if name.startswith(PREFIX):
        return str(packaged_folder(name.removeprefix(PREFIX)))
    folder = Path(name).expanduser()
    if folder.is_dir():
        _check_folder(folder)
        return str(folder)
    if folder.is_absolute() or name.startswith((".", "~")) or "\\" in name or name.count("/") > 1:
        raise EncoderUnavailable(
            f"expected a folder with an encoder at {name}, found {'a file' if folder.is_file() else 'nothing'} there: "
            "give model.encoder.name an existing folder, a hub name (owner/model), or package:minilm"
        )
    return name


def _check_folder(folder: Path) -> None:
    wanted = {"config.json": ("config.json",), "a tokenizer": _TOKENIZERS, "weights": _WEIGHTS}
    missing = [
        what if len(files) == 1 else f"{what} ({' or '.join(files[:2])})"
        for what, files in wanted.items()
        if not any((folder / file).is_file() for file in files)
    ]
    if missing:
        raise EncoderUnavailable(
            f"the folder {folder} is no complete encoder, it lacks {', '.join(missing)}: save model and tokenizer "
            "there with save_pretrained, or give model.encoder.name another folder"
        )


def load_tokenizer(
    name: str, revision: str | None = None, units: Literal["words", "characters"] = "words"
) -> PreTrainedTokenizerFast:
    """Load the fast tokenizer of an encoder, ready for split input (`is_split_into_words=True`).

    Args:
        name: As for `resolve`.
        revision: Branch, tag or commit of a hub name.
        units: What one word of the input is. For "characters", a SentencePiece tokenizer puts no "▁" before each of
            them: it would be a subword of its own, the first one, and know nothing of the character.

    Raises:
        EncoderUnavailable: Says in one sentence what can be done.
    """
    if units not in ("words", "characters"):
        raise ValueError(f"expected units 'words' or 'characters', found {units!r}")
    source = resolve(name)
    from transformers import AutoTokenizer

    def load(local_files_only: bool) -> Any:
        return AutoTokenizer.from_pretrained(
            source, revision=revision or "main", local_files_only=local_files_only, trust_remote_code=False
        )

    tokenizer = load_from(source, load, "tokenizer")
    if not tokenizer.is_fast:
        raise EncoderUnavailable(f"the tokenizer of {name!r} has no fast version, and only that one aligns with words")
    _prepare_for_split_input(tokenizer, units)
    return tokenizer


def _prepare_for_split_input(tokenizer: PreTrainedTokenizerFast, units: str) -> None:
    """Set, in place, how the first subword of each word is marked."""
    before = tokenizer.backend_tokenizer.pre_tokenizer
    if before is None:
        return
    state = json.loads(before.__getstate__())
    for part in state.get("pretokenizers", [state]):
        if part["type"] == "ByteLevel" and units == "words":
            # Otherwise the "Paris" that begins a word would be another subword than that in running text.
            part["add_prefix_space"] = True
        elif part["type"] == "Metaspace" and units == "characters":
            part.update(prepend_scheme="never", split=False)
    from tokenizers import pre_tokenizers

    after: Any = pre_tokenizers.Sequence([]) if isinstance(before, pre_tokenizers.Sequence) else type(before)()
    after.__setstate__(json.dumps(state).encode())
    tokenizer.backend_tokenizer.pre_tokenizer = after


def unknown_share(tokenizer: PreTrainedTokenizerFast, words: Iterable[str]) -> float:
    """Compute the share of words with something that the tokenizer does not know, between 0 and 1.

    MiniLM's vocabulary turns half of all Chinese characters into [UNK]; no training can repair that.
    """
    words = list(words)
    if not words or tokenizer.unk_token_id is None:
        return 0.0
    encoded = tokenizer(words, is_split_into_words=True, add_special_tokens=False, verbose=False)
    unknown = {
        word
        for word, piece in zip(encoded.word_ids(), encoded["input_ids"], strict=True)
        if piece == tokenizer.unk_token_id
    }
    return len(unknown) / len(words)
