"""The whole audit on one screen of 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router_audit.cli.show import show_ingest, show_tags, show_training

if TYPE_CHECKING:
    from rich.console import Console

    from router_audit.pipeline import RunResult
    from router_audit.types.report import Summary

MOST_LINES = 3
"""Open questions and notes shown; the report has all."""


def show_run(console: Console, result: RunResult) -> None:
    """What a reader takes away first, then the routes, then what is not known and where the rest stands."""
    from router_audit.summary.words import usd

    summary = result.summary
    show_ingest(console, result.ingest)
    show_tags(console, result.tag)
    show_training(console, result.train)
    console.print()
    console.print(summary.verdict, style="bold")
    console.print()
    window = f", {summary.first_at[:10]} to {(summary.last_at or '')[:10]}" if summary.first_at else ""
    console.print(f"{summary.requests:,} requests{window}, {usd(summary.spend_usd)} in the log.")
    _figures(console, summary)
    console.print()
    _routes(console, summary)
    notes = list(result.table.notes)
    for note in notes[:MOST_LINES]:
        console.print(note, style="dim", markup=False)
    _not_known(console, summary)
    console.print()
    console.print(
        f"{'Table' if result.table.written else 'Table unchanged'}: {result.table.path}", markup=False
    )
    console.print(f"Report: {result.report_path}", markup=False)


def _figures(console: Console, summary: Summary) -> None:
    from rich.table import Table

    from router_audit.summary.words import percent, usd

    savings, share = summary.table["savings"], summary.table["economy_share"]
    saving = savings["per_month_usd"]
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column(justify="right", style="bold")
    grid.add_column(overflow="fold")
    grid.add_row(
        "spend today",
        usd(summary.spend_per_month_usd),
        f"a month, at the prices of {summary.table['prices']['as_of']}",
    )
    if savings.get("withheld"):
        grid.add_row("saving", "withheld", "our costs do not agree with what was billed")
    elif not any(route["applied"] for route in summary.table["routes"]):
        grid.add_row("saving", "none", "no request is moved")
    elif saving.get("p50") is not None:
        grid.add_row(
            "saving", usd(saving["p50"]), f"a month, 90% sure: {usd(saving['p5'])} to {usd(saving['p95'])}"
        )
    grid.add_row("certified", percent(savings["certified_share"]), "of the saving")
    grid.add_row("economy tier", percent(share["after"]), f"of requests, {percent(share['before'])} today")
    console.print(grid)


def _routes(console: Console, summary: Summary) -> None:
    from rich.table import Table

    from router_audit.render import at, route_rows
    from router_audit.summary.words import percent, usd

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
    table.add_column("profile", overflow="fold")
    table.add_column("requests", justify="right", no_wrap=True)
    table.add_column("today", overflow="fold")
    table.add_column("proposed", overflow="fold")
    table.add_column("status", overflow="fold")
    table.add_column("saving", justify="right", no_wrap=True)
    colours = {"certified": "green", "provisional": "yellow", "assumed": "yellow"}
    for row in route_rows(summary):
        if not row.route["requests"]:
            continue
        saved = at({"table": summary.table}, f"{row.saving_at}.p50") if row.saving_at else None
        table.add_row(
            row.name,
            percent(row.requests_share),
            (row.route["incumbent"] or "–").rpartition("/")[2],
            row.route["model"].rpartition("/")[2] if row.route["applied"] else "as asked",
            f"[{colours[row.status]}]{row.status}[/]" if row.status in colours else row.status,
            usd(saved),
        )
    if table.row_count:
        console.print(table)


def _not_known(console: Console, summary: Summary) -> None:
    if not summary.unknowns:
        return
    console.print()
    console.print("Not known", style="bold")
    for item in summary.unknowns[:MOST_LINES]:
        console.print(
            f"  {item.what} ({item.count:,} {item.of[:-1] if item.count == 1 else item.of})",
            style="dim",
            markup=False,
        )
    more = len(summary.unknowns) - MOST_LINES
    if more > 0:
        console.print(f"  and {more} more, each with what would settle it, in the report", style="dim")
