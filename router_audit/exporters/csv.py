"""The table as CSV: one row per route, for a spreadsheet or a review."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router_audit.types import RoutingTable

ROUTE = (
    "profile",
    "context",
    "model",
    "tier",
    "incumbent",
    "status",
    "applied",
    "assumed",
    "escalate_to",
    "threshold",
    "requests",
)
EVIDENCE = ("trials", "regrets", "epsilon", "alpha", "p_value", "upper_bound")


class _Csv:
    name = "csv"
    writes = "one line per route, evidence beside it"
    filename = "routing_table.csv"

    def export(self, table: RoutingTable) -> str:
        """See `Exporter.export`."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["table", *ROUTE, *EVIDENCE, "reason"])
        for route in table["routes"]:
            evidence = route["evidence"] or {}
            cells = [route[name] for name in ROUTE] + [evidence.get(name) for name in EVIDENCE]
            writer.writerow([table["version"], *(_cell(cell) for cell in (*cells, route["reason"]))])
        return out.getvalue()


def _cell(value: object) -> object:
    """A spreadsheet runs what begins like a formula; names of models come from logs."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "'" + value if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"} else value


CSV = _Csv()
