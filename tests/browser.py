"""A page in a real browser: what it logs, how wide it is, what a click does."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def opened(file: Path, *, width: int = 1280, height: int = 900, dark: bool = False) -> Iterator[tuple[Page, list[str]]]:
    """A file in headless Chromium, and beside it what went wrong there: errors, warnings, requests for anything else.

    The test is skipped where there is no Chromium, or no playwright.

    Args:
        file: the page.
        width: of the window, in CSS pixels.
        height: likewise.
        dark: whether the user likes it dark.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="opening a page needs playwright")
    executable = next(filter(None, map(shutil.which, NAMES)), None)
    if executable is None:
        pytest.skip(f"opening a page needs a Chromium: none of {', '.join(NAMES)} is installed")
    wrong: list[str] = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        try:
            page = browser.new_page(
                viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
            )
            page.on("console", lambda message: message.type in ("error", "warning") and wrong.append(message.text))
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on("request", lambda request: request.url.startswith("http") and wrong.append(request.url))
            page.goto(file.absolute().as_uri())
            yield page, wrong
        finally:
            browser.close()


def scrolls_sideways(page: Page) -> bool:
    """Whether the page as a whole is wider than the window."""
    return page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


def column(page: Page, table: str, index: int) -> list[str]:
    """The cells of a column of the first table that a selector finds, as they stand."""
    return page.locator(table).first.locator(f"tbody tr td:nth-child({index + 1})").all_inner_texts()
