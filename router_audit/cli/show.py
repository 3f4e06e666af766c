"""How results look in a terminal: one screen, nothing cut at 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from router_audit.stages.build_table import TableResult


def show_ingest(console: Console, result: Any) -> None:
    """What was read, and what became of it."""
    console.print(
        f"Read {result.records:,} records from {result.files:,} files: {result.stored:,} stored, "
        f"{result.duplicates:,} duplicates, {result.filtered:,} filtered, {result.rejected:,} rejected."
    )
    if result.rejected:
        console.print("Rejects: router-audit rejects", style="dim")


def show_rejects(console: Console, result: Any) -> None:
    """One line per record that could not be read."""
    for one in result.rejects:
        console.print(f"{one.file}:{one.line}: [{one.source}] {one.reason}", markup=False, soft_wrap=True)
        if one.excerpt:
            console.print(f"    {one.excerpt}", markup=False, style="dim", soft_wrap=True)
    more = result.total - len(result.rejects)
    console.print(f"{result.total:,} rejects." + (f" {more:,} more not shown." if more else ""))


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
    """The profile mix; of a provider's labels also what the random core says of all traffic."""
    from router_audit.render import percent, usd

    mix = ", ".join(f"{count:,} {profile}" for profile, count in result.by_profile.items())
    console.print(f"Tagged: {mix}; {result.abstained:,} abstained.")
    if result.core is None:
        return
    at_risk = f", at most {usd(result.at_risk_usd)} more for lost answers" if result.at_risk_usd else ""
    console.print(f"{result.labeller} labelled {result.labelled:,} for ${result.cost_usd:.4f}{at_risk}.")
    for reason, count in result.unlabelled.items():
        console.print(f"  {count:,} without a label: {reason}", style="dim", markup=False)
    for profile, share in result.core.prevalence.items():
        console.print(
            f"  {profile}: {percent(share.estimate)} of requests (90%: {percent(share.low)} to {percent(share.high)})"
        )
    if result.core.agreement is not None:
        agreed = result.core.agreement
        console.print(
            f"  The builtin labeller agrees on {percent(agreed.estimate)} of requests "
            f"(90%: {percent(agreed.low)} to {percent(agreed.high)}; {result.core.n:,} core labels)."
        )


def show_builtin_training(console: Console, result: Any) -> None:
    """Which head was written where, and from how much."""
    console.print(
        f"Builtin labeller {result.version}: {result.rows:,} rows of {result.own_tasks:,} own tasks and "
        f"{len(result.sources) - 1:,} other sources, written to {result.folder}.",
        markup=False,
    )


def show_training(console: Console, result: Any) -> None:
    """How well the classifier repeats the labels on templates it was not trained on, and what changed."""
    from router_audit.render import percent

    if result.macro_f1 is None:
        console.print("Classifier: too few labels to hold any out; it stands unmeasured on this log.")
    else:
        console.print(
            f"Classifier {result.version}: macro-F1 {result.macro_f1:.3f} on {result.n:,} held-out contents, "
            f"{result.abstained:,} abstained."
        )
    if result.noise is not None and result.noise.suspects:
        console.print(
            f"  {result.noise.suspects:,} of {result.noise.checked:,} held-out labels look wrong; "
            "`router-audit label --show` begins with them.",
            style="dim",
        )
    if result.drift is not None:
        moved = result.drift
        console.print(
            f"  Against {moved.against}: {percent(moved.changed_share)} of {moved.compared:,} requests "
            "change their profile.",
            style="dim",
        )
        for move, requests in list(moved.moves.items())[:3]:
            console.print(f"    {move}: {requests:,}", style="dim", markup=False)
