"""`router-audit route`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from router_audit.cli.options import Json, Quiet
from router_audit.cli.output import output, to_json

EXAMPLE = """Example: router-audit route --explain <<< '{"messages": [{"role": "user", "content": "Is this spam? ..."}]}'"""


def route(
    *,
    table: Annotated[Path, typer.Option("--table", help="A table, or a folder: its newest is taken.")] = Path(
        "routing_tables"
    ),
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="One request a line in, one decision a line out.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say everything the decision followed from.")
    ] = False,
    canary_share: Annotated[
        float, typer.Option("--canary-share", help="Of the requests that are moved.", min=0.0, max=1.0)
    ] = 0.01,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Read a request on standard input, print what the routing table decides: profile, model, one escalation target."""
    from router_audit.cli.show_route import show_decision, show_explanation
    from router_audit.stages import route as stage

    options = stage.RouteOptions(table=table, canary_share=canary_share)
    if jsonl and explain:
        raise typer.BadParameter("--explain takes one request, not --jsonl")
    with output(json=json, quiet=quiet) as out:
        if jsonl:
            for decision in stage.route(options, sys.stdin, where="stdin"):
                sys.stdout.write(to_json(decision) + "\n")
        elif explain:
            found = stage.explain(options, sys.stdin.read(), where="stdin")
            out.result(found, lambda console: show_explanation(console, found))
        else:
            decision = stage.route_one(options, sys.stdin.read(), where="stdin")
            out.result(decision, lambda console: show_decision(console, decision))
