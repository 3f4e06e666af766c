"""`router-audit rejects`."""

from __future__ import annotations

from typing import Annotated

import typer

from router_audit.cli.options import Db, Json, Quiet, Wait
from router_audit.cli.output import opened, output

EXAMPLE = "Example: router-audit rejects --json | jq '.rejects[].reason'"


def rejects(
    *,
    db: Db = None,
    limit: Annotated[
        int | None, typer.Option("--limit", help="Only the first N.", min=1, show_default=False)
    ] = None,
    wait: Wait = 0.0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """List the records that could not be read, with file, line, reason and a masked excerpt."""
    from router_audit.cli.show import show_rejects
    from router_audit.stages import rejects as stage

    with output(json=json, quiet=quiet) as out, opened(db, wait) as store:
        result = stage.rejects(store, limit=limit)
        out.result(result, lambda console: show_rejects(console, result))
