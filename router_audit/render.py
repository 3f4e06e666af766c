"""From the typed summary to one self-contained HTML page; everything from a log is escaped."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Environment

    from router_audit.summary import Share, Summary

LONGEST_LABEL = 34
BAR_WIDTH = 340


def html(summary: Summary) -> str:
    """The report as one HTML file: no network, no script, a content security policy that forbids both."""
    from markupsafe import Markup

    environment = _environment()
    style = (files("router_audit") / "templates" / "report.css").read_text("utf-8")
    digest = b64encode(sha256(style.encode()).digest()).decode()

    def bars(title: str, shares: Sequence[Share]) -> Any:
        largest = max((share.cost_usd for share in shares), default=Decimal(0))
        rows = [
            {
                "label": shortened(share.name),
                "width": round(float(share.cost_usd / largest) * BAR_WIDTH, 1) if largest else 0,
                "value": usd(share.cost_usd),
            }
            for share in shares[:12]
        ]
        identity = "chart-" + title.lower().replace(" ", "-")
        # The template escapes its own values; marking it safe only stops a second escape.
        return Markup(environment.get_template("bars.svg").render(id=identity, title=title, rows=rows))  # noqa: S704

    return environment.get_template("report.html").render(
        s=summary,
        verdict=verdict(summary),
        bars=bars,
        style=Markup(style),  # noqa: S704  our own file, not the log's
        style_hash=f"sha256-{digest}",
    )


def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("router_audit"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(usd=usd, percent=percent, count=count, day=day)
    return environment


def verdict(summary: Summary) -> str:
    """One sentence: what to do, which may be nothing."""
    if not summary.requests:
        return "No requests were audited: there is nothing to route."
    moved = [route for route in summary.table["routes"] if route["applied"]]
    saving = summary.table["savings"]["per_month_usd"]
    if not moved:
        return "Do not route yet: no cheaper model is proven capable of any profile in this log."
    if summary.table["savings"].get("withheld"):
        return "No saving is stated: our costs do not agree with what was billed. See the reconciliation."
    if saving["p5"] <= 0:
        return f"The saving is not sure: between {usd(saving['p5'])} and {usd(saving['p95'])} a month."
    grounds = "assumed, not proven" if any(route["assumed"] for route in moved) else "proven on this log"
    return (
        f"Route {len(moved)} of {len(summary.table['routes'])} rows to cheaper models: "
        f"{usd(saving['p5'])} to {usd(saving['p95'])} a month, {grounds}."
    )


def usd(value: Decimal | float | None) -> str:
    """An amount in words of money: cents below 100, whole dollars above, `–` for unknown."""
    if value is None:
        return "–"
    sign = "-" if value < 0 else ""
    amount = abs(Decimal(str(value)))
    if amount == 0:
        return "$0"
    if amount < Decimal("0.01"):
        return f"{sign}< $0.01" if not sign else "> -$0.01"
    return f"{sign}${amount:,.2f}" if amount < 100 else f"{sign}${amount:,.0f}"


def percent(value: float | None) -> str:
    """A share as a percentage; `–` for unknown, `< 0.1%` for a trace."""
    if value is None:
        return "–"
    if 0 < value < 0.001:
        return "< 0.1%"
    return f"{value:.0%}" if value in {0, 1} else f"{value:.1%}"


def count(value: int) -> str:
    """A whole number with thousands separators."""
    return f"{value:,}"


def day(value: str | datetime | None) -> str:
    """The date of an ISO timestamp."""
    if value is None:
        return "–"
    return value.date().isoformat() if isinstance(value, datetime) else value[:10]


def shortened(text: str) -> str:
    """A label that fits beside a bar."""
    return text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1] + "…"
