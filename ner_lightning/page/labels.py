"""Names as labels of charts: they may be of any length, the space for them is not."""

from __future__ import annotations

from itertools import accumulate

from rich.cells import get_character_cell_size


def measure_breadth(text: str) -> float:
    """Estimate how broad a text is in a sans serif, in heights of its letters; rather too broad than too narrow.

    >>> measure_breadth("per"), measure_breadth("PER"), measure_breadth("人名")
    (1.92, 2.37, 2.2)
    """
    return round(sum(map(_breadth, text)), 2)


def cut_label(text: str, room: float) -> str:
    """Cut a text to its room, with an ellipsis; the full text must be shown elsewhere.

    Args:
        text: of one line.
        room: in heights of its letters.

    >>> cut_label("organisation", 10), cut_label("organisation-political-party", 10)
    ('organisation', 'organisation-p…')
    """
    reach = [*accumulate(map(_breadth, text[: int(8 * room) + 8]))]  # a letter has a seventh of its height or more
    if not reach or (reach[-1] <= room and len(reach) == len(text)):
        return text
    fitting = sum(breadth <= room - _breadth("…") for breadth in reach)
    return f"{text[:fitting].rstrip()}…"


def _breadth(letter: str) -> float:
    cells = get_character_cell_size(letter)
    if cells != 1:
        return 1.1 if cells else 0.125
    return 1.0 if letter in "MWmw@%…—" else 0.79 if letter.isupper() or letter in "&#" else 0.64
