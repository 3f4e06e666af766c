"""The page says what the summary says, runs nothing that a log wrote, and makes sense of nothing at all."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from router_audit.files.document import sealed
from router_audit.render import as_document, html, markdown, percent, to_json, usd, verdict
from router_audit.render.charts.svg import shortened, ticks
from router_audit.render.document import at
from router_audit.render.page import count, day
from router_audit.types.report import Crossing, Example, PeriodSpend, Share, Summary, TokenKind, Unknown
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
    cost = Decimal("812.345")
    return Summary(
        table=table,
        verdict=verdict(table, requests),
        requests=requests,
        first_at="2026-10-01T00:00:00" if requests else None,
        last_at="2026-10-31T23:00:00" if requests else None,
        spend_usd=Decimal("812.345"),
        spend_per_month_usd=Decimal(830),
        by_model=shares,
        by_profile=shares,
        by_source=shares,
        unknowns=(
            Unknown(f"No price: {name}", 2, "requests", f"{name}:3", "router-audit rejects", Decimal("0.37")),
        ),
        over_time=(PeriodSpend("2026-10-01", name, requests, cost),) if requests else (),
        crossings=(Crossing(name, name, requests, cost),) if requests else (),
        token_kinds=(TokenKind(name, "input", 9_000, cost),) if requests else (),
        examples=(Example("classification/standard", f"{name}:1", name, 3),),
    )


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.scripts = 0
        self.amounts: list[tuple[str, str, str]] = []
        """(place in the JSON, value, text)."""
        self._open: tuple[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes.update(name for name, _ in attrs)
        self.scripts += tag == "script"
        found = dict(attrs)
        if tag == "data":
            self._open = (found["data-of"] or "", found["value"] or "")

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self.amounts.append((*self._open, data))
            self._open = None


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
    assert attacked.scripts == clean.scripts == 1
    assert not {name for name in attacked.attributes if name.startswith("on")}
    assert "\u202e" not in html(summary(name=hostile))


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

    assert verdict(kept.table, 1200).startswith("Do not route yet")
    assert "assumed, not proven" in summary().verdict


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"withheld": "costs differ"}, "No saving is stated"),
        ({"per_month_usd": {"p5": -3.0, "p50": 1.0, "p95": 4.0}}, "not sure: between -$3.00 and $4.00"),
        ({"per_month_usd": {"p5": -9.0, "p50": -5.0, "p95": -2.0}}, "Do not route: it would cost $2.00"),
        ({"per_month_usd": {}}, "could be priced"),
        (
            {"controls": [{"name": "table", "regret": 0.02}, {"name": "random-split", "regret": 0.01}]},
            "at random does as well",
        ),
    ],
)
def test_the_verdict_follows_the_saving(change: dict[str, object], said: str) -> None:
    table = summary().table

    assert said in verdict({**table, "savings": {**table["savings"], **change}}, 1200)


def test_a_withheld_saving_leaves_the_waterfall_without_its_last_step() -> None:
    withheld = summary()
    withheld.table["savings"] |= {
        "withheld": "costs differ",
        "waterfall": [
            {"term": "incumbent", "usd_per_month": 830.0},
            {"term": "routed", "usd_per_month": -100.0},
        ],
    }

    page = html(withheld)

    assert "the saving is withheld" in page
    assert 'id="waterfall"' in page


def test_every_amount_on_the_page_is_the_one_in_the_json_to_the_cent() -> None:
    page, said = Tags(), json.loads(to_json(summary()), parse_float=Decimal)
    page.feed(html(summary()))

    assert {"spend_usd", "table.savings.per_month_usd.p50", "unknowns.0.price_usd"} <= {
        path for path, _, _ in page.amounts
    }
    for path, value, text in page.amounts:
        assert Decimal(value) == at(said, path), path
        assert text == usd(at(said, path)), path


def test_what_is_known_of_the_months_ahead_stands_beside_the_money() -> None:
    told = summary()
    told.table["savings"]["price_changes"] = [
        {
            "on": "2026-12-01",
            "model": "anthropic/a",
            "what": "retirement",
            "input_mtok": None,
            "output_mtok": None,
        },
        {
            "on": "2027-01-01",
            "model": "anthropic/b<i>",
            "what": "price",
            "input_mtok": 2.0,
            "output_mtok": 9.5,
        },
    ]
    told.table["economy_share"]["held_back"] = {"unproven": 0.2, "no price": 0.3}
    page = html(told)

    assert "a retires on 2026-12-01" in page
    assert "b&lt;i&gt; costs 2.0 / 9.5 USD" in page
    assert "What stays off it: 30.0% no price, 20.0% unproven." in page


def test_a_claim_on_the_first_screen_leads_to_how_it_was_computed() -> None:
    page = html(summary())
    wanted = set(re.findall(r'href="#([^"]+)"', page))

    assert {"saving", "interval", "certificate", "economy"} <= wanted
    assert wanted <= set(re.findall(r'id="([^"]+)"', page))


def test_a_place_that_is_not_in_the_document_is_an_error() -> None:
    with pytest.raises(KeyError, match=r"by_model\.7\.cost_usd"):
        at(as_document(summary()), "by_model.7.cost_usd")


def test_the_markdown_says_the_same_and_escapes_the_log() -> None:
    text = markdown(summary(name="a|b <img src=x onerror=alert(1)> [c](javascript:d)"))

    assert summary().verdict in text
    assert "$90.00 to $150.00" in text
    assert "<img" not in text
    assert "](javascript" not in text
    assert all(line.count("|") - line.count("\\|") >= 3 for line in text.splitlines() if line.startswith("|"))


def test_figures_in_words() -> None:
    assert [usd(Decimal(x)) for x in ("0", "0.004", "12.345", "-3", "1234.5")] == [
        "$0", "< $0.01", "$12.34", "-$3.00", "$1,234.50",
    ]  # fmt: skip
    assert [percent(x) for x in (0.0, 0.0004, 0.1234, 1.0, None)] == ["0%", "< 0.1%", "12.3%", "100%", "–"]
    assert count(1234567) == "1,234,567"
    assert day(None) == "–"
    assert shortened("claude-opus-4-7-20260115-thinking-max", 26) == "claude-opus-…-thinking-max"
    assert [ticks(9.0)[-1], ticks(0.013)[-1], ticks(0)] == [10.0, 0.015, [0.0]]
