"""The rows of the route table as a reader sees them: words put to what the table says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from router_audit.summary.words import bound_in_words

if TYPE_CHECKING:
    from router_audit.types.report import Example, Summary

VERDICTS = {
    "rejected": "proven",
    "withdrawn": "withdrawn: people disagree with the judge",
    "provisional": "looks right, not proven",
    "unsupported": "not supported",
    "refuted": "refuted",
    "untested": "no trials",
}


@dataclass(frozen=True, slots=True)
class RouteRow:
    """One route."""

    key: str
    """`profile/context`."""
    anchor: str
    name: str
    route: dict[str, Any]
    """As the table has it."""
    status: str
    """`certified`, `provisional`, `assumed` or `keep-incumbent`."""
    bound: str
    requests_share: float | None
    spend_share: float | None
    saving_at: str
    """Where the saving of this route stands in the JSON; empty where none is stated."""
    proof: dict[str, Any] | None
    """Its path of hypotheses, as the evidence block has it."""
    examples: tuple[Example, ...]


def route_rows(summary: Summary) -> tuple[RouteRow, ...]:
    """Every route of the table in its order; those of huge context only where the log has such requests."""
    table = summary.table
    proofs = {block["route"]: block for block in table.get("evidence", {}).get("routes", ())}
    savings = {block["route"]: (n, block) for n, block in enumerate(table["savings"].get("by_route", ()))}
    bill = table["savings"].get("bill_per_month_usd")
    found = []
    for route in table["routes"]:
        if route["context"] == "huge" and not route["requests"]:
            continue
        key = f"{route['profile']}/{route['context']}"
        n, saving = savings.get(key, (-1, None))
        spend = saving["terms_per_month_usd"]["incumbent"] if saving else None
        stated = saving is not None and saving["per_month_usd"]["p50"] is not None and saving["moved"]
        found.append(
            RouteRow(
                key=key,
                anchor=key.replace("/", "-"),
                name=route["profile"] + (", huge context" if route["context"] == "huge" else ""),
                route=route,
                status="assumed" if route["assumed"] else route["status"],
                bound=bound_in_words(route["evidence"]),
                requests_share=route["requests"] / summary.requests if summary.requests else None,
                spend_share=spend / bill if spend is not None and bill else None,
                saving_at=f"table.savings.by_route.{n}.per_month_usd" if stated else "",
                proof=proofs.get(route["profile"] if route["context"] == "standard" else key),
                examples=tuple(example for example in summary.examples if example.route == key),
            )
        )
    return tuple(found)
