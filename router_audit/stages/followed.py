"""Every stored call at the price of its own day: what `track` and the report's course over time are computed from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from router_audit.pricing.incumbents import price_incumbents
from router_audit.projection import with_cells
from router_audit.savings import reprice

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import polars as pl

    from router_audit.pricing import PriceBook
    from router_audit.store import Store
    from router_audit.types.price import ModelPrice


def followed(
    store: Store,
    book: PriceBook,
    ladder: Mapping[str, Any] | None,
    *,
    huge_context_tokens: int,
    since: datetime | None = None,
) -> pl.DataFrame:
    """A row per call, oldest first, as `tracking.track` takes them; none where the store holds no request.

    `ladder`, as a table has it, says which models are the economy tier; without one, the shipped ladders do.
    """
    import polars as pl

    latest = store.query("latest_classifier")
    frame = store.query(
        "tracked",
        classifier=latest["version"][0] if latest.height else "",
        huge_context_tokens=huge_context_tokens,
        since=since,
    )
    dated = price_incumbents(frame, book, None)
    priced = reprice(with_cells(dated.frame), dated.prices)
    economy = _economy(ladder, dated.prices)
    return priced.with_columns(
        pl.concat_str("profile", pl.lit("/"), "context").alias("route"),
        pl.coalesce("incumbent", "response_model", "request_model").alias("model"),
        pl.col("incumbent").is_in(sorted(economy)).fill_null(value=False).alias("economy"),
    )


def _economy(ladder: Mapping[str, Any] | None, prices: Mapping[str, ModelPrice]) -> set[str]:
    """The models of the economy tier: those of the ladder, and what costs no more than the dearest of them."""
    from router_audit.pricing import read_ladders

    if ladder is not None:
        own = {rung["model"] for rung in ladder["models"] if rung["tier"] == ladder["tiers"][0]}
    else:
        own = {
            rung.ref
            for shipped in read_ladders().values()
            for rung in shipped.models
            if rung.tier == shipped.tiers[0]
        }
    by_name = {price.ref: price for price in prices.values()}
    ceiling = max((by_name[ref].blended_mtok for ref in own if ref in by_name), default=None)
    return own | {
        ref for ref, price in by_name.items() if ceiling is not None and price.blended_mtok <= ceiling
    }
