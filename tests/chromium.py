"""Debian's Chromium under Playwright, and where it is not there the reason why."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def executable() -> str | None:
    """Where Chromium is: `CHROMIUM`, else on the path."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium")


def missing() -> str:
    """Why no browser test can run; empty where they can."""
    try:
        import axe_playwright_python  # noqa: F401
        import playwright  # noqa: F401
    except ImportError as error:
        return f"needs {error.name}: make test-browser installs it"
    return "" if executable() else "needs Chromium: apt-get install chromium, or set CHROMIUM"


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=executable(), headless=True, args=list(QUIET))
        try:
            yield browser
        finally:
            browser.close()
