"""`router-audit ingest`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from router_audit.cli.errors import CHECK_FAILED
from router_audit.cli.options import Db, Json, Last, Paths, Quiet, Wait
from router_audit.cli.output import opened, output

EXAMPLE = "Example: router-audit ingest logs/ 'archive/*.jsonl.gz' --since 2026-01-01"

_DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]


def ingest(
    paths: Paths,
    *,
    db: Db = None,
    last: Last = None,
    since: Annotated[
        datetime | None,
        typer.Option(help="Only requests from this time (UTC) on.", formats=_DATES, show_default=False),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(help="Only requests before this time (UTC).", formats=_DATES, show_default=False),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(help="Only requests to this model; `claude-*` works; repeatable.", show_default=False),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(help="Only requests of this log format; repeatable.", show_default=False),
    ] = None,
    redact: Annotated[
        bool,
        typer.Option(
            "--redact",
            help="Mask e-mail addresses, phone and card numbers, IBANs. API keys are always masked.",
        ),
    ] = False,
    mapping: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="FIELD=PATH",
            help="Where a field of ours stands in a log of your own, as `messages=body.chat`; repeatable.",
            show_default=False,
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 if any record could not be read.")] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", help="Processes that read.  [default: one per core]", min=1, show_default=False
        ),
    ] = None,
    wait: Wait = 0.0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Read logs of any known format into the store; each request once, everything else counted."""
    from router_audit.cli.show import show_ingest
    from router_audit.stages import ingest as stage

    options = stage.IngestOptions(
        last=last,
        since=since,
        until=until,
        models=tuple(model or ()),
        sources=tuple(source or ()),
        redact=redact,
        mapping=tuple(mapping or ()),
        workers=workers,
    )
    with output(json=json, quiet=quiet) as out, opened(db, wait) as store:
        result = stage.ingest(store, paths, options, out.progress)
        out.result(result, lambda console: show_ingest(console, result))
    if strict and result.rejected:
        raise typer.Exit(CHECK_FAILED)
