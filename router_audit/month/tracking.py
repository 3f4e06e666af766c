"""What each route and model cost and resolved, period by period. Pure: a frame in, a typed result out.

Intervals are of 95%: Student's t for the mean cost of a task (not below zero), Jeffreys' for a resolution
rate (Brown, Cai and DasGupta 2001, Statistical Science 16:101-133). Tasks are taken as independent; requests
of one task are not.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

import polars as pl
from scipy.special import betaincinv, stdtrit
from scipy.stats import chi2

from router_audit.savings import usd
from router_audit.types.track import ALL, Estimate, OriginMix, Track, TrackRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import timedelta
    from decimal import Decimal

    from router_audit.types.track import By

EVERY = {"day": "1d", "week": "1w", "month": "1mo"}
MIX_MOVED = 0.10
"""A mix of evidence has changed when so much of it is of another origin, and chance does not explain it."""
MIX_LEVEL = 0.01
COLUMNS = (
    "task", "started_at", "route", "model", "cost_pico", "latency_ms", "resolved", "outcome_origin", "escalated_from",
    "superseded", "shadow", "canary", "economy",
)  # fmt: skip
"""What is read of a call: a narrow frame is cut into periods and routes many times."""
BARS = "▁▂▃▄▅▆▇█"


def period_for(frame: pl.DataFrame) -> By:
    """The length of a period that shows a course: days for up to three weeks, weeks for up to a year, else months.

    `frame` has `started_at`. A day of little traffic says little: its interval is as wide as the picture.
    """
    span: timedelta | None = frame.select(pl.col("started_at").max() - pl.col("started_at").min()).item()
    days = span.days + 1 if span is not None else 0
    return "day" if days <= 3 * 7 else "week" if days <= 366 else "month"


def track(frame: pl.DataFrame, by: By) -> Track:
    """Group calls into tasks and tasks into periods.

    `frame` has a row per call in order of time with at least `COLUMNS`; a null `route` is an untagged one.
    """
    calls, tasks = _placed(frame, by)
    rows: list[TrackRow] = []
    for (period,), part in tasks.group_by("period", maintain_order=True):
        mine = calls.filter(pl.col("period") == period)
        rows.append(_row(mine, part, str(period), ALL, ALL))
        for route in sorted(part["route"].unique().to_list()):
            of_route = pl.col("route") == route
            own, done = mine.filter(of_route), part.filter(of_route)
            rows.append(_row(own, done, str(period), route, ALL))
            for model in sorted(done["first_model"].unique().to_list()):
                by_model = pl.col("first_model") == model
                rows.append(_row(own.filter(by_model), done.filter(by_model), str(period), route, model))
    return Track(by, tuple(rows), tuple(_origins(tasks)))


def _placed(frame: pl.DataFrame, by: By) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Each call with its task's period, route and first model; and each task with what it cost and came to.

    Everything of a task is settled here, once: a task lies in one period, one route and one model.
    """
    calls = frame.select(COLUMNS).with_columns(
        pl.coalesce("escalated_from", "model", pl.lit("no model named")).alias("own_model"),
        pl.col("route").fill_null("untagged"),
    )
    served = calls.filter(~pl.col("shadow"))
    shown = served.filter(~pl.col("superseded"))
    first = [pl.col("route").first(), pl.col("own_model").first().alias("first_model")]
    paid = [pl.col("cost_pico").sum(), (pl.col("cost_pico").null_count() == 0).alias("priced")]
    said = shown.filter(pl.col("resolved").is_not_null()).group_by("task")
    whole = (
        calls.group_by("task", maintain_order=True)  # else the last bit of a mean would vary
        .agg(pl.col("started_at").min().dt.truncate(EVERY[by]).alias("start"), *first)
        .with_columns(pl.col("start").dt.strftime("%Y-%m-%d").fill_null("undated").alias("period"))
        .drop("start")
    )
    parts = (
        served.group_by("task").agg(*first, *paid),
        said.agg(pl.col("resolved").last(), pl.col("outcome_origin").last()),
        shown.select("task").unique().with_columns(pl.lit(value=True).alias("shown")),
    )
    tasks = whole
    for part in parts:
        tasks = tasks.join(part, on="task", how="left", maintain_order="left")
    tasks = tasks.with_columns(
        pl.coalesce("route_right", "route").alias("route"),
        pl.coalesce("first_model_right", "first_model").alias("first_model"),
        pl.col("priced", "shown").fill_null(value=False),
    ).sort("period", maintain_order=True)
    placed = calls.drop("route").join(
        tasks.select("task", "period", "route", "first_model"), on="task", how="left", maintain_order="left"
    )
    return placed, tasks


def _row(calls: pl.DataFrame, tasks: pl.DataFrame, period: str, route: str, model: str) -> TrackRow:
    served = calls.filter(~pl.col("shadow") & ~pl.col("superseded"))
    paid = calls.filter(~pl.col("shadow"))
    costs = tasks.filter("priced")["cost_pico"]
    outcomes = tasks["resolved"].drop_nulls()
    waits = served["latency_ms"].drop_nulls()
    return TrackRow(
        period=period,
        route=route,
        model=model,
        requests=served.height,
        tasks=tasks.height,
        cost_usd=_usd(paid),
        canary_usd=_usd(calls.filter("shadow")),
        unpriced=int(paid["cost_pico"].null_count()),
        cost_per_task_usd=mean_interval(costs * 1e-12) if len(costs) else None,
        resolution=rate_interval(int(outcomes.sum()), len(outcomes)) if len(outcomes) else None,
        latency_p50_ms=_quantile(waits, 0.5),
        latency_p95_ms=_quantile(waits, 0.95),
        escalation_rate=_share(served["escalated_from"].is_not_null()),
        economy_share=_share(served["economy"]),
        canary_requests=int(served["canary"].sum()),
    )


def mean_interval(values: pl.Series) -> Estimate:
    """The mean of independent values with Student's interval; a single value has no width to show."""
    n, found = len(values), values.to_numpy().astype(float)
    mean = float(found.mean())
    spread = float(found.std(ddof=1)) if n > 1 else 0.0
    half = float(stdtrit(n - 1, 0.975)) * spread / sqrt(n) if n > 1 else 0.0
    return Estimate(mean, max(0.0, mean - half), mean + half, n)


def rate_interval(hits: int, trials: int) -> Estimate:
    """A share with Jeffreys' interval, which reaches 0 and 1 where all or none were hits."""
    a, b = hits + 0.5, trials - hits + 0.5
    low = 0.0 if hits == 0 else float(betaincinv(a, b, 0.025))
    high = 1.0 if hits == trials else float(betaincinv(a, b, 0.975))
    return Estimate(hits / trials, low, high, trials)


def _origins(tasks: pl.DataFrame) -> Iterator[OriginMix]:
    named = tasks.filter("shown").with_columns(
        pl.when(pl.col("resolved").is_null()).then(pl.lit("none")).otherwise(
            pl.col("outcome_origin").fill_null("unnamed")
        ).alias("origin")
    )  # fmt: skip
    before: dict[str, int] = {}
    for (period,), part in named.group_by("period", maintain_order=True):
        now = dict(part.group_by("origin").len().sort("origin").iter_rows())
        yield OriginMix(
            str(period),
            {name: count / part.height for name, count in now.items()},
            mix_change(before, now) if before else "",
        )
        before = now


def mix_change(before: dict[str, int], now: dict[str, int]) -> str:
    """How two mixes differ, in words; empty where less than `MIX_MOVED` moved or chance explains it.

    Chance: Pearson's chi-square test of homogeneity at `MIX_LEVEL`.
    """
    names = sorted({*before, *now})
    totals = sum(before.values()), sum(now.values())
    moved = {name: now.get(name, 0) / totals[1] - before.get(name, 0) / totals[0] for name in names}
    if sum(abs(value) for value in moved.values()) / 2 < MIX_MOVED:
        return ""
    statistic = 0.0
    for counts, total in ((before, totals[0]), (now, totals[1])):
        for name in names:
            expected = total * (before.get(name, 0) + now.get(name, 0)) / sum(totals)
            statistic += (counts.get(name, 0) - expected) ** 2 / expected
    if chi2.sf(statistic, len(names) - 1) > MIX_LEVEL:
        return ""
    most = max(names, key=lambda name: abs(moved[name]))
    return (
        f"outcomes by {most}: {before.get(most, 0) / totals[0]:.0%} of the tasks before, "
        f"{now.get(most, 0) / totals[1]:.0%} now"
    )


def sparkline(values: Sequence[float | None]) -> str:
    """One bar per value between the smallest and the largest; a space where there is none."""
    known = [value for value in values if value is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    span = high - low
    return "".join(
        " " if value is None else BARS[round((value - low) / span * (len(BARS) - 1)) if span else 3]
        for value in values
    )


def _usd(part: pl.DataFrame) -> Decimal:
    return usd(int(part.select(pl.col("cost_pico").cast(pl.Int128).sum()).item() or 0))


def _quantile(values: pl.Series, share: float) -> float | None:
    return None if values.is_empty() else float(values.quantile(share, "linear") or 0.0)


def _share(values: pl.Series) -> float:
    return float(values.fill_null(value=False).sum()) / len(values) if len(values) else 0.0
