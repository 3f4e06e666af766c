"""`router-audit retune`."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from router_audit.cli.asking import BaseUrl, Batch, BudgetUsd, ModelName, Yes, asking
from router_audit.cli.build_table import (
    Allow,
    AssumeCapable,
    Delta,
    Epsilon,
    HugeContext,
    InvoiceMonth,
    InvoiceUsd,
    LadderFile,
    LimitsFile,
    MaxP95,
    PriceFile,
    PricesDate,
    Tables,
    TokenizerFile,
    Tolerance,
    allows_provisional,
    amount,
    bounds,
)
from router_audit.cli.canary import Alpha, Effect, Margin
from router_audit.cli.options import Db, EncoderName, Json, Last, Quiet, Wait
from router_audit.cli.output import opened, output
from router_audit.cli.report import Reports
from router_audit.cli.tag import Labeller, MaxLabels

if TYPE_CHECKING:
    from rich.console import Console

    from router_audit.retuning import RetuneResult

EXAMPLE = "Example: router-audit retune logs/ --last 50000 --require-certified --write"

LogPaths = Annotated[
    list[str] | None,
    typer.Argument(help="New logs.  [default: what the store holds already]", show_default=False),
]
Write = Annotated[
    bool | None,
    typer.Option(
        "--write/--dry-run",
        help="Write the new table and its report.  [default: not in a terminal, else yes]",
        show_default=False,
    ),
]
MaxRegress = Annotated[
    float,
    typer.Option(
        "--max-regress",
        help="How much the expected share of failures by routing may grow over the last table's.",
        min=0.0,
        max=1.0,
    ),
]


def retune(
    paths: LogPaths = None,
    *,
    write: Write = None,
    max_regress: MaxRegress = 0.01,
    require_certified: Annotated[
        bool,
        typer.Option("--require-certified", help="Refuse a table that uses a route without a certificate."),
    ] = False,
    retire_days: Annotated[
        int, typer.Option("--retire-days", help="Refuse models that retire within so many days.", min=0)
    ] = 60,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            "--as-of",
            formats=["%Y-%m-%d"],
            help="The day that retirements and new models are judged on.  [default: today]",
            show_default=False,
        ),
    ] = None,
    body: Annotated[
        Path | None,
        typer.Option("--body", help="Write the comparison as Markdown to this file.", show_default=False),
    ] = None,
    last: Last = None,
    encoder: EncoderName = None,
    labeller: Labeller = "builtin",
    model: ModelName = None,
    base_url: BaseUrl = None,
    max_labels: MaxLabels = 1000,
    budget_usd: BudgetUsd = None,
    batch: Batch = False,
    yes: Yes = False,
    drift_days: Annotated[
        float, typer.Option("--drift-days", help="Length of the windows compared for drift.", min=0.01)
    ] = 30.0,
    margin: Margin = 0.02,
    alpha: Alpha = 0.05,
    effect: Effect = 0.05,
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
    invoice_usd: InvoiceUsd = None,
    invoice_month: InvoiceMonth = None,
    tolerance: Tolerance = 0.05,
    limits: LimitsFile = None,
    max_p95_ms: MaxP95 = None,
    tokenizers: TokenizerFile = None,
    db: Db = None,
    wait: Wait = 0.0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """The month's end: audit again, build the next table, and write it if every gate lets it through."""
    from router_audit import pipeline, retuning
    from router_audit.cli.errors import CHECK_FAILED
    from router_audit.files.writing import write_whole
    from router_audit.stages import build_table, canary, ingest, report, tag, train
    from router_audit.stages.asked_labels import AskedOptions
    from router_audit.stages.money import MoneyOptions

    today = as_of.date() if as_of else datetime.now(UTC).date()
    stages = pipeline.RunOptions(
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
            money=MoneyOptions(
                invoice_usd=amount(invoice_usd),
                invoice_month=invoice_month.date() if invoice_month else None,
                tolerance=Decimal(str(tolerance)),
                limits=limits,
                max_p95_ms=bounds(max_p95_ms),
                tokenizers=tokenizers,
            ),
        ),
        report=report.ReportOptions(tables=tables, folder=reports, last=last, prices=prices),
    )
    options = retuning.RetuneOptions(
        stages=stages,
        canary=canary.CanaryOptions(
            today=today,
            tables=tables,
            margin=margin,
            alpha=alpha,
            effect=effect,
            huge_context_tokens=huge_context_tokens,
        ),
        today=today,
        write=not sys.stdout.isatty() if write is None else write,
        max_regress=max_regress,
        require_certified=require_certified,
        retire_days=retire_days,
        drift_days=drift_days,
    )
    with output(json=json, quiet=quiet) as out, opened(db, wait) as store:
        if labeller != "builtin":
            ask = asking(out, budget_usd=budget_usd, concurrency=8, ask_again=False, yes=yes, batch=batch)
            asked = AskedOptions(
                labeller=labeller,
                model=model,
                base_url=base_url,
                max_labels=max_labels,
                prices=prices,
                ask=ask,
            )
            tagged = replace(stages.tag, asked=asked)
            options = replace(options, stages=replace(stages, tag=tagged))
        result = retuning.retune(store, paths or [], options, out.progress)
        if body is not None:
            write_whole(body, body_text(result))
        out.result(result, lambda console: show(console, result))
    if result.refusals:
        for gate in result.refusals:
            typer.echo(f"Refused by {gate.name}: {' '.join(gate.text.split())}", err=True)
        raise typer.Exit(CHECK_FAILED)


def body_text(result: RetuneResult) -> str:
    """The body of a pull request: the comparison, the gates, the newcomers."""
    lines = [
        result.body or f"## Routing table {result.table['version']}\n\nThe first version.\n",
        "### Gates",
        "",
    ]
    lines += [
        f"- {'passed' if gate.passed else '**refused**'}: {gate.name}: {gate.text}" for gate in result.gates
    ]
    if result.newcomers:
        lines += ["", "### New models, not tested", ""]
        lines += [f"- `{it.model}`: {newcomer_text(it)}" for it in result.newcomers]
    return "\n".join([*lines, ""])


def newcomer_text(it: object) -> str:
    """What a newcomer would cost to test, and where it might help."""
    from router_audit.types.retune import Newcomer

    assert isinstance(it, Newcomer)
    price = f"{it.input_mtok:f}/{it.output_mtok:f} USD per million tokens"
    if not it.tests:
        return f"{price}; nowhere cheaper than the incumbents"
    most = max(it.tests, key=lambda test: test.saving_per_request)
    return (
        f"{price}; {most.saving_per_request:.0%} cheaper on {most.route}; "
        f"to test it on {len(it.tests)} routes costs about ${it.cost_usd:.2f}"
    )


def show(console: Console, result: RetuneResult) -> None:
    """The outcome, what moved, the gates, and what a reader may want to test next."""
    from router_audit.cli import diff

    version = result.table["version"]
    words = {
        "no change": f"No change: {version} stays.",
        "new version": f"New version: {result.path}",
        "would write": f"Dry run: {result.path} would be written; --write writes it.",
        "refused": "Refused: no table was written.",
    }
    console.print(words[result.outcome], style="bold", markup=False)
    if result.retrained:
        console.print(f"The classifier was trained again: {result.retrained}.", style="dim", markup=False)
    if result.diff is not None and not result.diff.same:
        diff.show(console, result.diff)
    for gate in result.gates:
        console.print(f"{'passed ' if gate.passed else 'REFUSED'} {gate.name}: {gate.text}", markup=False)
    for it in result.newcomers:
        console.print(f"New: {it.model}: {newcomer_text(it)}", markup=False)
    for note in result.notes:
        console.print(note, style="dim", markup=False)
    if result.report is not None:
        console.print(f"Report: {result.report}", markup=False)
