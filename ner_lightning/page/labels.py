"""Names as labels of pictures: data may be called anything, a picture has an end."""

from __future__ import annotations

from itertools import accumulate

from rich.cells import get_character_cell_size


def breadth(text: str) -> float:
    """Estimate how broad a text is printed in a sans serif, in heights of its letters: rather too broad.

    >>> breadth("per"), breadth("PER"), breadth("人名")
    (1.92, 2.37, 2.2)
    """
    return round(sum(map(_breadth, text)), 2)


def cut_label(text: str, room: float) -> str:
    """Cut a text that is broader than its room; what it was is for the reader to look up elsewhere.

    Args:
        text: of one line.
        room: in heights of its letters.

    >>> cut_label("organisation", 10), cut_label("organisation-political-party", 10)
    ('organisation', 'organisation-p…')
    """
    reach = [*accumulate(map(_breadth, text[: int(8 * room) + 8]))]  # the narrowest letter has a seventh
    if not reach or (reach[-1] <= room and len(reach) == len(text)):
        return text
    fitting = sum(breadth <= room - _breadth("…") for breadth in reach)
    return f"{text[:fitting].rstrip()}…"


def _breadth(letter: str) -> float:
    cells = get_character_cell_size(letter)
    if cells != 1:
        return 1.1 if cells else 0.125
    return 1.0 if letter in "MWmw@%…—" else 0.79 if letter.isupper() or letter in "&#" else 0.64
