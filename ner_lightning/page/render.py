"""Render a template to one HTML file that needs nothing else."""

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
    """Fill a template; values are escaped.

    A template begins with `{% extends "skeleton.html" %}` and fills the blocks `title`, `head` (beside the heading) and
    `body`; `style` takes CSS of its own. `{% from "macros.html" import table %}` gives tables that sort. The page loads
    nothing: its style and its script are inside it, and its policy lets the browser apply and run just these, by their
    digests, and fetch nothing.

    Args:
        template: the file.
        values: of the names in the template; a name without a value is an error.
    """
    environment = Environment(
        loader=FileSystemLoader([template.parent, HERE]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=shorten_cell,
    )
    environment.filters["number"] = format_number
    environment.filters["percent"] = format_percent
    page = environment.get_template(template.name)
    own = "".join(page.blocks["style"](page.new_context(values))) if "style" in page.blocks else ""
    styles = [text for text in ((HERE / "page.css").read_text(encoding="utf-8"), own) if text]
    script = (HERE / "page.js").read_text(encoding="utf-8")
    return page.render(
        **values, policy=content_policy(styles, script), styles=[Markup(text) for text in styles], script=Markup(script)
    )


def shorten_cell(value: Any) -> Any:
    """Cut a text too long for a page: a label of 100 kB stops a browser for minutes. Markup of ours stays.

    >>> shorten_cell("x" * 5000)[-12:], shorten_cell(Markup("x" * 5000)) == "x" * 5000
    ('xxxxxxxxxxx…', True)
    """
    if isinstance(value, Markup) or not isinstance(value, str) or len(value) <= LONGEST or value.startswith(PICTURE):
        return value
    return f"{value[:LONGEST]}…"


def content_policy(styles: Sequence[str], script: str) -> str:
    """Build a page's content policy: these styles and this script, pictures inside the page, nothing else.

    The digests are computed from our own files, never from a page's final content.

    >>> content_policy([], "").partition("; ")[0]
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


def format_number(value: float | None) -> str:
    """Format a number for people: thousands apart, fractions to three digits, a dash for nothing.

    >>> format_number(23499), format_number(14.5021), format_number(0.03611), format_number(None)
    ('23,499', '14.5', '0.0361', '–')
    """
    if value is None:
        return "–"
    if isinstance(value, int) or value == int(value):
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def format_percent(share: float | None) -> str:
    """Format a share in percent, small ones with a digit more; a dash for nothing.

    >>> [format_percent(share) for share in (0.0365, 0.00012, 1e-6, 1.0, 0.0, None)]
    ['3.6 %', '0.01 %', '< 0.01 %', '100 %', '0 %', '–']
    """
    if share is None:
        return "–"
    if 0 < share < 0.00005:
        return "< 0.01 %"
    return f"{round(100 * share, 1 if share >= 0.001 else 2):g} %"
