"""`router-audit trials import|list|export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from router_audit.cli.options import Db, Json, Quiet, Wait
from router_audit.cli.output import opened, output

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, add_completion=False)

IMPORT_EXAMPLE = "Example: router-audit trials import trials.jsonl"
LIST_EXAMPLE = "Example: router-audit trials list --json"
EXPORT_EXAMPLE = "Example: router-audit trials export trials.jsonl"


@app.command("import", epilog=IMPORT_EXAMPLE)
def import_(
    file: Annotated[Path, typer.Argument(help="A JSONL file of graded pairs.", show_default=False)],
    *,
    canary: Annotated[
        bool,
        typer.Option(
            "--canary", help="The pairs are of the canary: the premium tier's answer and the route's."
        ),
    ] = False,
    db: Db = None,
    wait: Wait = 0.0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Take in evidence collected elsewhere: a candidate's answer and the incumbent's, graded."""
    from router_audit.cli.show_proof import show_trials_result
    from router_audit.stages import trials as stage

    with output(json=json, quiet=quiet) as out, opened(db, wait) as store:
        result = stage.import_trials(store, file, origin="canary" if canary else "import")
        out.result(result, lambda console: show_trials_result(console, result))


@app.command("list", epilog=LIST_EXAMPLE)
def list_(*, db: Db = None, wait: Wait = 0.0, json: Json = False, quiet: Quiet = False) -> None:
    """Show the graded pairs by profile, candidate and grader."""
    from router_audit.cli.show_proof import show_trials
    from router_audit.stages import trials as stage

    with output(json=json, quiet=quiet) as out, opened(db, wait) as store:
        result = stage.list_trials(store)
        out.result(result, lambda console: show_trials(console, result))


@app.command("export", epilog=EXPORT_EXAMPLE)
def export(
    file: Annotated[Path, typer.Argument(help="Where to; `-` is standard output.", show_default=False)],
    *,
    db: Db = None,
    wait: Wait = 0.0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write every graded pair as JSONL that `trials import` reads back."""
    from router_audit.cli.show_proof import show_export
    from router_audit.stages import trials as stage

    with output(json=json, quiet=quiet) as out, opened(db, wait) as store:
        result = stage.export_trials(store, file)
        if result.path != "-":
            out.result(result, lambda console: show_export(console, result))
