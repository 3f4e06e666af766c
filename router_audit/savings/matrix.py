"""Many prices over many requests at once, exactly.

Token counts are a matrix of whole numbers, prices a matrix of whole pico-USD per token; their product in
float64 is exact as long as every cost stays below 2^53 pico-USD (9,007 USD a request), because every partial
sum is then a whole number that float64 holds. Beyond that the product is taken in Int64 and then rounded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from router_audit.savings.reprice import MAX_TOKENS, with_counts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal

    from numpy.typing import NDArray

    from router_audit.types.price import ModelPrice, Rates

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Factor = Callable[[str, str], Decimal]

EXACT = 2.0**53
"""The largest whole number up to which float64 holds every whole number."""

KINDS = ("_uncached", "_output", "_reasoning", "_read", "_write", "_write_1h")


@dataclass(frozen=True, slots=True)
class Tokens:
    """The token counts of a frame, ready to be priced again and again."""

    counts: Floats
    """(requests, 6): whole tokens of each kind, disjoint; zero where the record is not counted."""
    input: Floats
    """All input tokens, which a long-context band looks at."""
    counted: NDArray[np.bool_]
    group: NDArray[np.uint32]
    """Index into `groups`."""
    groups: tuple[tuple[str, str | None], ...]
    """Distinct (incumbent, service tier): requests whose prices scale and vary alike."""

    def take(self, rows: Ints) -> Tokens:
        """The requests of those rows, in that order."""
        return Tokens(self.counts[rows], self.input[rows], self.counted[rows], self.group[rows], self.groups)


def tokens(frame: pl.DataFrame) -> Tokens:
    """The counts of a frame with the store's token columns, `incumbent` and, if there, `service_tier`."""
    tier = pl.col("service_tier") if "service_tier" in frame.columns else pl.lit(None, pl.String)
    incumbent = pl.col("incumbent") if "incumbent" in frame.columns else pl.lit("", pl.String)
    wide = with_counts(frame).select(
        *(
            pl.when("_counted").then(kind).otherwise(0).cast(pl.Float64).alias(kind)
            for kind in (*KINDS, "_input")
        ),
        "_counted",
        pl.struct(incumbent.fill_null("").alias("i"), tier.alias("t")).alias("_pair"),
    )
    pairs = wide.select(pl.col("_pair").unique(maintain_order=True).alias("_pair")).with_row_index("_group")
    if pairs.height <= 1:
        group = np.zeros(frame.height, np.uint32)
    else:
        group = wide.join(pairs, on="_pair", how="left", nulls_equal=True, maintain_order="left")[
            "_group"
        ].to_numpy()
    return Tokens(
        np.ascontiguousarray(wide.select(KINDS).to_numpy()),
        wide["_input"].to_numpy(),
        wide["_counted"].to_numpy(),
        group,
        tuple((pair["i"], pair["t"]) for pair in pairs["_pair"].to_list()),
    )


def one_off(price: ModelPrice) -> ModelPrice:
    """The price of a single call that finds no cache and leaves none: every input token at the input price."""

    def bare(rates: Rates) -> Rates:
        return replace(rates, cache_read_mtok=None, cache_write_mtok=None, cache_write_1h_mtok=None)

    return replace(
        price,
        rates=bare(price.rates),
        bands=tuple(replace(band, rates=bare(band.rates)) for band in price.bands),
        variants={name: one_off(variant) for name, variant in price.variants.items()},
    )


def cold(price: ModelPrice) -> ModelPrice:
    """The price where what was read from a cache has to be written to this model's first."""

    def chilled(rates: Rates) -> Rates:
        write = rates.cache_write_mtok
        return replace(rates, cache_read_mtok=rates.input_mtok if write is None else write)

    return replace(
        price,
        rates=chilled(price.rates),
        bands=tuple(replace(band, rates=chilled(band.rates)) for band in price.bands),
        variants={name: cold(variant) for name, variant in price.variants.items()},
    )


def cost_matrix(known: Tokens, prices: Sequence[ModelPrice], factor: Factor | None = None) -> Floats:
    """(requests, prices) costs in whole pico-USD; zero where the record is not counted.

    `factor(incumbent, candidate)` says how many of the candidate's tokens one of the incumbent's makes.
    """
    out = np.empty((known.counts.shape[0], len(prices)))
    for index, rows in _blocks(known):
        incumbent, tier = known.groups[index]
        scaled = [
            (price if factor is None or not incumbent else price.scaled(factor(incumbent, price.ref))).tier(
                tier
            )
            for price in prices
        ]
        counts = known.counts[rows]
        out[rows] = _product(counts, [price.rates for price in scaled])
        _bands(out, rows, known, scaled)
        fees = np.array([price.request_fee_pico for price in scaled], np.float64)
        if fees.any():
            out[rows] += fees
    if not known.counted.all():
        out[~known.counted] = 0
    return out


def _blocks(known: Tokens) -> list[tuple[int, Ints | slice]]:
    if len(known.groups) == 1:
        return [(0, slice(None))]
    order = np.argsort(known.group, kind="stable")
    ends = np.cumsum(np.bincount(known.group, minlength=len(known.groups)))
    starts = np.concatenate(([0], ends[:-1]))
    return [
        (index, order[start:end])
        for index, (start, end) in enumerate(zip(starts, ends, strict=True))
        if end > start
    ]


def _product(counts: Floats, rates: Sequence[Rates]) -> Floats:
    table = np.array([rate.filled() for rate in rates], np.float64).T
    if counts.size and counts.max(initial=0) * table.max(initial=0) * len(KINDS) >= EXACT:
        whole: Floats = (counts.astype(np.int64) @ table.astype(np.int64)).astype(np.float64)
        return whole
    product: Floats = counts @ table
    return product


def _bands(out: Floats, rows: Ints | slice, known: Tokens, prices: Sequence[ModelPrice]) -> None:
    """Price again, at its band, what is over a threshold; prices that share a threshold go together."""
    given = known.input[rows]
    longest = given.max(initial=0)
    starts = {
        band.over_input_tokens for price in prices for band in price.bands if longest > band.over_input_tokens
    }
    where = np.arange(out.shape[0]) if isinstance(rows, slice) else rows
    for start in sorted(starts):
        columns = [
            n for n, price in enumerate(prices) if any(b.over_input_tokens == start for b in price.bands)
        ]
        over = where[given > start]
        rates = [band.rates for n in columns for band in prices[n].bands if band.over_input_tokens == start]
        out[np.ix_(over, columns)] = _product(known.counts[over], rates)


def exact_sum(values: Floats) -> int:
    """The sum of whole pico-USD as a Python int: high and low halves apart, so that neither is rounded."""
    whole = values.astype(np.int64)
    high, low = np.divmod(whole, MAX_TOKENS)
    return int(high.sum()) * MAX_TOKENS + int(low.sum())
