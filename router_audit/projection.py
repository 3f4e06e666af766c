"""What the routes would do to each logged request: which model would serve it, and on which tier."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from router_audit.policy import CELLS, Traffic
from router_audit.savings import reprice_at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from router_audit.types import Context, Ladder, Profile, Route
    from router_audit.types.price import ModelPrice


def with_cells(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with its `context` row: `huge` where the flag is set and the profile has a huge row.

    Needs `profile` (null: not tagged) and `huge_context`.
    """
    banded = [profile for profile, context in CELLS if context == "huge"]
    huge = pl.col("huge_context") & pl.col("profile").is_in(banded)
    return frame.with_columns(
        pl.when(huge).then(pl.lit("huge")).otherwise(pl.lit("standard")).alias("context")
    )


def traffic_of(frame: pl.DataFrame) -> dict[tuple[Profile, Context], Traffic]:
    """Requests and incumbents of each row of the table; needs `profile`, `context` and `price_key`."""
    counted = (
        frame.filter(pl.col("profile").is_not_null())
        .group_by("profile", "context", "price_key")
        .agg(pl.len().alias("requests"))
        .sort("profile", "context", "price_key")
    )
    found: dict[tuple[Profile, Context], Traffic] = {}
    for cell in CELLS:
        rows = counted.filter((pl.col("profile") == cell[0]) & (pl.col("context") == cell[1]))
        incumbents = {
            row["price_key"]: row["requests"]
            for row in rows.iter_rows(named=True)
            if row["price_key"] is not None
        }
        found[cell] = Traffic(int(rows["requests"].sum()), incumbents)
    return found


def mean_costs_usd(
    frame: pl.DataFrame, prices: Mapping[str, ModelPrice]
) -> dict[tuple[tuple[Profile, Context], str], float]:
    """The expected cost in USD of one request of each row on each of `prices`, by (row, model).

    Taken over the requests of the row that have a price today, so that models and incumbents compare.
    """
    found: dict[tuple[tuple[Profile, Context], str], float] = {}
    priced = frame.filter(pl.col("profile").is_not_null() & pl.col("cost_pico").is_not_null())
    for ref, price in prices.items():
        means = reprice_at(priced, price).group_by("profile", "context").agg(pl.col("cost_pico").mean())
        for profile, context, cost in means.iter_rows():
            found[(profile, context), ref] = cost * 1e-12
    return found


def incumbent_costs_usd(frame: pl.DataFrame) -> dict[tuple[Profile, Context], float]:
    """The mean cost in USD of one request of each row today, over those that have a price."""
    means = (
        frame.filter(pl.col("profile").is_not_null())
        .group_by("profile", "context")
        .agg(pl.col("cost_pico").mean())
        .drop_nulls()
    )
    return {(profile, context): cost * 1e-12 for profile, context, cost in means.iter_rows()}


def with_targets(
    frame: pl.DataFrame, routes: Sequence[Route], prices: Mapping[str, ModelPrice]
) -> pl.DataFrame:
    """The frame with `target_key`, the model that would serve each request, and `moved`.

    A request stays with its own model where its route is not applied, where its own model has no price, where
    the route's model is not cheaper, or where the input does not fit the route's context window: no route
    moves a request to a dearer model than its own.
    """
    applied = pl.DataFrame(
        [
            {
                "profile": route.profile,
                "context": route.context,
                "route_model": route.model,
                "route_mtok": float(prices[route.model].blended_mtok),
                "route_window": prices[route.model].context_window,
            }
            for route in routes
            if route.applied and route.model is not None and route.model in prices
        ],
        schema={
            "profile": pl.String,
            "context": pl.String,
            "route_model": pl.String,
            "route_mtok": pl.Float64,
            "route_window": pl.Int64,
        },
    )
    own = pl.DataFrame(
        {"price_key": list(prices), "own_mtok": [float(price.blended_mtok) for price in prices.values()]},
        schema={"price_key": pl.String, "own_mtok": pl.Float64},
    )
    joined = frame.join(applied, on=["profile", "context"], how="left", maintain_order="left").join(
        own, on="price_key", how="left", maintain_order="left"
    )
    cheaper = pl.col("route_mtok") < pl.col("own_mtok")
    fits = pl.col("route_window").is_null() | (pl.col("input_tokens").fill_null(0) <= pl.col("route_window"))
    return (
        joined.with_columns((cheaper & fits).fill_null(value=False).alias("moved"))
        .with_columns(pl.when("moved").then("route_model").otherwise("price_key").alias("target_key"))
        .drop("route_model", "route_mtok", "route_window", "own_mtok")
    )


def tiers_by_price(ladder: Ladder, prices: Mapping[str, ModelPrice]) -> dict[str, str]:
    """The tier of every priced model: its own on the ladder, else the lowest tier that costs at least as much.

    Prices are compared by `ModelPrice.blended_mtok`; a model dearer than the whole ladder is on its top tier.
    """
    known = {rung.ref: rung.tier for rung in ladder.models}
    if ladder.long_context is not None:
        known[ladder.long_context.ref] = ladder.long_context.tier
    ceilings = [
        (max(prices[ref].blended_mtok for ref, on in known.items() if on == tier and ref in prices), tier)
        for tier in ladder.tiers
        if any(on == tier and ref in prices for ref, on in known.items())
    ]
    return {
        ref: known.get(ref)
        or next((tier for most, tier in ceilings if price.blended_mtok <= most), ladder.tiers[-1])
        for ref, price in prices.items()
    }


def share_on(frame: pl.DataFrame, column: str, tiers: Mapping[str, str], tier: str) -> float | None:
    """The share of requests whose model in `column` is on `tier`; None where there is no request."""
    if frame.is_empty():
        return None
    on_tier = [ref for ref, found in tiers.items() if found == tier]
    return round(float(frame.select(pl.col(column).is_in(on_tier).fill_null(value=False).mean()).item()), 6)
