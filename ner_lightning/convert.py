"""Convert between formats: `python -m ner_lightning.convert input=FILE output=FILE [from=FORMAT] [to=FORMAT]`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ner_lightning.command_line.door import door

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from ner_lightning.data.conversion import Converted


@door("convert")
def main(cfg: DictConfig) -> None:
    """Convert one file and show the report."""
    from ner_lightning.data.conversion import conversion_table
    from ner_lightning.page import terminal

    converted = convert(cfg)
    console = terminal.make_console(stderr=True)
    console.print(conversion_table(converted))
    for line in converted.remarks():
        console.print(terminal.escape_line(line), soft_wrap=True)


def convert(cfg: DictConfig) -> Converted:
    """Convert one file.

    Args:
        cfg: composed from `conf/convert.yaml`.

    Returns:
        A summary of what was read and written.

    Raises:
        UserError: a file cannot be read or written, or exists already.
    """
    from ner_lightning.config.objects import make, resolve_config
    from ner_lightning.data.conversion import convert_file

    config = resolve_config(cfg)
    return convert_file(
        make(config["from"], "from"),
        make(config["to"], "to"),
        config["input"],
        config["output"],
        force=config["force"],
        report_file=config["report"],
        problems_file=config["problems"],
        longest_sentence=config["longest_sentence"],
    )


if __name__ == "__main__":
    main()
