"""The one sentence that a reader takes away, and how figures are put in words."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from router_audit.types import RoutingTable


def verdict(table: RoutingTable, requests: int) -> str:
    """What to do with this table, which may be nothing."""
    if not requests:
        return "No requests were audited: there is nothing to route."
    moved = [route for route in table["routes"] if route["applied"]]
    savings = table["savings"]
    saving = savings["per_month_usd"]
    if not moved:
        return "Do not route yet: no cheaper model is proven capable of any profile in this log."
    if savings.get("withheld"):
        return "No saving is stated: our costs do not agree with what was billed. See the reconciliation."
    if saving.get("p5") is None:
        return "Nothing here could be priced: no saving is claimed."
    if saving["p95"] <= 0:
        return f"Do not route: it would cost {usd(-saving['p95'])} a month more, or worse."
    if saving["p5"] <= 0:
        return f"The saving is not sure: between {usd(saving['p5'])} and {usd(saving['p95'])} a month."
    if beaten_by_chance(savings):
        return "Do not route by this table: sending requests to the cheapest model at random does as well."
    grounds = "assumed, not proven" if any(route["assumed"] for route in moved) else "proven on this log"
    if not any(route["assumed"] for route in moved) and any(r["status"] == "provisional" for r in moved):
        grounds = "in part not proven yet"
    rows = "one kind of request" if len(moved) == 1 else f"{len(moved)} kinds of request"
    return f"Route {rows} to a cheaper model: it saves {usd(saving['p5'])} to {usd(saving['p95'])} a month, {grounds}."


def beaten_by_chance(savings: dict[str, Any]) -> bool:
    """Whether a random split of the same cost has no more regret than the table, where both are known."""
    found = {control["name"]: control for control in savings.get("controls", ())}
    ours, chance = (found.get(name, {}).get("regret") for name in ("table", "random-split"))
    return ours is not None and chance is not None and ours > chance


def usd(value: Decimal | float | None) -> str:
    """An amount to the cent; `–` for unknown, `< $0.01` for a trace."""
    if value is None:
        return "–"
    amount = Decimal(str(value))
    sign = "-" if amount < 0 else ""
    amount = abs(amount)
    if amount == 0:
        return "$0"
    if amount < Decimal("0.005"):
        return "< $0.01" if not sign else "> -$0.01"
    return f"{sign}${amount:,.2f}"


def unit_usd(value: Decimal | float | None, *, like: float | None = None) -> str:
    """The price of one thing, which may be far below a cent: three figures that count; `–` for unknown.

    `like` gives it as many places as another price has.
    """
    if value is None:
        return "–"
    amount, model = float(value), abs(float(value if like is None else like))
    if amount == 0 or model == 0 or model >= 1:
        return usd(value)
    places = 2 - math.floor(math.log10(model))
    return f"{'-' if amount < 0 else ''}${abs(amount):.{min(places, 9)}f}"


def percent(value: float | None) -> str:
    """A share as a percentage; `–` for unknown, `< 0.1%` for a trace."""
    if value is None:
        return "–"
    if 0 < value < 0.001:
        return "< 0.1%"
    return f"{value:.0%}" if value in {0, 1} else f"{value:.1%}"


def bound_in_words(evidence: dict[str, Any] | None) -> str:
    """What an exact test proved, for someone who has never seen one; empty without a trial."""
    if not evidence or not evidence["trials"]:
        return ""
    sure = 1 - evidence["alpha"]
    return (
        f"at most {evidence['upper_bound']:.1%} worse, {sure:.0%} sure, {evidence['trials']:,} trials"
        if sure in {0.9, 0.95, 0.99}
        else f"at most {evidence['upper_bound']:.1%} worse, {sure:.1%} sure, {evidence['trials']:,} trials"
    )
