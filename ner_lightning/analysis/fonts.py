"""Letters that the font of pictures lacks, such as Chinese ones, are taken from another installed font.

Letters that no font has are reported once, where matplotlib would warn at every text of every picture.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

log = logging.getLogger(__name__)

# These are tried first, before any other installed font.
KNOWN = (
    *("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "WenQuanYi Micro Hei"),
    *("WenQuanYi Zen Hei", "Microsoft YaHei", "SimHei", "PingFang SC", "Hiragino Sans GB", "Heiti TC"),
    *("Droid Sans Fallback", "Arial Unicode MS"),
)
MOST_NAMED = 12  # letters

_named: set[str] = set()


def lend_letters(figure: Figure) -> None:
    """Let the texts of a figure use installed fonts that have the letters they need."""
    from matplotlib.text import Text

    for axes in figure.axes:  # labels of ticks exist only once they are asked for
        axes.get_xticklabels(), axes.get_yticklabels()
    texts = [text for text in figure.findobj(Text) if not text.get_text().isascii()]
    letters = {letter for text in texts for letter in text.get_text() if letter.isprintable() and letter != " "}
    if missing := frozenset(letters - _letters_of(_own_font())):
        lenders, lacking = _lenders(missing)
        for text in texts:
            text.set_fontfamily([*dict.fromkeys([*text.get_fontfamily(), *lenders])])
        _name(lacking)


def _name(lacking: frozenset[str]) -> None:
    """Warn about letters that are shown as boxes, each letter once."""
    if new := sorted(lacking - _named):
        _named.update(new)
        more = f" and {len(new) - MOST_NAMED} more" if len(new) > MOST_NAMED else ""
        log.warning(
            "pictures show boxes in place of %s%s: no installed font has them; Noto Sans CJK has Chinese, Japanese "
            "and Korean ones",
            " ".join(new[:MOST_NAMED]),
            more,
        )


@functools.cache
def _lenders(missing: frozenset[str]) -> tuple[list[str], frozenset[str]]:
    """Choose a few fonts that have the letters, and list the letters that no font has."""
    lenders = []
    for name, file in _installed():
        if not missing:
            break
        if has := missing & _letters_of(file):
            lenders.append(name)
            missing -= has
    return lenders, missing


def _installed() -> Iterator[tuple[str, str]]:
    """Yield names and files of fonts, the known ones first, without the one that has only boxes."""
    from matplotlib.font_manager import fontManager

    files = {font.name: font.fname for font in fontManager.ttflist if "Last Resort" not in font.name}
    yield from ((name, files.pop(name)) for name in KNOWN if name in files)
    yield from sorted(files.items())


def _own_font() -> str:
    from matplotlib.font_manager import FontProperties, findfont

    return findfont(FontProperties())


@functools.cache
def _letters_of(file: str) -> frozenset[str]:
    from matplotlib.ft2font import FT2Font

    try:
        font = FT2Font(file)
        return frozenset(map(chr, font.get_charmap())) if font.scalable else frozenset()
    except (OSError, RuntimeError):  # of a kind that it cannot read
        return frozenset()
