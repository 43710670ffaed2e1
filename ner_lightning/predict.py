"""Tag text: `python -m ner_lightning.predict ckpt=RUN_FOLDER input=FILE output=FILE`."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from ner_lightning.command_line.door import door
from ner_lightning.page.wording import format_count
from ner_lightning.run.folder import check_runs
from ner_lightning.storage.outputs import check_outputs, check_place

if TYPE_CHECKING:
    from omegaconf import DictConfig

log = logging.getLogger(__name__)


@door("predict")
def main(cfg: DictConfig) -> None:
    """Tag one file."""
    from ner_lightning.config.objects import make, resolve_config
    from ner_lightning.inference.file_tagging import tag_file
    from ner_lightning.inference.tagger import Tagger

    check_place("output", cfg.output)
    check_outputs({"output": cfg.output}, {"input": cfg.input, "ckpt": cfg.ckpt})
    check_runs({"output": cfg.output}, force=cfg.force)
    tagger = Tagger.load(cfg.ckpt, device=cfg.device, units=cfg.units)
    node = resolve_config(cfg).get("from")
    reader = None if node is None else make(node, "from")
    started = time.monotonic()
    done = tag_file(
        tagger,
        cfg.input,
        cfg.output,
        reader=reader,
        output_format=cfg.output_format,
        batch_size=cfg.batch_size,
        min_probability=cfg.min_probability,
        longest_sentence=cfg.longest_sentence,
        force=cfg.force,
    )
    rate = (done.sentences - done.resumed) / (time.monotonic() - started)
    if done.resumed:
        log.info("tagged before: %s of them", format_count(done.resumed, "sentence"))
    found = f"{format_count(done.sentences, 'sentence')}, {format_count(done.entities, 'entity', 'entities')}"
    log.info("%s, %s sentences per second", found, f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}")
    if done.left_out:
        log.warning("left out: %s without a word", format_count(done.left_out, "line"))
    if done.alone:
        log.warning("read without the context of training: %s of no document", format_count(done.alone, "sentence"))
    if done.aside:
        place = f"they are in {done.aside_in}" if done.aside_in else "standard output has no place for them"
        log.warning("set aside: %s; %s", format_count(done.aside, "sentence"), place)


if __name__ == "__main__":
    main()
