"""Everything the report says, as one typed value: all arithmetic is done before the first tag is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from router_audit.types import RoutingTable

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Share:
    """A part of the traffic: how many requests, what they cost, and their share of each."""

    name: str
    requests: int
    cost_usd: Decimal
    requests_share: float
    cost_share: float


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something the audit could not do, counted, with where it first happened."""

    what: str
    count: int
    example: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """What one report says."""

    table: RoutingTable
    requests: int
    first_at: str | None
    last_at: str | None
    spend_usd: Decimal
    """Of the priced requests, at the table's prices date."""
    spend_per_month_usd: Decimal
    by_model: tuple[Share, ...]
    by_profile: tuple[Share, ...]
    by_source: tuple[Share, ...]
    rejects: tuple[Unknown, ...]
    unpriced: tuple[Unknown, ...]
    untagged: int
    logged_cost_usd: Decimal | None = None
    """What the log itself says the requests cost, where it says so."""
    extra: dict[str, Any] = field(default_factory=dict)


def shares(frame: pl.DataFrame, column: str, *, missing: str) -> tuple[Share, ...]:
    """Group a priced frame (`cost_pico`, `column`) by a column, dearest first.

    Null names become `missing`; a request without a price counts as a request and adds no cost.
    """
    import polars as pl

    from router_audit.savings import usd

    if frame.is_empty():
        return ()
    grouped = (
        frame.with_columns(pl.col(column).cast(pl.String).fill_null(missing).alias("name"))
        .group_by("name")
        .agg(pl.len().alias("requests"), pl.col("cost_pico").cast(pl.Int128).sum().alias("cost"))
        .sort(["cost", "requests", "name"], descending=[True, True, False])
    )
    total = int(grouped["cost"].sum())
    return tuple(
        Share(
            name=row["name"],
            requests=row["requests"],
            cost_usd=usd(row["cost"]),
            requests_share=row["requests"] / frame.height,
            cost_share=row["cost"] / total if total else 0.0,
        )
        for row in grouped.iter_rows(named=True)
    )
