"""`router-audit diff`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from router_audit.cli.build_table import Tables
from router_audit.cli.options import Json, Quiet
from router_audit.cli.output import output

if TYPE_CHECKING:
    from rich.console import Console

    from router_audit.types.table_diff import TableDiff

EXAMPLE = "Example: router-audit diff v0001 v0002 --markdown > body.md"

Old = Annotated[str, typer.Argument(help="A table: its version or its file.", show_default=False)]
New = Annotated[str | None, typer.Argument(help="Another table.  [default: the newest]", show_default=False)]
Markdown = Annotated[bool, typer.Option("--markdown", help="As the body of a pull request.")]


def diff(
    old: Old,
    new: New = None,
    *,
    tables: Tables = Path("routing_tables"),
    markdown: Markdown = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compare two routing tables: which routes moved, why, and what it does to the bill."""
    from router_audit.month import comparison
    from router_audit.stages import diff as stage

    with output(json=json, quiet=quiet) as out:
        result = stage.diff(old, new, tables)
        if markdown and not json:
            typer.echo(comparison.markdown(result), nl=False)
            return
        out.result(result, lambda console: show(console, result))


def show(console: Console, diff: TableDiff) -> None:
    """Each change with its reasons, then the money."""
    from router_audit.month.comparison import dollars

    if diff.same:
        console.print(f"{diff.new} says exactly what {diff.old} says.")
        return
    console.print(f"{diff.new} against {diff.old}", style="bold")
    for change in diff.routes:
        was, now = change.old_model or "as asked", change.new_model or "as asked"
        moved = f"{was} → {now}" if change.moved else f"{now}, other {', '.join(change.changed)}"
        console.print(f"{change.route}: {moved} ({change.new_status or 'gone'})", markup=False)
        for why in change.why:
            console.print(f"    {why.kind}: {why.text}", style="dim", markup=False)
    if not diff.routes:
        console.print("Every route is as it was; counts or prices differ.")
    saving = next(shift for shift in diff.savings if shift.name == "p50")
    console.print(f"Saving a month (median): {dollars(saving.old)} → {dollars(saving.new)}", markup=False)
    if diff.economy.old is not None and diff.economy.new is not None:
        console.print(f"Economy tier: {diff.economy.old:.0%} → {diff.economy.new:.0%} of the requests")
    for shift in diff.mix:
        console.print(f"Profile mix: {shift.name} {shift.old or 0:.0%} → {shift.new or 0:.0%}")
