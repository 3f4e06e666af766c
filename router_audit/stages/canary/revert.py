"""Routes under an alarm put back to their incumbents, in a new version of the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from router_audit.errors import InputError
from router_audit.files.tables import read_table, versions, write_next

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from router_audit.types import RoutingTable

UNSTATED = "routes were put back after this saving was computed; the next build-table states it"
_NAMES = frozenset({"version", "parent", "digest", "content_digest"})


def served(table: RoutingTable) -> dict[str, str]:
    """`profile/context` to the model that the table moves its requests to, for the rows that move any."""
    return {f"{row['profile']}/{row['context']}": row["model"] for row in table["routes"] if row["applied"]}


def go_back_to(alarmed: set[tuple[str, str]], tables: Path) -> str | None:
    """The newest version that serves no alarmed route by its alarmed model; None where there is none.

    A version that cannot be read is none to go back to.
    """
    for path in reversed(versions(tables)):
        try:
            table = read_table(path)
        except InputError:
            continue
        if not alarmed & set(served(table).items()):
            return str(table["version"])
    return None


def revert(table: RoutingTable, alarms: Mapping[tuple[str, str], str], tables: Path) -> Path:
    """Write the next version: the table given, its rows under an alarm at their incumbents. The file.

    Nothing else of the table is changed; it states no saving, for the one it had was of other routes.
    """
    content: dict[str, Any] = {name: value for name, value in table.items() if name not in _NAMES}
    tiers = {rung["model"]: rung["tier"] for rung in content["ladder"]["models"]}
    content["routes"] = [_row(row, alarms, tiers) for row in content["routes"]]
    saving = content["savings"]
    content["savings"] = saving | {
        "per_month_usd": {"p5": None, "p50": None, "p95": None},
        "probability_positive": None,
        "certified_share": None,
        "withheld": UNSTATED,
    }
    if "waterfall" in saving:
        content["savings"]["waterfall"] = [row for row in saving["waterfall"] if row["term"] != "saving"]
    content["economy_share"] = {"before": content["economy_share"]["before"], "after": None}
    return write_next(content, tables)[1]


def _row(
    row: Mapping[str, Any], alarms: Mapping[tuple[str, str], str], tiers: Mapping[str, str]
) -> dict[str, Any]:
    why = alarms.get((f"{row['profile']}/{row['context']}", row["model"])) if row["applied"] else None
    if why is None:
        return dict(row)
    return dict(row) | {
        "model": row["incumbent"],
        "tier": tiers.get(row["incumbent"]),
        "status": "keep-incumbent",
        "applied": False,
        "assumed": False,
        "reason": f"canary: {why}",
        "escalate_to": None,
        "threshold": 0.0,
    }
