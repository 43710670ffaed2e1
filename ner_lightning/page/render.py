"""From a template to one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

HERE = Path(__file__).parent
LONGEST = 2000  # characters of a text in a page
PICTURE = "data:image/"


def render(template: Path, **values: Any) -> str:
    """Fill a template; what is put in is escaped.

    A template begins with `{% extends "skeleton.html" %}` and fills the blocks `title`, `head` (beside the heading) and
    `body`; `style` has CSS of its own. `{% from "macros.html" import table %}` gives tables that sort. The page loads
    nothing: its style and its script stand in it, and its policy lets the browser run and apply just these, by their
    digests, and fetch nothing.

    Args:
        template: the file.
        values: what it names; a name without value is an error.
    """
    environment = Environment(
        loader=FileSystemLoader([template.parent, HERE]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=shortened,
    )
    environment.filters["number"] = number
    environment.filters["percent"] = percent
    page = environment.get_template(template.name)
    own = "".join(page.blocks["style"](page.new_context(values))) if "style" in page.blocks else ""
    styles = [text for text in ((HERE / "page.css").read_text(encoding="utf-8"), own) if text]
    script = (HERE / "page.js").read_text(encoding="utf-8")
    return page.render(
        **values, policy=policy(styles, script), styles=[Markup(text) for text in styles], script=Markup(script)
    )


def shortened(value: Any) -> Any:
    """Cut a text that no page is for: a label of 100 kB stops a browser for minutes. Markup, ours, stays.

    >>> shortened("x" * 5000)[-12:], shortened(Markup("x" * 5000)) == "x" * 5000
    ('xxxxxxxxxxx…', True)
    """
    if isinstance(value, Markup) or not isinstance(value, str) or len(value) <= LONGEST or value.startswith(PICTURE):
        return value
    return f"{value[:LONGEST]}…"


def policy(styles: Sequence[str], script: str) -> str:
    """The policy of a page: these styles and this script, pictures that stand in it, and nothing else.

    The digests are of our own files, never of what a page turned out to hold.

    >>> policy([], "").partition("; ")[0]
    "default-src 'none'"
    """
    allowed = " ".join(map(_digest, styles)) or "'none'"
    return "; ".join(
        [
            "default-src 'none'",
            f"style-src {allowed}",
            f"script-src {_digest(script)}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def number(value: float | None) -> str:
    """A number for people: thousands apart, fractions to three digits, a dash for nothing.

    >>> number(23499), number(14.5021), number(0.03611), number(None)
    ('23,499', '14.5', '0.0361', '–')
    """
    if value is None:
        return "–"
    if isinstance(value, int) or value == int(value):
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def percent(share: float | None) -> str:
    """A share in percent, small ones with a digit more; a dash for nothing.

    >>> percent(0.0365), percent(0.00012), percent(1e-6), percent(1.0), percent(0.0), percent(None)
    ('3.6 %', '0.01 %', '< 0.01 %', '100 %', '0 %', '–')
    """
    if share is None:
        return "–"
    if 0 < share < 0.00005:
        return "< 0.01 %"
    return f"{round(100 * share, 1 if share >= 0.001 else 2):g} %"
