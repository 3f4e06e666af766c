"""`router-audit grade`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from router_audit.cli.options import Db, Json, Quiet, Wait
from router_audit.cli.output import opened, output

EXAMPLE = "Example: router-audit grade --show"


def grade(
    *,
    show: Annotated[
        bool, typer.Option("--show", help="Look at pairs of answers one by one, blind, and grade them.")
    ] = False,
    profile: Annotated[
        str | None, typer.Option("--profile", help="Only pairs of this profile.", show_default=False)
    ] = None,
    db: Db = None,
    wait: Wait = 0.0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Grade replayed answers by hand: the best evidence there is for prose, and the measure of a judge."""
    from router_audit.cli.comparing import compare
    from router_audit.cli.replay import named_profiles
    from router_audit.cli.show_proof import show_graded
    from router_audit.stages import grade as stage

    named_profiles([profile] if profile else None)
    with output(json=json, quiet=quiet) as out, opened(db, wait) as store:
        if show and not sys.stdin.isatty():
            raise typer.BadParameter(
                "--show needs a terminal; elsewhere, `router-audit trials import` takes grades in"
            )
        found = compare(store, profile) if show else stage.result(store, done=0, skipped=0)
        out.result(found, lambda console: show_graded(console, found))
