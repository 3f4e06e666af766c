"""How results look in a terminal: one screen, nothing cut at 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from router_audit.pipeline import RunResult
    from router_audit.stages.build_table import TableResult


def show_ingest(console: Console, result: Any) -> None:
    """What was read, and what became of it."""
    console.print(
        f"Read {result.records:,} records from {result.files:,} files: {result.stored:,} stored, "
        f"{result.duplicates:,} duplicates, {result.filtered:,} filtered, {result.rejected:,} rejected."
    )
    if result.rejected:
        console.print("Rejects: router-audit rejects", style="dim")


def show_table(console: Console, result: TableResult) -> None:
    """The routes, and what they would save."""
    from rich.table import Table

    from router_audit.summary.words import percent, usd

    document = result.document
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("profile", "status", "model", "escalates to", "requests"):
        table.add_column(name, justify="right" if name == "requests" else "left", overflow="fold")
    for route in document["routes"]:
        if not route["requests"] and route["context"] == "huge":
            continue
        name = route["profile"] + (" (huge)" if route["context"] == "huge" else "")
        status = "assumed" if route["assumed"] else route["status"]
        model = route["model"] if route["applied"] else "as asked"
        table.add_row(
            name,
            status,
            (model or "as asked").partition("/")[2] or model,
            (route["escalate_to"] or "–").partition("/")[2] or "–",
            f"{route['requests']:,}",
        )
    console.print(table)
    saving = document["savings"]["per_month_usd"]
    if not document["savings"].get("withheld"):
        console.print(
            f"Saving a month: {usd(saving['p50'])} (90%: {usd(saving['p5'])} to {usd(saving['p95'])}) "
            f"of {usd(document['savings']['bill_per_month_usd'])}; "
            f"{percent(document['savings']['certified_share'])} on certified routes."
        )
    share = document["economy_share"]
    console.print(
        f"Economy tier: {percent(share['before'])} of requests today, {percent(share['after'])} with this table."
    )
    if document["unpriced_requests"]:
        console.print(
            f"Without a price, in no total: {document['unpriced_requests']:,} requests.", style="dim"
        )
    for note in result.notes:
        console.print(note, style="dim")
    console.print(f"{'Table' if result.written else 'Table unchanged'}: {result.path}")


def show_tags(console: Console, result: Any) -> None:
    """The profile mix."""
    mix = ", ".join(f"{count:,} {profile}" for profile, count in result.by_profile.items())
    console.print(f"Tagged: {mix}; {result.abstained:,} abstained.")


def show_training(console: Console, result: Any) -> None:
    """How well the classifier repeats the labels on templates it was not trained on."""
    if result.macro_f1 is None:
        console.print("Classifier: too few labels to hold any out; it stands unmeasured on this log.")
        return
    console.print(
        f"Classifier {result.version}: macro-F1 {result.macro_f1:.3f} on {result.n:,} held-out contents, "
        f"{result.abstained:,} abstained."
    )


def show_run(console: Console, result: RunResult) -> None:
    """The whole audit on one screen."""
    from router_audit.summary.words import usd

    summary = result.summary
    show_ingest(console, result.ingest)
    show_tags(console, result.tag)
    show_training(console, result.train)
    console.print()
    console.print(
        f"{summary.requests:,} requests, {usd(summary.spend_usd)} in the log, "
        f"{usd(summary.spend_per_month_usd)} a month at the prices of {summary.table['prices']['as_of']}."
    )
    console.print(summary.verdict, style="bold")
    console.print()
    show_table(console, result.table)
    console.print(f"Report: {result.report_path}")
