"""`router-audit canary check|plan|clear|anchors`."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from router_audit.cli.build_table import HugeContext, PriceFile, Tables
from router_audit.cli.options import Db, Json, Quiet, Wait
from router_audit.cli.output import opened, output
from router_audit.cli.replay import BaseUrls, BudgetUsd, Judge, OwnFamily, named_urls

if TYPE_CHECKING:
    from rich.console import Console

    from router_audit.types.canary import CanaryCheck, CanaryPlanned

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, add_completion=False)

CHECK_EXAMPLE = "Example: router-audit canary check --revert"
PLAN_EXAMPLE = "Example: router-audit canary plan --effect 0.05 --within-days 14"
CLEAR_EXAMPLE = 'Example: router-audit canary clear classification/standard --why "model rolled back"'
ANCHORS_EXAMPLE = "Example: router-audit canary anchors regraded.jsonl"

Margin = Annotated[
    float, typer.Option("--margin", help="Mean harm that is put up with, as a share of requests.")
]
Alpha = Annotated[
    float,
    typer.Option("--alpha", help="Chance, over all days and routes, of a false alarm.", min=0.0001, max=0.5),
]
Effect = Annotated[
    float,
    typer.Option(
        "--effect", help="Harm that must not stay unseen, as a share of requests.", min=0.001, max=1
    ),
]


@app.command("check", epilog=CHECK_EXAMPLE)
def check(
    *,
    revert: Annotated[
        bool, typer.Option("--revert", help="On alarm, write a table with those routes at their incumbents.")
    ] = False,
    margin: Margin = 0.02,
    alpha: Alpha = 0.05,
    effect: Effect = 0.05,
    judge: Judge = None,
    allow_own_family: OwnFamily = False,
    budget_usd: BudgetUsd = 1.0,
    base_url: BaseUrls = None,
    prices: PriceFile = None,
    tables: Tables = Path("routing_tables"),
    huge_context_tokens: HugeContext = 200_000,
    db: Db = None,
    wait: Wait = 0.0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Grade new canary pairs and test every route for harm; exit code 1 on alarm. Look as often as you like."""
    from router_audit.cli.errors import CHECK_FAILED
    from router_audit.stages import canary as stage

    with output(json=json, quiet=quiet) as out, opened(db, wait) as store:
        result = stage.check(
            store,
            stage.CanaryOptions(
                today=datetime.now(UTC).date(),
                tables=tables,
                margin=margin,
                alpha=alpha,
                effect=effect,
                revert=revert,
                huge_context_tokens=huge_context_tokens,
                judge=judge,
                allow_own_family=allow_own_family,
                budget_usd=Decimal(str(budget_usd)),
                prices=prices,
                base_urls=named_urls(base_url),
            ),
        )
        out.result(result, lambda console: show_check(console, result))
    words = alarm_words(result)
    if words:
        typer.echo(words, err=True)
        raise typer.Exit(CHECK_FAILED)


def alarm_words(result: CanaryCheck) -> str:
    """One line for standard error: what is wrong and where to go back to; empty where nothing is."""
    alarmed = [f"{route.route} on {route.model}" for route in result.routes if route.alarm and route.in_force]
    if result.reverted_to is not None:
        return f"Canary alarm: its routes are back at their incumbents in {result.reverted_to}."
    if alarmed:
        back = f"go back to {result.go_back_to}" if result.go_back_to else "no earlier table is without it"
        return f"Canary alarm: {', '.join(alarmed)}; {back}, or run again with --revert."
    moved = [state.judge for state in result.judges if state.drifted]
    if result.frozen:
        return f"Verdicts are frozen: {', '.join(moved)} grades its anchors otherwise than at first."
    return ""


@app.command("plan", epilog=PLAN_EXAMPLE)
def plan(
    *,
    effect: Effect = 0.05,
    within_days: Annotated[
        float, typer.Option("--within-days", help="Days in which that harm must show.", min=0.1)
    ] = 14.0,
    requests_per_day: Annotated[
        float | None,
        typer.Option(
            "--requests-per-day",
            help="Of each route.  [default: as in the log]",
            min=1,
            show_default=False,
        ),
    ] = None,
    margin: Margin = 0.02,
    alpha: Alpha = 0.05,
    tables: Tables = Path("routing_tables"),
    db: Db = None,
    wait: Wait = 0.0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show what share of traffic the canary needs to see a given harm in a given time."""
    from router_audit.stages import canary as stage

    with output(json=json, quiet=quiet) as out, opened(db, wait) as store:
        options = stage.CanaryOptions(
            today=datetime.now(UTC).date(), tables=tables, margin=margin, alpha=alpha, effect=effect
        )
        result = stage.plan(store, options, within_days=within_days, requests_per_day=requests_per_day)
        out.result(result, lambda console: show_plan(console, result))


@app.command("clear", epilog=CLEAR_EXAMPLE)
def clear(
    route: Annotated[
        str, typer.Argument(help="profile/context, as `canary check` names it.", show_default=False)
    ],
    *,
    why: Annotated[str, typer.Option("--why", help="What was found out; kept.", show_default=False)],
    model: Annotated[
        str | None, typer.Option("--model", help="Only the alarm of this model.", show_default=False)
    ] = None,
    db: Db = None,
    wait: Wait = 0.0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Lift the alarm of a route: its model may be routed to again, and its test begins anew."""
    from router_audit.stages import canary as stage

    with output(json=json, quiet=quiet) as out, opened(db, wait) as store:
        lifted = stage.clear(store, route, model, why)
        out.result(
            {"cleared": [{"route": alarm.route, "model": alarm.model} for alarm in lifted]},
            lambda console: console.print(
                f"Lifted: {', '.join(f'{alarm.route} on {alarm.model}' for alarm in lifted)}.", markup=False
            ),
        )


@app.command("anchors", epilog=ANCHORS_EXAMPLE)
def anchors(
    file: Annotated[
        Path,
        typer.Argument(
            help='JSONL, one grading of the anchor set: {"judge", "item", "passed"} a line.',
            show_default=False,
        ),
    ],
    *,
    db: Db = None,
    wait: Wait = 0.0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Take in one more grading of a judge's anchor set; the first is the reference."""
    from router_audit.stages.canary import anchors as stage

    with output(json=json, quiet=quiet) as out, opened(db, wait) as store:
        result = stage.import_anchors(store, file)
        out.result(
            {"judges": result},
            lambda console: console.print(
                "\n".join(f"{name}: check {number}" for name, number in result.items()), markup=False
            ),
        )


def show_check(console: Console, result: CanaryCheck) -> None:
    """Each route on one line, then what could not be graded."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("route, model", "pairs", "differ", "e-value", "verdict", "sees", "days"):
        table.add_column(
            name, justify="left" if name in {"route, model", "verdict"} else "right", overflow="fold"
        )
    for route in result.routes:
        sees = route.minimum_detectable_effect
        table.add_row(
            f"{route.route} {route.model}" + ("" if route.in_force else " (not in force)"),
            f"{route.pairs:,}",
            f"{route.discordant:,}",
            f"{route.e_value:.3g}",
            route.verdict,
            "–" if sees is None else f"{sees:.1%}",
            "–" if route.days_needed is None else f"{route.days_needed:,}",
        )
    console.print(table)
    console.print(
        f"sees: the least harm that so many pairs show, 4 times in 5; days: of pairs at today's rate until "
        f"harm of {result.routes[0].effect:.0%} shows. Harm up to {result.margin:.0%} is put up with."
        if result.routes
        else "No canary pair is in the store and no table is in force.",
        style="dim",
    )
    for reason, count in result.ungraded.items():
        console.print(f"Not graded: {count:,} pairs: {reason}.", style="dim", markup=False)
    if result.unplaced:
        console.print(f"Without a profile, in no test: {result.unplaced:,} pairs.", style="dim")
    for state in result.judges:
        word = "has moved" if state.drifted else "has not moved"
        console.print(
            f"Judge {state.judge} {word}: {state.harsher} anchors harsher, {state.milder} milder of {state.items}.",
            style="dim",
            markup=False,
        )


def show_plan(console: Console, result: CanaryPlanned) -> None:
    """The share each route needs."""
    console.print(
        f"To see harm of {result.effect:.1%} within {result.within_days:g} days, 4 times in 5:", style="bold"
    )
    for row in result.routes:
        now = "" if row.share_now is None else f" (now {row.share_now:.1%})"
        if row.share is None:
            said = "no share would do: there is no traffic, or the margin covers that harm"
        elif row.reachable:
            said = f"{row.share:.2%} of {row.requests_per_day:,.0f} requests a day{now}: {row.pairs:,} pairs"
        else:
            said = f"all of {row.requests_per_day:,.0f} requests a day, and {row.days:,.0f} days: {row.pairs:,} pairs"
        console.print(f"{row.route} {row.model}: {said}", markup=False)
