"""`router-audit export`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from router_audit.cli.options import Json, Quiet
from router_audit.cli.output import output

EXAMPLE = "Example: router-audit export --to litellm --out config.yaml"


def export(
    *,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            help="litellm, openrouter, vllm-semantic-router, typescript, python or csv.",
            show_default=False,
        ),
    ],
    table: Annotated[Path, typer.Option("--table", help="A table, or a folder: its newest is taken.")] = Path(
        "routing_tables"
    ),
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The file to write.  [default: standard output]", show_default=False),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write the routing table in the form another tool takes."""
    from router_audit.stages import export as stage

    with output(json=json, quiet=quiet) as shown:
        result = stage.export(table, to, out)
        if out is None and not json:
            sys.stdout.write(result.text)
        else:
            shown.result(
                result,
                lambda console: console.print(
                    f"Table {result.table_version} for {to}: {out}", soft_wrap=True
                ),
            )
