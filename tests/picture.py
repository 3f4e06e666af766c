"""The README's picture of the report: `python -m tests.picture [REPORT.html]` writes `reports/report.png`.

Without a report it draws the newest one of `reports/`, else the sample kept there.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.chromium import chromium, missing
from tests.conftest import ROOT

PICTURE = ROOT / "reports" / "report.png"
MOST_BYTES = 300_000
WIDTH, HEIGHT = 1200, 1000


def main(words: list[str]) -> int:
    """Draw the first screen; what is wrong goes to stderr."""
    reports = [Path(word) for word in words] or sorted((ROOT / "reports").glob("*.html"))
    if missing() or not reports:
        sys.stderr.write((missing() or "no report yet: run `make audit` first") + "\n")
        return 2
    PICTURE.parent.mkdir(exist_ok=True)
    with chromium() as browser:
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.goto(reports[-1].resolve().as_uri())
        page.screenshot(path=PICTURE, clip={"x": 0, "y": 0, "width": WIDTH, "height": HEIGHT})
    size = PICTURE.stat().st_size
    if size > MOST_BYTES:
        sys.stderr.write(f"{PICTURE.name} has {size:,} bytes; at most {MOST_BYTES:,} are wanted\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
