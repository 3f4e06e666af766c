"""Token sums of requests that are priced alike: added up once, then priced on as many models as one likes.

Within a long-context band a cost is linear in the token counts. So the requests of one incumbent, service tier
and band make one cell, and a model's price times the cell's sums is, exactly, the sum of its requests' costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import TYPE_CHECKING

import polars as pl

from router_audit.savings.matrix import KINDS
from router_audit.savings.reprice import counts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router_audit.savings.matrix import Factor
    from router_audit.types.price import ModelPrice, Rates


@dataclass(frozen=True, slots=True)
class Cell:
    """Requests whose costs are one price times their tokens, on every model they may be priced on."""

    key: tuple[str | None, ...]
    """Of the columns asked for."""
    incumbent: str | None
    service_tier: str | None
    over: int
    """Their input is over this many tokens, and not over the next threshold of any price."""
    requests: int
    tokens: tuple[int, ...]
    """Sums of each of `matrix.KINDS`."""

    def cost_pico(self, price: ModelPrice, factor: Factor | None = None) -> int:
        """What they would cost together on that model, in whole pico-USD."""
        scaled = _scaled(price, self.incumbent, self.service_tier, factor)
        rates: Rates = scaled.rates
        for band in scaled.bands:
            if band.over_input_tokens <= self.over:
                rates = band.rates
        cost = sum(count * rate for count, rate in zip(self.tokens, rates.filled(), strict=True))
        return cost + self.requests * scaled.request_fee_pico


def cells(
    frame: pl.DataFrame,
    prices: Sequence[ModelPrice],
    factor: Factor | None = None,
    by: Sequence[str] = (),
) -> tuple[Cell, ...]:
    """The cells of a log by the columns `by`, fine enough for those prices. What has no usable counts is in none.

    Needs the store's token columns (absent ones count as zero); `incumbent` and `service_tier` where they matter.
    """
    also = [name for name in ("incumbent", "service_tier") if name in frame.columns]
    incumbents, tiers = (_distinct(frame, name) for name in ("incumbent", "service_tier"))
    starts = sorted(
        {
            band.over_input_tokens
            for incumbent, tier, price in product(incumbents, tiers, prices)
            for band in _scaled(price, incumbent, tier, factor).bands
        }
    )
    told = counts(frame)
    longest = sum(_most(frame, name) for name in ("input_tokens", "cache_read_tokens", "cache_write_tokens"))
    starts = [start for start in starts if start < longest]
    band = pl.sum_horizontal([(told["_input"] > start).cast(pl.Int32) for start in starts] or [pl.lit(0)])
    keys = [*by, *(name for name in also if name not in by)]
    sums = (
        frame.lazy()
        .filter(told["_counted"])
        .group_by(*keys, band.alias("_band"))
        .agg(pl.len().alias("_requests"), *(told[f"_{kind}"].sum().alias(f"_{kind}") for kind in KINDS))
        .sort(*keys, "_band", nulls_last=True)
        .collect(engine="streaming")
    )
    edges = [0, *starts]
    return tuple(
        Cell(
            key=tuple(row[name] for name in by),
            incumbent=row.get("incumbent"),
            service_tier=row.get("service_tier"),
            over=edges[row["_band"]],
            requests=row["_requests"],
            tokens=tuple(row[f"_{kind}"] for kind in KINDS),
        )
        for row in sums.iter_rows(named=True)
    )


def totals_pico(
    found: Sequence[Cell], prices: Sequence[ModelPrice], factor: Factor | None = None
) -> list[int]:
    """What all requests would cost on each model, in exact pico-USD: the sums of `matrix.cost_matrix`."""
    return [sum(cell.cost_pico(price, factor) for cell in found) for price in prices]


def _most(frame: pl.DataFrame, name: str) -> int:
    return int(frame[name].max() or 0) if name in frame.columns else 0  # type: ignore[arg-type]


def _distinct(frame: pl.DataFrame, name: str) -> list[str | None]:
    if name not in frame.columns or frame[name].null_count() == frame.height:
        return [None]
    return frame[name].unique().to_list()


def _scaled(
    price: ModelPrice, incumbent: str | None, service_tier: str | None, factor: Factor | None
) -> ModelPrice:
    by = factor(incumbent, price.ref) if factor and incumbent else Decimal(1)
    return price.tier(service_tier).scaled(by)
