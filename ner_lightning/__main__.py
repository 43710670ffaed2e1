"""The list of commands: `python -m ner_lightning`."""

from __future__ import annotations

import ast
import sys
from difflib import get_close_matches
from pathlib import Path

USER_ERROR = 2


def main(argv: list[str] | None = None) -> int:
    """Print the commands; exit with 2 if there are words, which is no way to start a command."""
    words = sys.argv[1:] if argv is None else argv
    commands = commands_of(Path(__file__).parent)
    asked = [word for word in words if not word.startswith("-")]
    if asked:
        match = get_close_matches(asked[0], commands, 1)
        how = f"python -m ner_lightning.{match[0] if match else 'COMMAND'}"
        sys.stderr.write(f"{asked[0]}: a command is started as {how}; python -m ner_lightning lists them.\n")
        return USER_ERROR
    width = max(map(len, commands))
    lines = [f"  python -m ner_lightning.{name:{width}}  {about}" for name, about in commands.items()]
    sys.stdout.write("\n".join(["Commands (each has --help):", "", *lines, ""]))
    return 0


def commands_of(package: Path) -> dict[str, str]:
    """List the commands by name with the first line of their docstrings: the modules that can be run.

    Args:
        package: its folder.
    """
    found = {}
    for file in sorted(package.glob("*.py")):
        text = file.read_text(encoding="utf-8")
        if '\nif __name__ == "__main__":' in text and file.name != "__main__.py":
            found[file.stem] = (ast.get_docstring(ast.parse(text)) or "").split("\n")[0].partition(": `")[0]
    return found


if __name__ == "__main__":
    sys.exit(main())
