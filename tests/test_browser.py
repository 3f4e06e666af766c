"""The report in a browser: it asks for nothing, runs nothing of a log's, answers to keys, and fits any page."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from router_audit.render import at, percent, usd
from router_audit.stages.build_table import TableOptions, build_table
from router_audit.stages.money import MoneyOptions
from router_audit.stages.report import ReportOptions, report
from router_audit.store import open_store
from tests.chromium import chromium, missing
from tests.conftest import ROOT
from tests.synthetic_store import Filling, count_canary, fill, state_outcomes, try_candidates

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(missing()), reason=missing())]

LIMITS = """
[[limit]]
provider = "anthropic"
model = "claude-haiku-4-5"
rpm = 50
input_tpm = 400000
"""
HOSTILE = (
    "<script>window.hit = 1</script></script><script>window.hit = 2</script></style><img src=x onerror='hit=3'>"
    '"><svg onload=hit=4> <a href="javascript:hit=5">a</a> \u202e{{ 7*7 }} -->]]> ' + "A" * 1_000_000
)


@dataclass
class Visit:
    """A page, and what it did."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with trials, canary pairs and rate limits, its table and its report in two forms."""
    path = tmp_path_factory.mktemp("read")
    (path / "limits.toml").write_text(LIMITS, "utf-8")
    with open_store(path / "audit.duckdb") as store:
        fill(store, Filling(requests=600))
        try_candidates(store)
        count_canary(store)
        state_outcomes(store)
        build_table(
            store, TableOptions(folder=path / "tables", money=MoneyOptions(limits=path / "limits.toml"))
        )
        for form in ("html", "json"):
            report(store, ReportOptions(tables=path / "tables", folder=path / "reports", format=form))
    return path


@contextmanager
def visited(browser: Browser, path: Path, **how: Any) -> Iterator[Visit]:
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **how})
    visit = Visit(context.new_page())
    visit.page.on("console", lambda message: visit.said.append(message.text))
    visit.page.on("pageerror", lambda error: visit.said.append(str(error)))
    visit.page.on("dialog", lambda dialog: visit.said.append(dialog.message))
    visit.page.on("request", lambda request: visit.asked.append(request.url))
    visit.page.goto(path.as_uri())
    try:
        yield visit
    finally:
        context.close()


@pytest.fixture
def visit(browser: Browser, folder: Path) -> Iterator[Visit]:
    with visited(browser, folder / "reports" / "v0001.html") as found:
        yield found


def test_it_asks_for_nothing_and_says_nothing(visit: Visit, folder: Path) -> None:
    for summary in visit.page.query_selector_all("summary"):
        summary.click()

    assert visit.asked == [(folder / "reports" / "v0001.html").as_uri()]
    assert visit.said == []


def test_every_picture_is_there_with_its_words_and_its_numbers(visit: Visit) -> None:
    found = {figure.get_attribute("id") for figure in visit.page.query_selector_all("figure")}

    assert found >= {
        "waterfall", "spend-over-time", "trilemma", "saving-by-route", "heat-requests", "heat-spend",
        "traffic-map", "token-kinds", "canary", "capacity", "course-cost", "course-latency", "course-resolution",
        "course-evidence", "course-tiers",
    }  # fmt: skip
    assert any(name.startswith("risk-") for name in found if name)
    for figure in visit.page.query_selector_all("figure"):
        assert len(figure.query_selector("svg.chart > title").text_content()) > 5
        assert len(figure.query_selector("svg.chart > desc").text_content()) > 20
        assert figure.query_selector_all("table tbody tr")


def test_the_policy_stops_script_and_style_that_are_not_ours(visit: Visit) -> None:
    visit.page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.hit = 1";
            document.body.append(script);
            document.body.setAttribute("style", "margin-left: 77px");
            document.body.insertAdjacentHTML("beforeend", "<img src='https://example.org/a.png' onerror='hit=1'>");
        }"""
    )

    assert visit.page.evaluate("window.hit") is None
    assert visit.page.evaluate("getComputedStyle(document.body).marginLeft") == "0px"
    assert any("https://example.org/a.png" in words and "policy" in words.lower() for words in visit.said)


def test_rows_open_by_keyboard(visit: Visit) -> None:
    visit.page.focus("#route-classification-standard > summary")
    visit.page.keyboard.press("Enter")

    assert visit.page.is_visible("#route-classification-standard .chosen-row")
    assert visit.page.is_visible("#route-classification-standard .examples li")
    visit.page.keyboard.press("Space")
    assert not visit.page.is_visible("#route-classification-standard .examples li")


def test_a_row_over_time_says_in_words_what_its_pictures_show(visit: Visit) -> None:
    sparks = visit.page.query_selector_all("#course ~ .scroll .spark")
    labels = [spark.get_attribute("aria-label") or "" for spark in sparks]

    assert len(labels) == 5 * 5  # all traffic and four routes, five figures each
    assert all(": " in label for label in labels)
    assert "Read with care" in (visit.page.text_content("#course ~ .care") or "")


def test_every_amount_on_the_page_is_the_one_in_the_json_to_the_cent(visit: Visit, folder: Path) -> None:
    said = json.loads((folder / "reports" / "v0001.json").read_text("utf-8"), parse_float=Decimal)
    amounts = visit.page.eval_on_selector_all(
        "data.usd", "all => all.map(e => [e.dataset.of, e.textContent])"
    )

    assert len(amounts) > 100
    for path, text in amounts:
        assert text == usd(at(said, path)), path


def test_the_sliders_show_what_their_command_answers(visit: Visit, folder: Path) -> None:
    page = visit.page
    for slider, presses in (("epsilon", "ArrowRight"), ("latency", "ArrowLeft"), ("share", "ArrowLeft")):
        page.focus(f"#{slider}")
        page.keyboard.press(presses)
    script, *words = shlex.split(page.text_content("#answer-command") or "")
    where = ["--json", "--db", "audit.duckdb", "--tables", "asked", "--limits", "limits.toml"]
    done = subprocess.run(
        [sys.executable, "-m", "router_audit", *words, *where],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert script == "router-audit"
    assert done.returncode == 0, done.stderr
    table = json.loads(done.stdout)
    month = table["savings"]["per_month_usd"]
    rows = page.eval_on_selector_all(
        "#answer-routes tr", "all => all.map(r => [...r.cells].map(c => c.textContent))"
    )

    assert table["epsilon"] == 0.08
    assert page.text_content("#answer-saving") == f"{usd(month['p50'])} a month"
    assert page.text_content("#answer-range") == f"(90% sure: {usd(month['p5'])} to {usd(month['p95'])})"
    assert percent(table["economy_share"]["after"]) in (page.text_content("#answer-rest") or "")
    assert [row[:3] for row in rows] == [
        [
            route["profile"],
            route["model"].partition("/")[2] if route["applied"] else "as asked",
            "assumed" if route["assumed"] else route["status"],
        ]
        for route in table["routes"]
        if route["requests"]
    ]


def test_it_reads_without_its_script(browser: Browser, folder: Path) -> None:
    with visited(browser, folder / "reports" / "v0001.html", java_script_enabled=False) as found:
        page = found.page

        assert page.is_visible("h1")
        assert page.is_visible("#waterfall svg.chart")
        assert not page.is_visible("#sliders")
        page.click("#by-epsilon > summary")
        assert page.is_visible("#by-epsilon table")


@pytest.mark.parametrize("width", [390, 768, 1280, 1920])
def test_nothing_sticks_out_at_any_width(browser: Browser, folder: Path, width: int) -> None:
    with visited(
        browser, folder / "reports" / "v0001.html", viewport={"width": width, "height": 900}
    ) as found:
        for summary in found.page.query_selector_all("summary"):
            summary.click()
        across = found.page.evaluate("document.documentElement.scrollWidth")

    assert across <= width


def test_it_fits_a_printed_page(browser: Browser, folder: Path) -> None:
    paper = {"width": 688, "height": 980}  # A4 less its margins
    with visited(browser, folder / "reports" / "v0001.html", viewport=paper) as found:
        for summary in found.page.query_selector_all("details.route > summary"):
            summary.click()
        found.page.emulate_media(media="print")

        assert found.page.evaluate("document.documentElement.scrollWidth") <= paper["width"]
        assert found.page.is_visible("#waterfall svg.chart")
        assert not found.page.is_visible("#sliders")


def test_a_print_has_its_rows_open_and_the_page_is_as_it_was_afterwards(visit: Visit) -> None:
    page = visit.page
    opened = "document.querySelectorAll('details.route[open]').length"
    page.click("#route-extraction-standard > summary")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    during = page.evaluate(opened)
    page.evaluate("dispatchEvent(new Event('afterprint'))")

    assert during == len(page.query_selector_all("details.route"))
    assert page.evaluate(opened) == 1
    assert page.is_visible("#route-extraction-standard .examples li")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_violation(browser: Browser, folder: Path, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    with visited(browser, folder / "reports" / "v0001.html", color_scheme=scheme, bypass_csp=True) as found:
        for summary in found.page.query_selector_all("details.route > summary"):
            summary.click()
        violations = Axe().run(found.page).response["violations"]

    serious = [
        f"{one['id']}: {one['nodes'][0]['html'][:160]} {one['nodes'][0].get('failureSummary', '')[:200]}"
        for one in violations
        if one["impact"] in {"serious", "critical"}
    ]
    assert serious == []


def test_a_hostile_log_runs_nothing(browser: Browser, tmp_path: Path) -> None:
    with open_store(tmp_path / "audit.duckdb") as store:
        fill(
            store,
            Filling(requests=24, text=HOSTILE, model="claude-haiku-4-5</script><img src=x onerror=hit=6>"),
        )
        build_table(store, TableOptions(folder=tmp_path / "tables"))
        path = report(store, ReportOptions(tables=tmp_path / "tables", folder=tmp_path / "reports")).path
    with visited(browser, path) as found:
        for summary in found.page.query_selector_all("summary"):
            summary.click()
        hit = found.page.evaluate("window.hit")
        images = found.page.query_selector_all("img, iframe, object, a[href^='javascript']")

        assert hit is None
        assert images == []
        assert found.said == []
        assert found.asked == [path.as_uri()]
        assert "window.hit = •" in (found.page.text_content("body") or "")
    assert "\u202e" not in path.read_text("utf-8")
    assert path.stat().st_size < 500_000
