"""`router-audit verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from router_audit.cli.options import Json, Quiet
from router_audit.cli.output import output

EXAMPLE = "Example: router-audit verify routing_tables/v0001.json"


def verify(
    table: Annotated[Path, typer.Argument(help="A routing table (vNNNN.json).", show_default=False)],
    *,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Recompute a table from its own counts: digests, every p-value, every route; exit code 1 where it does not hold."""
    from router_audit.cli.show_proof import show_verified
    from router_audit.stages import verify as stage

    with output(json=json, quiet=quiet) as out:
        result = stage.verify(table)
        out.result(result, lambda console: show_verified(console, result))
