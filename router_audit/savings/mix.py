"""Which model serves each request under a set of routes, with sticky sessions and cold caches.

Sticky (the default): within a session the model in use never becomes cheaper again, so that a cache goes cold
at most once per rung. A session moves up when a request's route asks for a dearer model, and stays there. No
request is moved to a dearer model than its own, or to one whose context window it does not fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from router_audit.types.money import RoutePlan
    from router_audit.types.price import ModelPrice

    Ints = NDArray[np.int64]

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
        schema={"route": pl.String, "_target": pl.Int64, "_window": pl.Int64},
    )
    up = {order[low]: order[high] for low, high in next_rungs(plans).items() if {low, high} <= order.keys()}
    own = pl.col("incumbent").cast(pl.String).replace_strict(order, default=None, return_dtype=pl.Int64)
    work = (
        frame.select(
            pl.concat_str("profile", "context", separator="/").alias("route"),
            own.alias("_own"),
            pl.col("input_tokens").fill_null(0).alias("_input"),
        )
        .join(routes, on="route", how="left", maintain_order="left")
        .select(
            pl.when(pl.col("_target").is_not_null()).then("route").otherwise(pl.lit(UNROUTED)).alias("route"),
            pl.col("_own").fill_null(-1),
            pl.when(
                (pl.col("_target") >= 0)
                & (pl.col("_target") < pl.col("_own"))
                & (pl.col("_window").is_null() | (pl.col("_input") <= pl.col("_window")))
            )
            .then("_target")
            .otherwise("_own")
            .fill_null(-1)
            .alias("_want"),
        )
    )
    had = work["_own"].to_numpy()
    want = work["_want"].to_numpy()
    cold = np.zeros(frame.height, np.bool_)
    if (want != had).any():
        holds = np.array([windows[ref] if windows[ref] is not None else np.inf for ref in names])
        want, cold = _in_order(frame, had, want, holds, sticky=sticky)
    name = dict(enumerate(names))
    added = work.select("route").with_columns(
        pl.Series("assigned", want).replace_strict(name, default=None, return_dtype=pl.Enum(names)),
        pl.Series("escalate_to", np.where(want != had, want, -1)).replace_strict(
            {low: names[high] for low, high in up.items()}, default=None, return_dtype=pl.Enum(names)
        ),
        pl.Series("moved", want != had),
        pl.Series("cold", cold),
    )
    return frame.drop([c for c in added.columns if c in frame.columns]).hstack(added)


def _in_order(
    frame: pl.DataFrame, own: Ints, want: Ints, holds: NDArray[np.float64], *, sticky: bool
) -> tuple[Ints, NDArray[np.bool_]]:
    """Walk each session in order of time: the models in use, sticky or not, and where their caches are cold.

    `holds` is each model's context window: a request that does not fit the session's model takes its own route.

    A request is cold where it is its cache's first on its model, unless it stays and was the first there in
    the log too. One that stays is cold as well when its session was away on another model before it.
    """
    cache = frame.select(_cache_key(frame).hash(0).rank("dense")).to_series().to_numpy().astype(np.int64)
    when = frame["started_at"].cast(pl.Datetime("us")).to_physical().fill_null(-1).to_numpy()
    order = np.lexsort((when, cache))
    cache, own, want = cache[order], own[order], want[order]
    models = int(max(own.max(), want.max())) + 2
    if sticky:
        # Sessions ascend, so a running maximum of session * models + model starts anew with each of them.
        highest = np.maximum.accumulate(cache * models + want + 1) - cache * models - 1
        named = frame["session_id"].is_not_null().to_numpy()[order]
        stays = np.minimum(highest, own)
        given = frame["input_tokens"].fill_null(0).to_numpy()[order]
        want = np.where(named & (own >= 0) & (given <= holds[stays]), stays, want)
    first = pl.Series(cache * models + want).is_first_distinct().to_numpy()
    before = pl.Series(cache * models + own).is_first_distinct().to_numpy()
    cold = first & ~(before & (want == own)) & (want >= 0)
    out_want, out_cold = np.empty_like(want), np.empty_like(cold)
    out_want[order], out_cold[order] = want, cold
    return out_want, out_cold


def _cache_key(frame: pl.DataFrame) -> pl.Expr:
    day = pl.col("started_at").cast(pl.Date).cast(pl.String).fill_null("")
    template = pl.col("template_id").fill_null("") if "template_id" in frame.columns else pl.lit("")
    shared = pl.concat_str(pl.lit("\0"), template, pl.lit("\0"), day)
    return pl.coalesce("session_id", shared)
