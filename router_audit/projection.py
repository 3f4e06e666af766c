"""What the routes would do to each logged request: which model would serve it, and on which tier."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import polars as pl

from router_audit.policy import CELLS, Traffic
from router_audit.savings.cells import cells
from router_audit.savings.reprice import TOKEN_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router_audit.savings.cells import Cell
    from router_audit.types import Context, Ladder, Profile
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
    priced = frame.select(
        "profile", "context", *(n for n in ("service_tier", *TOKEN_COLUMNS) if n in frame.columns)
    ).filter(frame["profile"].is_not_null() & frame["cost_pico"].is_not_null())
    summed = cells(priced, list(prices.values()), by=("profile", "context"))
    requests: dict[tuple[Profile, Context], int] = {}
    for cell in summed:
        requests[_row(cell)] = requests.get(_row(cell), 0) + cell.requests
    found: dict[tuple[tuple[Profile, Context], str], float] = {}
    for ref, price in prices.items():
        totals = dict.fromkeys(requests, 0)
        for cell in summed:
            totals[_row(cell)] += cell.cost_pico(price)
        found |= {(row, ref): totals[row] / requests[row] * 1e-12 for row in requests}
    return found


def _row(cell: Cell) -> tuple[Profile, Context]:
    profile, context = cell.key
    return cast("Profile", profile), cast("Context", context)


def incumbent_costs_usd(frame: pl.DataFrame) -> dict[tuple[Profile, Context], float]:
    """The mean cost in USD of one request of each row today, over those that have a price."""
    means = (
        frame.filter(pl.col("profile").is_not_null())
        .group_by("profile", "context")
        .agg(pl.col("cost_pico").mean())
        .drop_nulls()
    )
    return {(profile, context): cost * 1e-12 for profile, context, cost in means.iter_rows()}


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
