"""`router-audit report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from router_audit.cli.build_table import PriceFile, Tables
from router_audit.cli.options import Db, Json, Last, Quiet, Wait
from router_audit.cli.output import opened, output

if TYPE_CHECKING:
    from router_audit.stages.report import Format

EXAMPLE = "Example: router-audit report --table routing_tables/v0003.json"

Reports = Annotated[Path, typer.Option("--reports", help="Where reports are written.")]

Redact = Annotated[
    bool, typer.Option("--redact-examples", help="Show no text of any request, masked or not.")
]


def report(
    *,
    db: Db = None,
    table: Annotated[
        Path | None,
        typer.Option("--table", help="The table to report on.  [default: the newest]", show_default=False),
    ] = None,
    tables: Tables = Path("routing_tables"),
    reports: Reports = Path("reports"),
    form: Annotated[
        str, typer.Option("--format", help="`html`, `md` (for a pull request) or `json` (every figure).")
    ] = "html",
    redact_examples: Redact = False,
    last: Last = None,
    prices: PriceFile = None,
    wait: Wait = 0.0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write the report of a table: a self-contained page, Markdown or JSON."""
    from router_audit.stages import report as stage

    with output(json=json, quiet=quiet) as out, opened(db, wait) as store:
        result = stage.report(
            store,
            stage.ReportOptions(
                table=table,
                tables=tables,
                folder=reports,
                last=last,
                prices=prices,
                format=known_format(form),
                redact_examples=redact_examples,
            ),
        )
        out.result({"path": str(result.path)}, lambda console: console.print(f"Report: {result.path}"))


def known_format(word: str) -> Format:
    """`html`, `md` or `json`; any other word is wrong usage."""
    from router_audit.stages.report import FORMATS

    for name in FORMATS:
        if word == name:
            return name
    raise typer.BadParameter(f"--format takes {', '.join(FORMATS)}, not {word!r}")
