"""Which model serves each request under a set of routes, with sticky sessions and cold caches.

Sticky (the default): within a session the model in use never becomes cheaper again, so that a cache goes cold
at most once per rung. A session moves up when a request's route asks for a dearer model, and stays there. No
request is moved to a dearer model than its own, or to one whose context window it does not fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from router_audit.types.money import RoutePlan
    from router_audit.types.price import ModelPrice

UNROUTED = "unrouted"
"""The route of a request whose profile is not known, or has no plan: it keeps its model."""


def ranks(prices: Mapping[str, ModelPrice]) -> dict[str, int]:
    """Models from cheapest to dearest by the blended price; ties by name."""
    order = sorted(prices, key=lambda ref: (prices[ref].blended_mtok, ref))
    return {ref: rank for rank, ref in enumerate(order)}


def next_rungs(plans: Iterable[RoutePlan]) -> dict[str, str]:
    """Where an answer of each model escalates to, read off the plans."""
    return {plan.model: plan.escalate_to for plan in plans if plan.model and plan.escalate_to}


def assign(
    frame: pl.DataFrame,
    plans: Iterable[RoutePlan],
    prices: Mapping[str, ModelPrice],
    *,
    sticky: bool = True,
) -> pl.DataFrame:
    """The frame with `route`, `assigned`, `escalate_to`, `moved` and `cold`, rows in their order.

    Needs `profile`, `context`, `incumbent` (`provider/model`, null where unpriced), `session_id` and
    `started_at`. Where traffic names no session, a cache is shared by the requests of one `template_id` (if
    the column is there) on one day.
    """
    plans = list(plans)
    order = ranks(prices)
    names = sorted(order, key=order.__getitem__)
    windows = {ref: price.context_window for ref, price in prices.items()}
    routes = pl.DataFrame(
        {
            "route": [plan.key for plan in plans],
            "_target": [order.get(plan.model or "", -1) for plan in plans],
            "_window": [windows.get(plan.model or "") for plan in plans],
        },
        schema={"route": pl.String, "_target": pl.Int32, "_window": pl.Int64},
    )
    up = {order[low]: order[high] for low, high in next_rungs(plans).items() if {low, high} <= order.keys()}
    own = pl.col("incumbent").replace_strict(order, default=None, return_dtype=pl.Int32)
    work = (
        frame.select(
            pl.concat_str("profile", "context", separator="/").alias("route"),
            own.alias("_own"),
            "session_id",
            "started_at",
            pl.col("input_tokens").fill_null(0).alias("_input"),
            _cache_key(frame).alias("_cache"),
        )
        .with_row_index("_row")
        .join(routes, on="route", how="left", maintain_order="left")
        .with_columns(
            pl.when(pl.col("_target").is_not_null()).then("route").otherwise(pl.lit(UNROUTED)).alias("route"),
            pl.when(
                (pl.col("_target") >= 0)
                & (pl.col("_target") < pl.col("_own"))
                & (pl.col("_window").is_null() | (pl.col("_input") <= pl.col("_window")))
            )
            .then("_target")
            .otherwise("_own")
            .alias("_want"),
        )
    )
    if sticky and work["session_id"].null_count() < work.height:
        highest = pl.col("_want").cum_max().over("session_id", order_by=["started_at", "_row"])
        work = work.with_columns(
            pl.when(pl.col("session_id").is_not_null() & pl.col("_own").is_not_null())
            .then(pl.min_horizontal(highest, "_own"))
            .otherwise("_want")
            .alias("_want")
        )
    moved = (pl.col("_want") != pl.col("_own")).fill_null(value=False)
    work = work.with_columns(moved.alias("moved")).with_columns(
        _cold(moved_any=bool(work.select(moved.any()).item()))
    )
    name = {rank: ref for ref, rank in order.items()}
    added = work.select(
        "route",
        pl.col("_want").replace_strict(name, default=None, return_dtype=pl.Enum(names)).alias("assigned"),
        pl.when("moved")
        .then(pl.col("_want").replace_strict(up, default=None, return_dtype=pl.Int32))
        .replace_strict(name, default=None, return_dtype=pl.Enum(names))
        .alias("escalate_to"),
        "moved",
        "cold",
    )
    return frame.drop([c for c in added.columns if c in frame.columns]).hstack(added)


def _cache_key(frame: pl.DataFrame) -> pl.Expr:
    day = pl.col("started_at").cast(pl.Date).cast(pl.String).fill_null("")
    template = pl.col("template_id").fill_null("") if "template_id" in frame.columns else pl.lit("")
    shared = pl.concat_str(pl.lit("\0"), template, pl.lit("\0"), day)
    return pl.coalesce("session_id", shared)


def _cold(*, moved_any: bool) -> pl.Expr:
    """First request of its cache on the assigned model, unless it is the incumbent's first one there too.

    A request that stays is cold as well when its session was away on another model before it.
    """
    if not moved_any:
        return pl.lit(value=False).alias("cold")
    by = ["started_at", "_row"]
    first = pl.int_range(pl.len()).over("_cache", "_want", order_by=by) == 0
    before = pl.int_range(pl.len()).over("_cache", "_own", order_by=by) == 0
    return (first & ~(before & ~pl.col("moved")) & pl.col("_want").is_not_null()).alias("cold")
