"""`router-audit label`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from router_audit.cli.options import Db, Json, Last, Quiet, Wait
from router_audit.cli.output import opened, output

EXAMPLE = "Example: router-audit label --show"

ShowFlag = Annotated[
    bool, typer.Option("--show", help="Look at requests one by one and confirm or correct their labels.")
]
ImportFile = Annotated[
    Path | None,
    typer.Option("--import", help="Read human labels from a JSONL file.", show_default=False),
]
ExportFile = Annotated[
    Path | None,
    typer.Option(
        "--export", help="Write all labels with their requests to a JSONL file.", show_default=False
    ),
]


def label(
    *,
    show: ShowFlag = False,
    import_file: ImportFile = None,
    export_file: ExportFile = None,
    db: Db = None,
    last: Last = None,
    wait: Wait = 0.0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Confirm or correct labels by hand: a person's word wins over every labeller's."""
    from router_audit.cli.sitting import sit
    from router_audit.stages import label as stage

    if [show, import_file is not None, export_file is not None].count(True) != 1:
        raise typer.BadParameter("say one of --show, --import FILE and --export FILE")
    with output(json=json, quiet=quiet) as out, opened(db, wait) as store:
        from router_audit.cli.show_labels import show_import, show_labelled

        if import_file is not None:
            read = stage.import_labels(store, import_file)
            out.result(read, lambda console: show_import(console, read))
        elif export_file is not None:
            wrote = stage.export_labels(store, export_file, last=last)
            out.result(wrote, lambda console: console.print(f"{wrote.labels:,} labels: {wrote.path}"))
        else:
            if not sys.stdin.isatty():
                raise typer.BadParameter("--show needs a terminal; use --export and --import elsewhere")
            sat = sit(store, last=last)
            out.result(sat, lambda console: show_labelled(console, sat))
