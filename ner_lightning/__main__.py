"""The list of commands: `python -m ner_lightning`."""

from __future__ import annotations

import ast
import sys
from difflib import get_close_matches
from importlib.metadata import entry_points
from pathlib import Path

from ner_lightning.command_line.closed_output import end_with_reader

USER_ERROR = 2

GROUP = "ner_lightning.commands"
"""Group of entry points. An entry's value is a module of an installed package that can be run."""


def main(argv: list[str] | None = None) -> int:
    """Print the commands; exit with 2 if there are words, which is no way to start a command."""
    words = sys.argv[1:] if argv is None else argv
    commands = commands_of(Path(__file__).parent) | commands_of_others()
    asked = [word for word in words if not word.startswith("-")]
    if asked:
        names = {module.rpartition(".")[2]: module for module in commands}
        match = get_close_matches(asked[0], names, 1)
        how = f"python -m {names[match[0]] if match else 'ner_lightning.COMMAND'}"
        sys.stderr.write(f"{asked[0]}: a command is started as {how}; python -m ner_lightning lists them.\n")
        return USER_ERROR
    width = max(map(len, commands))
    lines = [f"  python -m {module:{width}}  {about}".rstrip() for module, about in commands.items()]
    sys.stdout.write("\n".join(["Commands (each has --help):", "", *lines, ""]))
    return 0


def commands_of(package: Path) -> dict[str, str]:
    """List the commands by module with the first line of their docstrings: the modules that can be run.

    Args:
        package: its folder.
    """
    found = {}
    for file in sorted(package.glob("*.py")):
        text = file.read_text(encoding="utf-8")
        if '\nif __name__ == "__main__":' in text and file.name != "__main__.py":
            found[f"{package.name}.{file.stem}"] = _about(ast.parse(text))
    return found


def commands_of_others() -> dict[str, str]:
    """List the commands of installed packages likewise; none of them is imported."""
    from ner_lightning.config.source import parsed

    modules = [entry.value for entry in sorted(entry_points(group=GROUP))]
    return {module: _about(tree) if (tree := parsed(module)) else "" for module in modules}


def _about(module: ast.Module) -> str:
    return (ast.get_docstring(module) or "").split("\n")[0].partition(": `")[0]


if __name__ == "__main__":
    with end_with_reader():
        sys.exit(main())
