"""Inspect a corpus before training: `python -m ner_lightning.inspect data=conll data.dir=DIR [html=FILE]`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ner_lightning.command_line.door import door
from ner_lightning.run.folder import check_runs
from ner_lightning.storage.atomic import write_text
from ner_lightning.storage.json_text import json_text
from ner_lightning.storage.outputs import STANDARD, check_not_read, check_outputs, check_place, explain_os_errors

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from ner_lightning.inspection.inspection import Inspection

FAILED = 1


@door("inspect")
def main(cfg: DictConfig) -> None:
    """Show the report and write it; exit with 1, and a sentence per reason, if `fail_on` demands it."""
    from ner_lightning.inspection.report.text import show_inspection
    from ner_lightning.page.terminal import escape_line, make_console

    found = inspect(cfg)
    if cfg.output != "-":
        show_inspection(found, make_console())
    if found.failures:
        sys.stderr.write("".join(f"{escape_line(finding.sentence())}\n" for finding in found.failures))
        sys.exit(FAILED)


def inspect(cfg: DictConfig) -> Inspection:
    """Examine a corpus and write the findings to `output` and `html`.

    Args:
        cfg: composed from `conf/inspect.yaml`.

    Raises:
        UserError: a corpus, an encoder or a file cannot be used.
    """
    from ner_lightning.config.objects import make, resolve_config
    from ner_lightning.inspection.corpus import read_corpus
    from ner_lightning.inspection.inspection import inspect_corpus

    config = resolve_config(cfg)
    settings = make(config["inspection"], "inspection")
    encoder = (config.get("model") or {}).get("encoder")
    words = None
    if encoder is not None:
        from ner_lightning.inspection.encoder import load_words

        words = load_words(encoder, config["data"].get("units", "words"))
    outputs = {key: config[key] for key in ("output", "html")}
    for key, name in outputs.items():
        check_place(key, name)
    check_outputs(outputs, {})
    check_runs(outputs, force=config["force"])
    with read_corpus(config["data"]) as corpus:
        check_not_read(outputs, corpus.read)
        found = inspect_corpus(corpus, settings, words, encoder["name"] if encoder else "")
    if config["output"] is not None:
        _write("output", str(config["output"]), json_text(found.to_json(), indent=1) + "\n")
    if config["html"] is not None:
        from ner_lightning.inspection.report.html import render_inspection

        _write("html", str(config["html"]), render_inspection(found))
    return found


def _write(key: str, name: str, text: str) -> None:
    if name == STANDARD:
        sys.stdout.write(text)
        return
    with explain_os_errors(key, name):
        write_text(Path(name).expanduser(), text)


if __name__ == "__main__":
    main()
