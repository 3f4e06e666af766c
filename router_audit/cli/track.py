"""`router-audit track`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from router_audit.cli.build_table import HugeContext, PriceFile, Tables
from router_audit.cli.options import Db, Json, Quiet, Wait
from router_audit.cli.output import opened, output
from router_audit.summary.words import unit_usd

if TYPE_CHECKING:
    from rich.console import Console

    from router_audit.types.track import Estimate, Track, TrackRow

MOST_BARS, FEW_BARS, WIDE = 12, 7, 90
"""Periods drawn on a terminal of at least `WIDE` columns, and on a narrower one."""

EXAMPLE = "Example: router-audit track --by week"

Since = Annotated[
    datetime | None,
    typer.Option(
        "--since", formats=["%Y-%m-%d"], help="Only calls of that day and later.", show_default=False
    ),
]


def track(
    *,
    by: Annotated[Literal["day", "week", "month"], typer.Option("--by", help="Length of a period.")] = "week",
    since: Since = None,
    tables: Tables = Path("routing_tables"),
    prices: PriceFile = None,
    huge_context_tokens: HugeContext = 200_000,
    db: Db = None,
    wait: Wait = 0.0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show cost per task and resolution rate per route and model over time."""
    from router_audit.stages import track as stage

    with output(json=json, quiet=quiet) as out, opened(db, wait) as store:
        result = stage.track(
            store,
            stage.TrackOptions(
                by=by, since=since, tables=tables, prices=prices, huge_context_tokens=huge_context_tokens
            ),
        )
        out.result(result, lambda console: show(console, result))


def show(console: Console, track: Track) -> None:
    """The last period in figures with the course before it as bars, then what to read with care."""
    from rich.table import Table

    from router_audit.month.tracking import sparkline

    periods = list(dict.fromkeys(row.period for row in track.rows))
    known = {(row.period, row.route, row.model): row for row in track.rows}
    names = sorted({(row.route, row.model) for row in track.rows}, key=lambda name: (name[0] != "all", name))
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    columns = ("route, model", "tasks", "$ a task", "", "resolved", "", "p50 p95", "up", "economy")
    for name in columns:
        left = name in {"route, model", ""}
        table.add_column(
            name, justify="left" if left else "right", overflow="fold", no_wrap=name != columns[0]
        )
    models = sorted({model for _, model in names})
    endings = [model.rpartition("/")[2] for model in models]
    short = {m: end for m, end in zip(models, endings, strict=True) if endings.count(end) == 1}
    shown = MOST_BARS if console.width >= WIDE else FEW_BARS
    for route, model in names:
        course: list[TrackRow | None] = [known.get((period, route, model)) for period in periods]
        last = next(row for row in reversed(course) if row is not None)
        label = route.removesuffix("/standard") if model == "all" else "  " + short.get(model, model)
        table.add_row(
            label,
            f"{last.tasks:,}",
            _money(last.cost_per_task_usd),
            sparkline([_value(row.cost_per_task_usd) if row else None for row in course[-shown:]]),
            _rate(last.resolution),
            sparkline([_value(row.resolution) if row else None for row in course[-shown:]]),
            f"{_ms(last.latency_p50_ms)}\n{_ms(last.latency_p95_ms)}",
            f"{last.escalation_rate:.0%}",
            f"{last.economy_share:.0%}",
        )
    console.print(table)
    newest = known[periods[-1], "all", "all"]
    console.print(
        f"{track.by} from {periods[-1]}: economy tier {newest.economy_share:.0%} of the requests; "
        f"canary {newest.canary_requests:,} requests. Ranges are of 95%; p50 and p95 in milliseconds.",
        style="dim",
    )
    for mix in track.origins[-1:]:
        shares = ", ".join(f"{name} {share:.0%}" for name, share in mix.shares.items())
        console.print(f"Resolution rests on: {shares}.", style="dim", markup=False)
    for mix in track.origins:
        if mix.changed:
            console.print(
                f"{mix.period}: {mix.changed}. The rates before and after do not compare.", markup=False
            )


def _value(estimate: Estimate | None) -> float | None:
    return None if estimate is None else estimate.value


def _money(estimate: Estimate | None) -> str:
    """The mean, and below it half the width of its interval, to the same places."""
    if estimate is None:
        return "–"
    if estimate.n == 1:
        return f"{unit_usd(estimate.value)}\none task".replace("$", "")
    half = (estimate.high - estimate.low) / 2
    return f"{unit_usd(estimate.value)}\n±{unit_usd(half, like=estimate.value)}".replace("$", "")


def _rate(estimate: Estimate | None) -> str:
    return "–" if estimate is None else f"{estimate.value:.0%}\n{estimate.low:.0%}–{estimate.high:.0%}"


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"
