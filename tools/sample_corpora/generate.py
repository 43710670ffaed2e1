"""Write the sample corpora again, or check that the committed files are what the grammar writes.

``python -m tools.sample_corpora.generate`` writes them, with ``--check`` it only compares.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ner_lightning.data.sample import folder
from tools.sample_corpora import chinese, english

# Characters teach less than words do, so the Chinese tagger gets more of them.
ENGLISH = {"train": 1500, "dev": 240, "test": 240}
CHINESE = {"train": 2000, "dev": 240, "test": 240}


def english_files() -> dict[str, str]:
    """Write the text of the English files by name: CoNLL columns, IOB2, documents marked."""
    files, seen = {}, set[tuple[str, ...]]()
    for split, count in ENGLISH.items():
        blocks = []
        for document in english.documents(split, count, seen):
            blocks.append("-DOCSTART-\tO\n")
            blocks.extend("".join(f"{word}\t{tag}\n" for word, tag in sentence) for sentence in document)
        files[f"en/{split}.conll"] = "\n".join(blocks)
    return files


def chinese_files() -> dict[str, str]:
    """Write the text of the Chinese files by name: one JSON object per line, character offsets, half-open."""
    files, seen = {}, set[str]()
    for split, count in CHINESE.items():
        lines = [
            json.dumps({"text": written.text, "label": written.spans}, ensure_ascii=False)
            for written in chinese.sentences(split, count, seen)
        ]
        files[f"zh/{split}.jsonl"] = "\n".join(lines) + "\n"
    return files


def write(root: Path) -> None:
    """Write all files below `root`."""
    for name, text in (english_files() | chinese_files()).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())


def stale(root: Path) -> list[str]:
    """List the files below `root` that are missing or differ from what the grammar writes."""
    texts = english_files() | chinese_files()
    return [
        name
        for name, text in texts.items()
        if not (root / name).is_file() or (root / name).read_bytes() != text.encode()
    ]


def main(arguments: list[str] | None = None) -> None:
    """Write or check; exits with a sentence if a file is stale."""
    parser = argparse.ArgumentParser(prog="python -m tools.sample_corpora.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only; exit code 1 if a file differs")
    root = folder("en").parent
    if not parser.parse_args(arguments).check:
        write(root)
    elif names := stale(root):
        sys.exit(f"expected the files the grammar writes, found others: {', '.join(names)}; run without --check")


if __name__ == "__main__":
    main()
