"""What the audit could not tell: each counted, with the command that would settle it and about what that costs."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from router_audit.certify import Plan, trials_needed
from router_audit.types.report import Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from router_audit.types import RoutingTable

FREE = Decimal(0)


@dataclass(frozen=True, slots=True)
class Gaps:
    """What the stage found missing."""

    rejects: Sequence[tuple[str, int, str]] = ()
    """(reason, records, file and line of the first)."""
    unpriced: Sequence[tuple[str, str, int]] = ()
    """(model as the log names it, reason, requests)."""
    untagged: int = 0
    """Requests whose profile the classifier would not tell."""
    untagged_contents: int = 0
    """Different contents among them: equal text is labelled once."""
    label_usd: Decimal | None = None
    """About what one content costs to have labelled by a model."""
    answer_usd: Mapping[str, float] | None = None
    """`profile/context` to about what one answer of the cheapest candidate costs."""
    undated: int = 0
    """Requests without a time."""


def unknowns(table: RoutingTable, gaps: Gaps) -> tuple[Unknown, ...]:
    """Every open question of a table, in the order in which a reader would ask."""
    found = [
        Unknown(f"Not read: {reason}", count, "records", where, "router-audit rejects", FREE)
        for reason, count, where in gaps.rejects
    ]
    found += [
        Unknown(
            f"No price: {name}",
            count,
            "requests",
            reason,
            "router-audit build-table --prices prices.toml",
            FREE,
        )
        for name, reason, count in gaps.unpriced
    ]
    if gaps.untagged:
        found.append(
            Unknown(
                "No profile: the classifier would have guessed",
                gaps.untagged,
                "requests",
                f"{gaps.untagged_contents:,} different contents",
                "router-audit tag --labeller anthropic",
                None if gaps.label_usd is None else gaps.label_usd * gaps.untagged_contents,
            )
        )
    if gaps.undated:
        found.append(Unknown("No time: in every total, in no picture over time", gaps.undated, "requests"))
    found += _routes(table, gaps)
    savings = table["savings"]
    if any(
        block.get("assumed") for block in savings.get("assumptions", {}).get("escalation_rates", {}).values()
    ):
        found.append(
            Unknown(
                "Escalation rate assumed, one in ten, for routes without a trial",
                sum(b.get("assumed", False) for b in savings["assumptions"]["escalation_rates"].values()),
                "routes",
            )
        )
    checks = savings.get("reconciliation")
    if checks is not None and not any(check.get("compared_requests") for check in checks):
        found.append(
            Unknown(
                "Not reconciled: the log states no cost of its own",
                table["log_window"]["requests"],
                "requests",
                "",
                "router-audit build-table --invoice-usd AMOUNT",
                FREE,
            )
        )
    moved = sum(route["applied"] for route in table["routes"])
    if moved and "capacity" in savings and not savings["capacity"]:
        found.append(
            Unknown(
                "Rate limits: not checked, no limits were given",
                moved,
                "routes",
                "",
                "router-audit build-table --limits limits.toml",
                FREE,
            )
        )
    return tuple(found)


def _routes(table: RoutingTable, gaps: Gaps) -> list[Unknown]:
    found = []
    live = [route for route in table["routes"] if route["requests"]]
    proofs = {block["route"]: block for block in table.get("evidence", {}).get("routes", ())}
    level = Plan(table["epsilon"], table["delta"]).level
    fresh = trials_needed(table["epsilon"], level / max(1, len(live)))
    cheapest = next((rung["model"] for rung in table["ladder"]["models"]), "MODEL")
    for route in live:
        key = f"{route['profile']}/{route['context']}"
        proof = proofs.get(route["profile"] if route["context"] == "standard" else key)
        name = key.removesuffix("/standard").replace("/huge", ", huge context")
        if not proof or not any(step["trials"] for step in proof["hypotheses"]):
            what, wanted = f"Not identifiable: no cheaper model has answered {name}", fresh
        elif route["status"] == "provisional" or proof["status"] == "provisional":
            what, wanted = f"Not proven yet: {name}", int(proof.get("trials_needed") or 0)
        else:
            continue
        candidate = route.get("candidate") or cheapest
        if not wanted:
            continue
        found.append(
            Unknown(
                what,
                route["requests"],
                "requests",
                f"{wanted:,} more trials without a regret would prove it",
                _replay(candidate, route, wanted, gaps.answer_usd),
                _price(key, wanted, gaps.answer_usd),
            )
        )
    return found


def _price(key: str, wanted: int, answer_usd: Mapping[str, float] | None) -> Decimal | None:
    one = (answer_usd or {}).get(key)
    return None if one is None else Decimal(str(round(one * wanted, 4)))


def _replay(
    candidate: str, route: Mapping[str, Any], wanted: int, answer_usd: Mapping[str, float] | None
) -> str:
    price = _price(f"{route['profile']}/{route['context']}", wanted, answer_usd)
    budget = "" if price is None else f" --budget-usd {max(1, round(float(price) * 2 + 0.5))}"
    return f"router-audit replay --candidate {candidate}{budget}"
