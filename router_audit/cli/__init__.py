"""The command line: one file per command, and the one place where exit codes are decided."""

from __future__ import annotations

import typer

from router_audit.cli import (
    build_table,
    canary,
    diff,
    drift,
    evaluate,
    export,
    grade,
    ingest,
    label,
    prices,
    rejects,
    replay,
    report,
    retune,
    route,
    run,
    tag,
    track,
    train,
    trials,
    verify,
)
from router_audit.cli.errors import ExitCodes

app = typer.Typer(
    cls=ExitCodes,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

app.command("run", epilog=run.EXAMPLE)(run.run)
app.command("ingest", epilog=ingest.EXAMPLE)(ingest.ingest)
app.command("rejects", epilog=rejects.EXAMPLE)(rejects.rejects)
app.command("tag", epilog=tag.EXAMPLE)(tag.tag)
app.command("label", epilog=label.EXAMPLE)(label.label)
app.command("train", epilog=train.EXAMPLE)(train.train)
app.command("evaluate", epilog=evaluate.EXAMPLE)(evaluate.evaluate)
app.command("build-table", epilog=build_table.EXAMPLE)(build_table.build_table)
app.command("report", epilog=report.EXAMPLE)(report.report)
app.command("export", epilog=export.EXAMPLE)(export.export)
app.command("replay", epilog=replay.EXAMPLE)(replay.replay)
app.command("grade", epilog=grade.EXAMPLE)(grade.grade)
app.command("verify", epilog=verify.EXAMPLE)(verify.verify)
app.add_typer(
    trials.app, name="trials", help="Graded pairs of answers: take them in, show them, write them out."
)
app.command("route", epilog=route.EXAMPLE)(route.route)
app.add_typer(
    canary.app, name="canary", help="Pairs of premium and routed answers: is any route doing harm?"
)
app.command("track", epilog=track.EXAMPLE)(track.track)
app.command("retune", epilog=retune.EXAMPLE)(retune.retune)
app.command("drift", epilog=drift.EXAMPLE)(drift.drift)
app.command("diff", epilog=diff.EXAMPLE)(diff.diff)
app.command("prices", epilog=prices.EXAMPLE)(prices.prices)


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
