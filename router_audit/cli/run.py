"""`router-audit run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from router_audit.cli.build_table import (
    Allow,
    AssumeCapable,
    Delta,
    Epsilon,
    HugeContext,
    LadderFile,
    PriceFile,
    PricesDate,
    Tables,
    allows_provisional,
)
from router_audit.cli.options import Db, EncoderName, Json, Paths, Quiet, Wait
from router_audit.cli.output import opened, output
from router_audit.cli.report import Reports

EXAMPLE = "Example: router-audit run logs/ --last 5000"


def run(
    paths: Paths,
    *,
    last: Annotated[int, typer.Option("--last", help="Audit the last N requests by time.", min=1)] = 1000,
    db: Db = None,
    encoder: EncoderName = None,
    tables: Tables = Path("routing_tables"),
    reports: Reports = Path("reports"),
    epsilon: Epsilon = 0.05,
    delta: Delta = 0.05,
    ladder: LadderFile = None,
    assume_capable: AssumeCapable = False,
    allow: Allow = None,
    huge_context_tokens: HugeContext = 200_000,
    prices: PriceFile = None,
    prices_date: PricesDate = None,
    wait: Wait = 0.0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """The whole audit: ingest logs, tag and train, build the routing table, write the report."""
    from router_audit import pipeline
    from router_audit.cli.show_run import show_run
    from router_audit.stages import build_table, ingest, report, tag, train

    options = pipeline.RunOptions(
        ingest=ingest.IngestOptions(last=last),
        tag=tag.TagOptions(last=last, encoder=encoder),
        train=train.TrainOptions(last=last, encoder=encoder),
        table=build_table.TableOptions(
            folder=tables,
            last=last,
            epsilon=epsilon,
            delta=delta,
            ladder=ladder,
            allow_provisional=allows_provisional(allow),
            assume_capable=assume_capable,
            huge_context_tokens=huge_context_tokens,
            prices=prices,
            prices_date=prices_date.date() if prices_date else None,
        ),
        report=report.ReportOptions(tables=tables, folder=reports, last=last, prices=prices),
    )
    with output(json=json, quiet=quiet) as out, opened(db, wait) as store:
        result = pipeline.run(store, paths, options, out.progress)
        out.result(
            {
                "ingest": result.ingest,
                "tag": result.tag,
                "train": result.train,
                "table": result.table.document,
                "report": {"path": str(result.report_path)},
            },
            lambda console: show_run(console, result),
        )
