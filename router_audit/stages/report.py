"""From the newest table and the store to the report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from router_audit.pricing import load_prices
from router_audit.render import html
from router_audit.savings import monthly, total_usd, window
from router_audit.stages.audited import audited
from router_audit.summary import Summary, Unknown, shares
from router_audit.tablefile import TABLES, newest_table, read_table
from router_audit.writing import write_whole

if TYPE_CHECKING:
    from router_audit.store import Store
    from router_audit.types import RoutingTable

REPORTS = Path("reports")


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """Which table to report on, and where to."""

    table: Path | None = None
    """None takes the newest of `tables`."""
    tables: Path = TABLES
    folder: Path = REPORTS
    last: int | None = None
    prices: Path | None = None


@dataclass(frozen=True, slots=True)
class ReportResult:
    """The report and what it says."""

    path: Path
    summary: Summary


def report(store: Store, options: ReportOptions) -> ReportResult:
    """Write `reports/vNNNN.html` for a table; the same table and store give the same bytes.

    Raises InputError where there is no table or it is not sound, UserError on an empty store.
    """
    table = read_table(options.table or newest_table(options.tables))
    summary = summarise(store, table, last=options.last, prices=options.prices)
    path = options.folder / f"{table['version']}.html"
    text = html(summary)
    if not path.is_file() or path.read_text("utf-8") != text:
        write_whole(path, text)
    return ReportResult(path, summary)


def summarise(store: Store, table: RoutingTable, *, last: int | None, prices: Path | None) -> Summary:
    """The figures of the report, at the table's own prices date."""
    seen = audited(
        store,
        load_prices(prices),
        last=last,
        huge_context_tokens=table["huge_context_tokens"],
        as_of=date.fromisoformat(table["prices"]["as_of"]),
    )
    span = window(seen.frame)
    spend = total_usd(seen.frame)
    logged = seen.frame["logged_cost_usd"].drop_nulls()
    return Summary(
        table=table,
        requests=seen.frame.height,
        first_at=span.first.isoformat() if span.first else None,
        last_at=span.last.isoformat() if span.last else None,
        spend_usd=spend,
        spend_per_month_usd=monthly(spend, span),
        by_model=shares(seen.frame, "price_key", missing="no model named"),
        by_profile=shares(seen.frame, "profile", missing="not tagged"),
        by_source=shares(seen.frame, "source", missing="unknown"),
        rejects=tuple(
            Unknown(row["reason"], row["rejects"], f"{Path(row['file']).name}:{row['line']}")
            for row in store.query("reject_reasons").iter_rows(named=True)
        ),
        unpriced=tuple(
            Unknown(
                "/".join(part for part in (name.provider, name.model) if part) or "no model named",
                requests,
                name.reason,
            )
            for name, requests in sorted(seen.unresolved, key=lambda pair: -pair[1])
        ),
        untagged=int(seen.frame["profile"].null_count()),
        logged_cost_usd=Decimal(str(logged.sum())) if len(logged) else None,
    )
