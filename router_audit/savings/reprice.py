"""Re-pricing: every request of a frame at its own model's price, or all of them at one candidate's.

cost = uncached input x p_in + (output - reasoning) x p_out + reasoning x p_reasoning
     + cache read x p_read + 5-minute writes x p_write + 1-hour writes x p_write_1h
     + long-context surcharge + service-tier adjustment + fee per request

with uncached input = input - cache read - cache write, since `input_tokens` includes cached ones: no token
is priced twice. A long-context band is a cliff: a request whose input is over the threshold pays the band's
rates for all its tokens (genai-prices `TieredPrices`); the surcharge is what that adds to the base rates.
The adjustment is what the request's service tier (batch, priority, ...) adds to the standard price.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from router_audit.types.price import ModelPrice

TERMS = (
    "prompt_pico",
    "completion_pico",
    "reasoning_pico",
    "cache_read_pico",
    "cache_write_5m_pico",
    "cache_write_1h_pico",
    "long_context_pico",
    "service_tier_pico",
    "request_fee_pico",
)
"""The terms of a request's cost; they add up to `cost_pico`."""

MAX_TOKENS = 10**8
"""A request of more tokens than this is a broken record, not a bill; it stays unpriced."""

DAYS_PER_MONTH = Decimal("30.4375")
"""365.25 / 12."""

_KINDS = ("uncached", "output", "reasoning", "read", "write", "write_1h")
TOKEN_COLUMNS = (
    "input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
)
_AT_ONCE = 250_000
"""Requests whose rates, some 40 numbers each, are held side by side."""

_PICO = Decimal(10) ** -12


def usd(pico: int) -> Decimal:
    """Pico-USD as USD, exactly."""
    return Decimal(pico) * _PICO


def total_usd(frame: pl.DataFrame, column: str = "cost_pico") -> Decimal:
    """The exact sum of a pico-USD column in USD; nulls (unpriced rows) are in no total."""
    found = frame.select(pl.col(column).cast(pl.Int128).sum()).item()
    return usd(int(found or 0))


@dataclass(frozen=True, slots=True)
class Window:
    """The stretch of time a log covers."""

    first: datetime | None
    last: datetime | None
    requests: int

    @property
    def days(self) -> Decimal | None:
        """Elapsed days, one mean gap added for the open end; None where the log tells no time."""
        if self.first is None or self.last is None or self.last <= self.first or self.requests < 2:
            return None
        seconds = Decimal(str((self.last - self.first).total_seconds()))
        return seconds * self.requests / (self.requests - 1) / 86_400

    @property
    def months(self) -> Decimal:
        """The window in months of 30.4375 days; a log without times is taken as one month."""
        return Decimal(1) if self.days is None else self.days / DAYS_PER_MONTH

    @property
    def note(self) -> str:
        """What a reader of a monthly figure has to know about the window; empty where nothing."""
        if self.days is None:
            return "the log tells no time: it is taken as one month"
        return "extrapolated from less than a week" if self.days < 7 else ""


def window(frame: pl.DataFrame) -> Window:
    """The window of a frame by its `started_at`; the requests counted are those that have one."""
    first, last, count = frame.select(
        pl.col("started_at").min().alias("first"),
        pl.col("started_at").max().alias("last"),
        pl.col("started_at").count().alias("count"),
    ).row(0)
    return Window(first, last, int(count))


def monthly(total: Decimal, window: Window) -> Decimal:
    """A window's total per month of 30.4375 days."""
    return total / window.months


def counts(frame: pl.DataFrame) -> dict[str, pl.Expr]:
    """How a frame's tokens of each kind are told apart, disjoint; `_input`, which every band looks at; `_counted`.

    `_counted` is false where the record has no usable counts: none at all, negative, or absurd. Columns that are
    never null, never anything else, or always sane are not looked at again: most logs have several.
    """
    zero = pl.lit(0, pl.Int64)
    stated = [
        name for name in TOKEN_COLUMNS if name in frame.columns and frame[name].null_count() < frame.height
    ]

    def tokens(name: str) -> pl.Expr:
        if name not in stated:
            return zero
        found = pl.col(name) if frame[name].dtype == pl.Int64 else pl.col(name).cast(pl.Int64)
        return found.fill_null(0) if frame[name].null_count() else found

    usable = [tokens(name).is_between(0, MAX_TOKENS) for name in stated if not _sane(frame[name], MAX_TOKENS)]
    main = [name for name in ("input_tokens", "output_tokens") if name in stated]
    if not any(frame[name].null_count() == 0 for name in main):
        usable.append(
            pl.any_horizontal([pl.col(name).is_not_null() for name in main] or [pl.lit(value=False)])
        )
    given, output, read, write = (
        tokens(name) for name in ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
    )
    long = (
        pl.min_horizontal(tokens("cache_write_1h_tokens"), write)
        if "cache_write_1h_tokens" in stated
        else zero
    )
    reasoning = (
        pl.min_horizontal(tokens("reasoning_tokens"), output) if "reasoning_tokens" in stated else zero
    )
    return {
        "_counted": pl.all_horizontal(usable or [pl.lit(value=True)]),
        "_uncached": (given - read - write).clip(lower_bound=0),
        "_output": output - reasoning,
        "_reasoning": reasoning,
        "_read": read,
        "_write": write - long,
        "_write_1h": long,
        "_input": pl.max_horizontal(given, read + write),
    }


def _sane(values: pl.Series, most: int) -> bool:
    ends = values.min(), values.max()
    return all(end is None or 0 <= int(end) <= most for end in ends)  # type: ignore[arg-type]


def with_counts(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with its `counts`."""
    return frame.with_columns(expr.alias(name) for name, expr in counts(frame).items())


def _price_rows(key: str, price: ModelPrice, tiers: list[str | None]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for name in tiers:
        row: dict[str, object] = {"_key": key, "_tier": name, "_fee": price.request_fee_pico}
        for prefix, found in (("s", price), ("t", price.tier(name))):
            base = found.rates.filled()
            row |= {f"_{prefix}_{kind}": value for kind, value in zip(_KINDS, base, strict=True)}
            for number, band in enumerate(found.bands):
                row[f"_{prefix}_over{number}"] = band.over_input_tokens
                extra = (up - low for up, low in zip(band.rates.filled(), base, strict=True))
                row |= {f"_{prefix}_{kind}{number}": value for kind, value in zip(_KINDS, extra, strict=True)}
        rows.append(row)
    return rows


def _dot(prefix: str, suffix: str = "") -> pl.Expr:
    """Tokens of each kind times that column's rate, added up."""
    return pl.sum_horizontal(pl.col(f"_{kind}") * pl.col(f"_{prefix}_{kind}{suffix}") for kind in _KINDS)


def _surcharge(prefix: str, bands: int) -> pl.Expr:
    """What the highest band that applies adds; bands ascend, so a later one that applies takes over."""
    found = pl.lit(0, pl.Int64)
    for number in range(bands):
        over = pl.col("_input") > pl.col(f"_{prefix}_over{number}")
        found = pl.when(over.fill_null(value=False)).then(_dot(prefix, str(number))).otherwise(found)
    return found


def reprice(frame: pl.DataFrame, prices: Mapping[str, ModelPrice], *, key: str = "price_key") -> pl.DataFrame:
    """The frame with each request's cost terms and `cost_pico` at the price its `key` column names.

    `frame` has the token columns of the store's `requests` (absent ones count as zero) and, where tiers
    matter, `service_tier`. A request without a price, without any token count, or of an absurd count gets
    null in every term: it is in no total. Rows keep their order.
    """
    names = frame.select(pl.col(key).drop_nulls().unique()).to_series().to_list()
    tiers: list[str | None] = (
        frame.select(pl.col("service_tier").unique()).to_series().to_list()
        if "service_tier" in frame.columns
        else [None]
    )
    rows = [row for name in names if name in prices for row in _price_rows(name, prices[name], tiers)]
    used = [prices[name] for name in names if name in prices]
    bands = max((len(p.bands) for price in used for p in (price, *price.variants.values())), default=0)
    schema: dict[str, pl.DataType] = {"_key": pl.String(), "_tier": pl.String(), "_fee": pl.Int64()}
    for prefix in ("s", "t"):
        schema |= {f"_{prefix}_{kind}": pl.Int64() for kind in _KINDS}
        for number in range(bands):
            schema[f"_{prefix}_over{number}"] = pl.Int64()
            schema |= {f"_{prefix}_{kind}{number}": pl.Int64() for kind in _KINDS}
    table = pl.DataFrame(rows, schema=schema)
    tier = pl.col("service_tier") if "service_tier" in frame.columns else pl.lit(None, pl.String)
    carried = [name for name in TOKEN_COLUMNS if name in frame.columns]
    work = frame.select(pl.col(key).cast(pl.String).alias("_key"), tier.alias("_tier"), *carried)
    priced = pl.col("_counted") & pl.col("_s_uncached").is_not_null()
    standard = _surcharge("s", bands)
    terms = [
        (pl.col(f"_{kind}") * pl.col(f"_s_{kind}")).alias(term)
        for kind, term in zip(_KINDS, TERMS[:6], strict=True)
    ]
    tiered = (_dot("t") + _surcharge("t", bands)) - (_dot("s") + standard)
    terms += [
        standard.alias("long_context_pico"),
        tiered.alias("service_tier_pico"),
        pl.col("_fee").alias("request_fee_pico"),
    ]
    masked = [pl.when(priced).then(term).alias(name) for term, name in zip(terms, TERMS, strict=True)]
    cost = (
        pl.when(pl.all_horizontal(pl.col(name).is_not_null() for name in TERMS))
        .then(pl.sum_horizontal(TERMS))
        .alias("cost_pico")
    )
    added = pl.concat(
        with_counts(part)
        .drop(carried)
        .join(table, on=["_key", "_tier"], how="left", nulls_equal=True, maintain_order="left")
        .select(masked)
        .with_columns(cost)
        for part in (work.iter_slices(_AT_ONCE) if work.height else [work])
    )
    return frame.drop([c for c in (*TERMS, "cost_pico") if c in frame.columns]).hstack(added)


def reprice_at(frame: pl.DataFrame, price: ModelPrice) -> pl.DataFrame:
    """As `reprice`, with every request at the one price: what the log would have cost on that model."""
    return reprice(frame.with_columns(pl.lit(price.ref).alias("_one")), {price.ref: price}, key="_one").drop(
        "_one"
    )
