"""Draw all pictures of a comparison that make sense for its runs, as PNG and SVG."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ner_lightning.analysis.plots import save_figure
from ner_lightning.comparison.comparison import Comparison
from ner_lightning.comparison.pictures.difference_pictures import draw_forest, draw_forest_over_all
from ner_lightning.comparison.pictures.error_pictures import draw_error_kinds, draw_reliability
from ner_lightning.comparison.pictures.score_pictures import draw_parallel, draw_pareto, draw_rates, draw_seed_spread
from ner_lightning.comparison.pictures.training_pictures import draw_learning_curves
from ner_lightning.comparison.section import Section
from ner_lightning.comparison.settings import Settings
from ner_lightning.comparison.why import Why, find_stored_picture
from ner_lightning.run.folder import TRANSITIONS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Picture(NamedTuple):
    """A picture that was drawn.

    Attributes:
        name: of the file.
        title: its title in words.
        svg: the file; a PNG of the same name is beside it.
    """

    name: str
    title: str
    svg: Path


class Pictures(NamedTuple):
    """The pictures of a comparison.

    Attributes:
        overall: of all sections together.
        sections: of each.
    """

    overall: list[Picture]
    sections: list[list[Picture]]


OF_SCORES: dict[str, tuple[str, Callable[[Section, Settings], Figure | None]]] = {
    "seeds": ("F1 of every run", draw_seed_spread),
    "differences": ("Differences", draw_forest),
    "learning_rate": ("F1 against the learning rate", draw_rates),
    "settings": ("All settings side by side", draw_parallel),
    "time": ("F1 against time", draw_pareto),
    "learning_curves": ("Learning curves", lambda section, _: draw_learning_curves(section)),
}
OF_ERRORS: dict[str, tuple[str, Callable[[Why], Figure | None]]] = {
    "errors": ("Errors by kind", draw_error_kinds),
    "reliability": ("Are the probabilities true?", draw_reliability),
}


def draw_all(comparison: Comparison, whys: Sequence[Why], folder: Path) -> Pictures:
    """Draw all that makes sense for a comparison; if there are several sections, each has a folder.

    Args:
        comparison: of `compare`.
        whys: of each section.
        folder: of the files.

    Raises:
        PlotsUnavailable: matplotlib is not installed.
    """
    settings, several = comparison.settings, len(comparison.sections) > 1
    drawn = nothing_drawn(comparison)
    if comparison.overall is not None:
        _, svg = save_figure(draw_forest_over_all(comparison.overall, settings), folder / "overall")
        drawn.overall.append(Picture("overall", "Differences on each test set, and their mean", svg))
    for section, why, pictures in zip(comparison.sections, whys, drawn.sections, strict=True):
        pictures += draw_pictures(section, why, settings, folder / folder_name(section.name) if several else folder)
    return drawn


def nothing_drawn(comparison: Comparison) -> Pictures:
    """Return a record without any picture."""
    return Pictures([], [[] for _ in comparison.sections])


def draw_pictures(section: Section, why: Why, settings: Settings, folder: Path) -> list[Picture]:
    """Draw all that makes sense for a section.

    Args:
        section: of a comparison.
        why: of the section.
        settings: of the comparison.
        folder: of the files.

    Raises:
        PlotsUnavailable: matplotlib is not installed.
    """
    found = []
    figures = {name: (title, make(section, settings)) for name, (title, make) in OF_SCORES.items()}
    figures |= {name: (title, make(why)) for name, (title, make) in OF_ERRORS.items()}
    for name, (title, figure) in figures.items():
        if figure is not None:
            _, svg = save_figure(figure, folder / name)
            found.append(Picture(name, title, svg))
    if (stored := find_stored_picture([*section.configurations.values()], TRANSITIONS)) is not None:
        configuration, svg = stored
        for file in (svg, svg.with_suffix(".png")):
            if file.is_file():
                shutil.copyfile(file, folder / file.name)
        found.append(Picture(TRANSITIONS, f"Transitions of a run of {configuration}", folder / svg.name))
    return found


def folder_name(section: str) -> str:
    """Turn a section's name into the name of a folder.

    >>> folder_name("sample:en"), folder_name("../x y")
    ('sample-en', 'x-y')
    """
    return re.sub(r"[^\w.+-]+", "-", section, flags=re.ASCII).strip("-.") or "all"
