"""The notebooks, executed: `python -m tests.notebooks` writes them anew with their outputs, `make notebooks` too."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat

FOLDER = Path(__file__).parents[1] / "notebooks"
NAMES = ("01_from_text_to_entities", "02_read_a_sweep", "03_errors_of_one_model")


def read(name: str) -> Any:
    """A notebook as it is committed."""
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def code(notebook: Any) -> list[Any]:
    """Its cells with code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def execute(name: str, folder: Path) -> Any:
    """A notebook with the outputs of a run in a folder, which it writes into."""
    from nbclient import NotebookClient

    notebook = read(name)
    for cell in code(notebook):
        cell.outputs = []
    NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(folder)}}).execute()
    for cell in code(notebook):
        cell.metadata.pop("execution", None)  # when each cell ran: another time each time
    return notebook


def main() -> None:
    """Write those that were named, or all."""
    os.environ["PYTHONPATH"] = str(FOLDER.parent)
    for name in sys.argv[1:] or NAMES:
        with TemporaryDirectory() as folder:
            nbformat.write(execute(name, Path(folder)), FOLDER / f"{name}.ipynb")
        sys.stdout.write(f"notebooks/{name}.ipynb\n")


if __name__ == "__main__":
    main()
