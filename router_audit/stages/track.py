"""From the store to what each route and model cost and resolved, period by period."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from router_audit.errors import UserError
from router_audit.pricing import load_prices
from router_audit.pricing.incumbents import price_incumbents
from router_audit.projection import with_cells
from router_audit.savings import reprice
from router_audit.tablefile import TABLES, read_table, versions
from router_audit.types import HUGE_CONTEXT_TOKENS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from router_audit.store import Store
    from router_audit.types.price import ModelPrice
    from router_audit.types.track import By, Track


@dataclass(frozen=True, slots=True)
class TrackOptions:
    """What is tracked."""

    by: By = "week"
    since: datetime | None = None
    tables: Path = TABLES
    """Whose newest table says which models are the economy tier; without one, the shipped ladders do."""
    prices: Path | None = None
    huge_context_tokens: int = HUGE_CONTEXT_TOKENS


def track(store: Store, options: TrackOptions) -> Track:
    """Every stored call at the price of its own day, by period, route and model.

    Raises UserError where the store holds no request in the window.
    """
    import polars as pl

    from router_audit.tracking import track as tracked

    latest = store.query("latest_classifier")
    frame = store.query(
        "tracked",
        classifier=latest["version"][0] if latest.height else "",
        huge_context_tokens=options.huge_context_tokens,
        since=options.since,
    )
    if frame.is_empty():
        raise UserError(
            "the store holds no request there; run `router-audit ingest PATH…` first", where=str(store.path)
        )
    dated = price_incumbents(frame, load_prices(options.prices), None)
    priced = reprice(with_cells(dated.frame), dated.prices)
    economy = _economy(options.tables, dated.prices)
    return tracked(
        priced.with_columns(
            pl.concat_str("profile", pl.lit("/"), "context").alias("route"),
            pl.coalesce("incumbent", "response_model", "request_model").alias("model"),
            pl.col("incumbent").is_in(sorted(economy)).fill_null(value=False).alias("economy"),
        ),
        options.by,
    )


def _economy(tables: Path, prices: Mapping[str, ModelPrice]) -> set[str]:
    """The models of the economy tier: those of the ladder, and what costs no more than the dearest of them."""
    from router_audit.pricing import read_ladders

    found = versions(tables)
    if found:
        ladder = read_table(found[-1])["ladder"]
        own = {rung["model"] for rung in ladder["models"] if rung["tier"] == ladder["tiers"][0]}
    else:
        own = {
            rung.ref
            for ladder in read_ladders().values()
            for rung in ladder.models
            if rung.tier == ladder.tiers[0]
        }
    by_name = {price.ref: price for price in prices.values()}
    ceiling = max((by_name[ref].blended_mtok for ref in own if ref in by_name), default=None)
    return own | {
        ref for ref, price in by_name.items() if ceiling is not None and price.blended_mtok <= ceiling
    }
