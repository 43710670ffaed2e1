"""The committed files are what the grammar writes, and `--check` says so when they are not."""

from pathlib import Path

import pytest

from ner_lightning.data.sample import folder
from tools.sample_corpora import generate


def test_committed_files_are_what_the_grammar_writes() -> None:
    assert generate.stale(folder("en").parent) == []


def test_stale_names_what_differs(tmp_path: Path) -> None:
    generate.write(tmp_path)
    assert generate.stale(tmp_path) == []
    (tmp_path / "en" / "dev.conll").write_text("Oslo\tB-LOC\n", encoding="utf-8")
    (tmp_path / "zh" / "test.jsonl").unlink()
    assert generate.stale(tmp_path) == ["en/dev.conll", "zh/test.jsonl"]


def test_check_writes_nothing_and_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "folder", lambda language: tmp_path / language)
    with pytest.raises(SystemExit, match=r"found others: en/train\.conll.*run without --check"):
        generate.main(["--check"])
    assert not list(tmp_path.iterdir())
    generate.main([])
    generate.main(["--check"])
