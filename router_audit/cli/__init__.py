"""The command line: one file per command, loaded when it is asked for, so that `--help` answers at once."""

from __future__ import annotations

import typer

from router_audit.cli.lazily import Commands

COMMANDS = {
    "run": "The whole audit: logs in, routing table and report out.",
    "ingest": "Read logs of any known format into the store.",
    "rejects": "List the records that could not be read, and why.",
    "tag": "Label stored requests with their task profile.",
    "label": "Confirm or correct labels by hand.",
    "train": "Train the classifier on the labels, and measure it.",
    "evaluate": "Measure a classifier on gold labels.",
    "build-table": "Write the next version of the routing table.",
    "report": "Write the report of a table.",
    "export": "Write the table in the form another tool takes.",
    "replay": "Put logged requests to cheaper models and grade them.",
    "grade": "Grade replayed answers by hand.",
    "verify": "Recompute a table from its own counts.",
    "trials": "Graded pairs of answers: import, list, export.",
    "route": "Decide one request, or many, by the table.",
    "canary": "Is any route doing harm? Check, or plan the share.",
    "track": "Cost per task and resolution rate over time.",
    "drift": "Compare the last days with the days before.",
    "diff": "Compare two routing tables.",
    "retune": "The month's end: audit again behind gates.",
    "prices": "Show what models cost on a day.",
}
"""Every command and its one line. `a-b` is the function `a_b`, or the group `app`, of the module `cli.a_b`."""


class RouterAudit(Commands):
    """The group of all commands."""

    table = COMMANDS


app = typer.Typer(
    cls=RouterAudit,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(*, shown: bool) -> None:
    if shown:
        from importlib.metadata import version

        typer.echo(f"router-audit {version('router-audit')}")
        raise typer.Exit


@app.callback()
def root(
    *,
    version: bool = typer.Option(
        False,
        "--version",
        help="Print the version and exit.",
        callback=lambda v: _version(shown=v),
        is_eager=True,
    ),
) -> None:
    """Which of your logged LLM requests could a cheaper model serve, what would that save, and how sure are we?"""


def main() -> None:
    """The `router-audit` script."""
    app(prog_name="router-audit")
