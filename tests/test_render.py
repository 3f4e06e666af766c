"""The page says what the summary says, runs nothing that a log wrote, and makes sense of nothing at all."""

from __future__ import annotations

import re
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from router_audit.render import count, day, html, percent, shortened, usd, verdict
from router_audit.summary import Share, Summary, Unknown
from router_audit.table_document import sealed
from tests.test_table_document import content


def summary(*, name: str = "anthropic/claude-opus-4-7", requests: int = 1200) -> Summary:
    body = content()
    body["savings"] = {
        "per_month_usd": {"p5": 90.0, "p50": 120.5, "p95": 150.0},
        "probability_positive": 1.0,
        "certified_share": 0.0,
    }
    table = sealed(body, version="v0001", parent=None)
    shares = (Share(name, requests, Decimal("812.345"), 1.0, 1.0),) if requests else ()
    return Summary(
        table=table,
        requests=requests,
        first_at="2026-10-01T00:00:00" if requests else None,
        last_at="2026-10-31T23:00:00" if requests else None,
        spend_usd=Decimal("812.345"),
        spend_per_month_usd=Decimal(830),
        by_model=shares,
        by_profile=shares,
        by_source=shares,
        rejects=(Unknown("not JSON", 2, f"{name}:3"),),
        unpriced=(),
        untagged=3,
    )


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes.update(name for name, _ in attrs)


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "</style><img src=x onerror=alert(1)>",
        '"><svg onload=alert(1)>',
        "javascript:alert(1)",
        "\u202egnp.exe",
    ],
)
def test_nothing_from_a_log_becomes_markup(hostile: str) -> None:
    clean, attacked = Tags(), Tags()
    clean.feed(html(summary()))
    attacked.feed(html(summary(name=hostile)))

    assert attacked.names == clean.names
    assert attacked.attributes == clean.attributes
    assert not {name for name in attacked.attributes if name.startswith("on")} | ({"script"} & attacked.names)


def test_the_page_reaches_for_nothing_outside_itself() -> None:
    page = html(summary())

    assert "default-src 'none'" in page
    assert not re.search(r"(?:src|href)=[\"'](?!#)", page)
    assert "@import" not in page


def test_the_same_summary_gives_the_same_bytes() -> None:
    assert html(summary()) == html(summary())


def test_a_page_of_nothing_still_says_so() -> None:
    assert "nothing to route" in html(summary(requests=0))


def test_the_verdict_may_be_not_to_route() -> None:
    kept = summary()
    for route in kept.table["routes"]:
        route["applied"] = False

    assert verdict(kept).startswith("Do not route yet")
    assert "assumed, not proven" in verdict(summary())


def test_figures_in_words() -> None:
    assert [usd(Decimal(x)) for x in ("0", "0.004", "12.345", "-3", "1234.5")] == [
        "$0", "< $0.01", "$12.34", "-$3.00", "$1,234",
    ]  # fmt: skip
    assert [percent(x) for x in (0.0, 0.0004, 0.1234, 1.0, None)] == ["0%", "< 0.1%", "12.3%", "100%", "–"]
    assert count(1234567) == "1,234,567"
    assert day(None) == "–"
    assert len(shortened("x" * 90)) == 34
