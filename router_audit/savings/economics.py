"""What each profile's spend is made of, and what else than routing would shrink it.

The levers are upper bounds, each alone: they are not added to each other nor to the saving of the table.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl

from router_audit.savings.reprice import TERMS, TOKEN_COLUMNS, reprice, total_usd
from router_audit.types.money import Economics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router_audit.types.price import ModelPrice

CACHE_LIFE_S = 300
"""The shortest cache lifetime that providers sell."""

SMALLEST_PREFIX = 1024
"""Shorter prefixes are not cached (Anthropic and OpenAI state 1,024 tokens for most models)."""

_SHARES = (
    ("prompt_share", ("prompt_pico",)),
    ("completion_share", ("completion_pico",)),
    ("reasoning_share", ("reasoning_pico",)),
    ("cache_share", ("cache_read_pico", "cache_write_5m_pico", "cache_write_1h_pico")),
    ("other_share", ("long_context_pico", "service_tier_pico", "request_fee_pico")),
)


_READ = (
    "profile",
    "price_key",
    "session_id",
    "started_at",
    "service_tier",
    "system_tokens",
    *TOKEN_COLUMNS,
    "cost_pico",
    *TERMS,
)


def economics(frame: pl.DataFrame, prices: Mapping[str, ModelPrice]) -> tuple[Economics, ...]:
    """Per profile, the dearest first. `frame` is priced (`reprice`) with `price_key` into `prices`.

    A `system_tokens` column, where there is one, says how long each request's system prompt is.
    """
    absent = [
        pl.lit(None, pl.Int64).alias(name)
        for name in ("cache_read_tokens", "cache_write_tokens")
        if name not in frame.columns
    ]
    read = [name for name in _READ if name in frame.columns]
    priced = _with_levers(frame.select(*read, *absent).filter(pl.col("cost_pico").is_not_null()), prices)
    found = []
    for (profile,), part in priced.group_by(pl.col("profile").fill_null("untagged"), maintain_order=True):
        cost = total_usd(part)
        shares = {
            name: float(sum((total_usd(part, term) for term in terms), Decimal(0)) / cost) if cost else 0.0
            for name, terms in _SHARES
        }
        found.append(
            Economics(
                profile=str(profile),
                requests=part.height,
                cost=cost,
                **shares,
                shorter_system_prompt=total_usd(part, "_system") if "_system" in part.columns else None,
                caching=max(total_usd(part, "_caching"), Decimal(0)),
                batching=max(total_usd(part, "_batching"), Decimal(0)),
            )
        )
    return tuple(sorted(found, key=lambda item: (-item.cost, item.profile)))


def _with_levers(frame: pl.DataFrame, prices: Mapping[str, ModelPrice]) -> pl.DataFrame:
    rates = {key: price.rates.filled() for key, price in prices.items()}

    def rate(kind: int) -> pl.Expr:
        table = {key: filled[kind] for key, filled in rates.items()}
        return pl.col("price_key").replace_strict(table, default=0, return_dtype=pl.Int64)

    given, read = pl.col("input_tokens").fill_null(0), pl.col("cache_read_tokens").fill_null(0)
    written = pl.col("cache_write_tokens").fill_null(0)
    plain = (given - read - written).clip(0)
    repeated, alone = _in_sessions(frame)
    batch = reprice(frame.with_columns(pl.lit("batch").alias("service_tier")), prices)["cost_pico"]
    out = frame.with_columns(
        rate(0).alias("_in"),
        rate(3).alias("_read_at"),
        rate(4).alias("_write_at"),
        repeated.alias("_repeated"),
        alone.alias("_alone"),
    ).with_columns(
        # Each repeated prefix is read instead of sent; what is new since the last request is written once.
        pl.when(pl.col("_repeated") > 0)
        .then(
            pl.col("_repeated") * (pl.col("_in") - pl.col("_read_at"))
            - (plain - pl.col("_repeated")) * (pl.col("_write_at") - pl.col("_in")).clip(0)
        )
        .otherwise(0)
        .alias("_caching"),
        pl.when("_alone").then(pl.col("cost_pico") - batch).otherwise(0).clip(0).alias("_batching"),
    )
    if "system_tokens" in frame.columns:
        uncached = pl.when(given > 0).then(plain / given).otherwise(0.0)
        reads = pl.when(given > 0).then(read / given).otherwise(0.0)
        per_token = uncached * pl.col("_in") + reads * pl.col("_read_at")
        half = pl.min_horizontal(pl.col("system_tokens").fill_null(0), given) / 2
        out = out.with_columns((half * per_token).cast(pl.Int64).alias("_system"))
    return out


def _in_sessions(frame: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """Of each request: the tokens that a cache could have served and did not; and whether it stands alone.

    What the session's last request to the same model carried too could have come from a cache, if it was sent
    within the cache's life.
    """
    given, read = pl.col("input_tokens").fill_null(0), pl.col("cache_read_tokens").fill_null(0)
    plain = (given - read - pl.col("cache_write_tokens").fill_null(0)).clip(0)
    session, model = pl.col("session_id").hash(0), pl.col("price_key").hash(0)
    ordered = (
        frame.lazy()
        .select(
            session.alias("session"),
            model.alias("model"),
            pl.col("session_id").is_not_null().alias("named"),
            "started_at",
            given.alias("given"),
            read.alias("read"),
            plain.alias("plain"),
        )
        .with_row_index("row")
        .sort("session", "model", "started_at", maintain_order=True)
        .with_columns(
            (
                pl.col("named")
                & (pl.col("session") == pl.col("session").shift(1))
                & (pl.col("model") == pl.col("model").shift(1))
                & ((pl.col("started_at") - pl.col("started_at").shift(1)).dt.total_seconds() <= CACHE_LIFE_S)
            ).alias("follows"),
            (pl.min_horizontal(pl.col("given").shift(1), "given") - pl.col("read")).alias("again"),
            (
                ~pl.col("named")
                | (pl.col("session") != pl.col("session").shift(1)).fill_null(value=True)
                & (pl.col("session") != pl.col("session").shift(-1)).fill_null(value=True)
            ).alias("alone"),
        )
        .select(
            "row",
            pl.when(pl.col("follows") & (pl.col("again") >= SMALLEST_PREFIX))
            .then(pl.min_horizontal("again", "plain"))
            .otherwise(0)
            .fill_null(0)
            .alias("repeated"),
            "alone",
        )
        .sort("row")
        .collect()
    )
    return ordered["repeated"], ordered["alone"]
