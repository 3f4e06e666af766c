"""Who served what, when, and what it was made of."""

from __future__ import annotations

import polars as pl

from router_audit.savings import usd
from router_audit.types.report import Crossing, PeriodSpend, Share, TokenKind

UNTAGGED = "not tagged"
UNNAMED = "no model named"
MOST_PERIODS = 62
"""More days than this are shown by week, more weeks by month."""

_KINDS: tuple[tuple[str, str | None, tuple[str, ...]], ...] = (
    ("input", "_uncached", ("prompt_pico",)),
    ("cache read", "cache_read_tokens", ("cache_read_pico",)),
    ("cache write", "_written", ("cache_write_5m_pico", "cache_write_1h_pico")),
    ("output", "_said", ("completion_pico",)),
    ("reasoning", "reasoning_tokens", ("reasoning_pico",)),
    ("surcharges", None, ("long_context_pico", "service_tier_pico", "request_fee_pico")),
)


def shares(frame: pl.DataFrame, column: str, *, missing: str) -> tuple[Share, ...]:
    """Group a priced frame (`cost_pico`, `column`) by a column, dearest first.

    Null names become `missing`; a request without a price counts as a request and adds no cost.
    """
    if frame.is_empty():
        return ()
    grouped = (
        frame.select(pl.col(column).cast(pl.String).fill_null(missing).alias("name"), "cost_pico")
        .group_by("name")
        .agg(pl.len().alias("requests"), _cost())
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


def already_routed(frame: pl.DataFrame) -> int:
    """How many requests another model served than the one they are priced at, because a table had moved them.

    `frame` has `asked` (null where no table decided), `provider`, `model` and `price_key`.
    """
    own = pl.concat_str("provider", "model", separator="/")
    moved = frame.filter(pl.col("asked").is_not_null() & ~own.str.starts_with(pl.col("price_key")))
    return moved.height


def over_time(frame: pl.DataFrame) -> tuple[tuple[PeriodSpend, ...], str]:
    """Spend by model in each day, week or month (whichever gives at most 62), oldest first; and which it is.

    Requests without a time are left out; they are in every other figure.
    """
    dated = frame.filter(pl.col("started_at").is_not_null())
    if dated.is_empty():
        return (), "day"
    span = (
        int(dated.select((pl.col("started_at").max() - pl.col("started_at").min()).dt.total_days()).item())
        + 1
    )
    period, every = next(
        (name, every)
        for name, every, length in (("day", "1d", 1), ("week", "1w", 7), ("month", "1mo", 0))
        if not length or span <= MOST_PERIODS * length
    )
    grouped = (
        dated.select(
            pl.col("started_at").dt.truncate(every).dt.date().cast(pl.String).alias("start"),
            pl.col("price_key").cast(pl.String).fill_null(UNNAMED).alias("model"),
            "cost_pico",
        )
        .group_by("start", "model")
        .agg(pl.len().alias("requests"), _cost())
        .sort("start", "model")
    )
    found = tuple(
        PeriodSpend(row["start"], row["model"], row["requests"], usd(row["cost"]))
        for row in grouped.iter_rows(named=True)
    )
    return found, period


def crossings(frame: pl.DataFrame) -> tuple[Crossing, ...]:
    """Requests and spend of every (model, profile) that occurs, dearest model first."""
    if frame.is_empty():
        return ()
    grouped = (
        frame.select(
            pl.col("price_key").cast(pl.String).fill_null(UNNAMED).alias("model"),
            pl.col("profile").cast(pl.String).fill_null(UNTAGGED).alias("profile"),
            "cost_pico",
        )
        .group_by("model", "profile")
        .agg(pl.len().alias("requests"), _cost())
        .with_columns(pl.col("cost").sum().over("model").alias("of_model"))
        .sort(["of_model", "model", "profile"], descending=[True, False, False])
    )
    return tuple(
        Crossing(row["model"], row["profile"], row["requests"], usd(row["cost"]))
        for row in grouped.iter_rows(named=True)
    )


def token_kinds(frame: pl.DataFrame) -> tuple[TokenKind, ...]:
    """Tokens and cost of each kind by profile, over the priced requests; the terms add up to the spend."""
    priced = frame.filter(pl.col("cost_pico").is_not_null())
    if priced.is_empty():
        return ()
    tokens = {
        name: pl.col(name).fill_null(0).cast(pl.Int64)
        for name in (
            "input_tokens",
            "output_tokens",
            "reasoning_tokens",
            "cache_read_tokens",
            "cache_write_tokens",
            "cache_write_1h_tokens",
        )
    }
    grouped = (
        priced.with_columns(
            pl.col("profile").cast(pl.String).fill_null(UNTAGGED).alias("profile"),
            (tokens["input_tokens"] - tokens["cache_read_tokens"] - tokens["cache_write_tokens"]).alias(
                "_uncached"
            ),
            tokens["cache_write_tokens"].alias("_written"),
            (tokens["output_tokens"] - tokens["reasoning_tokens"]).alias("_said"),
            tokens["cache_read_tokens"],
            tokens["reasoning_tokens"],
        )
        .group_by("profile")
        .agg(
            *(pl.col(column).sum().alias(f"{kind}_n") for kind, column, _ in _KINDS if column),
            *(
                pl.sum_horizontal(pl.col(term).cast(pl.Int128).sum() for term in terms).alias(f"{kind}_cost")
                for kind, _, terms in _KINDS
            ),
        )
        .sort("profile")
    )
    return tuple(
        TokenKind(row["profile"], kind, max(0, row.get(f"{kind}_n") or 0), usd(row[f"{kind}_cost"]))
        for row in grouped.iter_rows(named=True)
        for kind, _, _ in _KINDS
    )


def _cost() -> pl.Expr:
    return pl.col("cost_pico").cast(pl.Int128).sum().alias("cost")
