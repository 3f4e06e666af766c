"""`router-audit report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from router_audit.cli.build_table import PriceFile, Tables
from router_audit.cli.options import Db, Json, Last, Quiet, Wait
from router_audit.cli.output import opened, output

EXAMPLE = "Example: router-audit report --table routing_tables/v0003.json"

Reports = Annotated[Path, typer.Option("--reports", help="Where reports are written.")]


def report(
    *,
    db: Db = None,
    table: Annotated[
        Path | None,
        typer.Option("--table", help="The table to report on.  [default: the newest]", show_default=False),
    ] = None,
    tables: Tables = Path("routing_tables"),
    reports: Reports = Path("reports"),
    last: Last = None,
    prices: PriceFile = None,
    wait: Wait = 0.0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write the self-contained HTML report of a table."""
    from router_audit.stages import report as stage

    with output(json=json, quiet=quiet) as out, opened(db, wait) as store:
        result = stage.report(
            store, stage.ReportOptions(table=table, tables=tables, folder=reports, last=last, prices=prices)
        )
        out.result({"path": str(result.path)}, lambda console: console.print(f"Report: {result.path}"))
