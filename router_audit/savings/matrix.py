"""Many prices over many requests at once, exactly.

Token counts are a matrix of whole numbers, prices a matrix of whole pico-USD per token; their product in
float64 is exact as long as every cost stays below 2^53 pico-USD (9,007 USD a request), because every partial
sum is then a whole number that float64 holds. Beyond that the product is taken in Int64 and then rounded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from router_audit.savings.reprice import MAX_TOKENS, TOKEN_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from router_audit.types.price import ModelPrice, Rates

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Factor = Callable[[str, str], Decimal]

EXACT = 2.0**53
"""The largest whole number up to which float64 holds every whole number."""

KINDS = ("uncached", "output", "reasoning", "read", "write", "write_1h")
"""The rows of `Tokens.counts`, and the order of `Rates.filled`."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The token counts of a frame, ready to be priced again and again."""

    counts: Floats
    """(6, requests): whole tokens of each kind, disjoint; zero where the record is not counted."""
    input: Floats
    """All input tokens, which a long-context band looks at."""
    counted: NDArray[np.bool_]
    group: NDArray[np.uint32]
    """Index into `groups`."""
    groups: tuple[tuple[str, str | None], ...]
    """Distinct (incumbent, service tier): requests whose prices scale and vary alike."""

    def take(self, rows: Ints) -> Tokens:
        """The requests of those rows, in that order."""
        return Tokens(
            self.counts[:, rows], self.input[rows], self.counted[rows], self.group[rows], self.groups
        )


def tokens(frame: pl.DataFrame) -> Tokens:
    """The counts of a frame with the store's token columns, `incumbent` and, if there, `service_tier`.

    The same decomposition as `reprice.with_counts`, in place.
    """

    def column(name: str) -> Floats:
        if name not in frame.columns:
            return np.zeros(frame.height)
        return frame[name].cast(pl.Float64).fill_null(0).to_numpy()

    given = [frame[name].is_not_null() for name in ("input_tokens", "output_tokens") if name in frame.columns]
    counted = reduce(or_, given).to_numpy() if given else np.zeros(frame.height, np.bool_)
    raw = [column(name) for name in TOKEN_COLUMNS]
    if any(values.size and (values.min() < 0 or values.max() > MAX_TOKENS) for values in raw):
        counted = counted & np.logical_and.reduce([(v >= 0) & (v <= MAX_TOKENS) for v in raw])
        raw = [np.where(counted, values, 0.0) for values in raw]
    given_in, out, reasoning, read, write, long = raw
    counts = np.empty((len(KINDS), frame.height))
    np.minimum(reasoning, out, out=counts[2])
    np.subtract(out, counts[2], out=counts[1])
    counts[3] = read
    np.minimum(long, write, out=counts[5])
    np.subtract(write, counts[5], out=counts[4])
    cached = read + write
    np.maximum(given_in - cached, 0, out=counts[0])
    group, groups = _groups(frame)
    return Tokens(counts, np.maximum(given_in, cached), counted, group, groups)


def _groups(frame: pl.DataFrame) -> tuple[NDArray[np.uint32], tuple[tuple[str, str | None], ...]]:
    """Each request's (incumbent, service tier) as a code, and what the codes stand for."""
    incumbent, incumbents = _codes(frame, "incumbent")
    tier, tiers = _codes(frame, "service_tier")
    both = incumbent * len(tiers) + tier
    used = np.flatnonzero(np.bincount(both, minlength=len(incumbents) * len(tiers)))
    groups = tuple((incumbents[code // len(tiers)] or "", tiers[code % len(tiers)]) for code in used)
    if len(groups) <= 1:
        return np.zeros(frame.height, np.uint32), groups or (("", None),)
    place = np.zeros(len(incumbents) * len(tiers), np.uint32)
    place[used] = np.arange(used.size)
    return place[both], groups


def _codes(frame: pl.DataFrame, name: str) -> tuple[Ints, list[str | None]]:
    if name not in frame.columns:
        return np.zeros(frame.height, np.int64), [None]
    values = frame[name].cast(pl.String)
    distinct = values.unique().sort().to_list() or [None]
    if len(distinct) == 1:
        return np.zeros(frame.height, np.int64), distinct
    codes = {value: code for code, value in enumerate(distinct) if value is not None}
    null = distinct.index(None) if None in distinct else None
    found = values.replace_strict(codes, default=null, return_dtype=pl.Int64)
    return found.to_numpy(), distinct


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
    """(prices, requests) costs in whole pico-USD; zero where the record is not counted.

    `factor(incumbent, candidate)` says how many of the candidate's tokens one of the incumbent's makes.
    """
    out = np.empty((len(prices), known.counts.shape[1]))
    for scaled, rows in _blocks(known, prices, factor):
        rates = [price.rates for price in scaled]
        if isinstance(rows, slice):
            _product(known.counts, rates, out)
        else:
            out[:, rows] = _product(known.counts[:, rows], rates)
        _bands(out, rows, known, scaled)
        fees = np.array([price.request_fee_pico for price in scaled], np.float64)
        if fees.any():
            out[:, rows] += fees[:, None]
    if not known.counted.all():
        out[:, ~known.counted] = 0
    return out


def _blocks(
    known: Tokens, prices: Sequence[ModelPrice], factor: Factor | None
) -> Iterator[tuple[list[ModelPrice], Ints | slice]]:
    """Requests whose prices are the same, together: groups that scale and vary alike are one block."""
    tables: dict[tuple[object, ...], tuple[list[ModelPrice], list[int]]] = {}
    for index, (incumbent, tier) in enumerate(known.groups):
        factors = [factor(incumbent, price.ref) if factor and incumbent else Decimal(1) for price in prices]
        own = [price.tier(tier) is not price and tier for price in prices]
        key = (*factors, *own)
        if key not in tables:
            scaled = [p.tier(tier).scaled(f) for p, f in zip(prices, factors, strict=True)]
            tables[key] = (scaled, [])
        tables[key][1].append(index)
    if len(tables) == 1:
        ((scaled, _),) = tables.values()
        yield scaled, slice(None)
        return
    block_of = np.empty(len(known.groups), np.uint32)
    for number, (_, members) in enumerate(tables.values()):
        block_of[members] = number
    blocks = block_of[known.group]
    sizes = np.bincount(blocks, minlength=len(tables))
    in_order = list(tables.values())
    # The largest is priced with everything in place, and the others over it: nothing is gathered for it.
    for turn, number in enumerate(np.argsort(-sizes, kind="stable")):
        rows = np.flatnonzero(blocks == number) if turn else slice(None)
        if isinstance(rows, slice) or rows.size:
            yield in_order[number][0], rows


def _product(counts: Floats, rates: Sequence[Rates], out: Floats | None = None) -> Floats:
    table = np.array([rate.filled() for rate in rates], np.float64)
    product: Floats = np.matmul(table, counts, out=out)
    if counts.size and counts.max(initial=0) * table.max(initial=0) * len(KINDS) >= EXACT:
        if product.max(initial=0) < EXACT:
            return product
        product[:] = table.astype(np.int64) @ counts.astype(np.int64)
    return product


def _bands(out: Floats, rows: Ints | slice, known: Tokens, prices: Sequence[ModelPrice]) -> None:
    """Price again, at its band, what is over a threshold; prices that share a threshold go together."""
    given = known.input[rows]
    longest = given.max(initial=0)
    starts = {
        band.over_input_tokens for price in prices for band in price.bands if longest > band.over_input_tokens
    }
    for start in sorted(starts):
        over = np.flatnonzero(given > start)
        over = over if isinstance(rows, slice) else rows[over]
        banded = {
            n: b.rates for n, price in enumerate(prices) for b in price.bands if b.over_input_tokens == start
        }
        out[np.ix_(np.array(list(banded)), over)] = _product(known.counts[:, over], list(banded.values()))


def exact_sum(values: Floats) -> int:
    """The sum of whole pico-USD as a Python int: high and low halves apart, so that neither is rounded."""
    return exact_sums(values, np.zeros(values.size, np.intp), 1)[0]


def exact_sums(values: Floats, group: NDArray[np.intp], groups: int) -> list[int]:
    """As `exact_sum`, of each group; `group` is each value's."""
    if np.abs(values).max(initial=0) < EXACT:
        high = np.floor(values / MAX_TOKENS)
        low = values - high * MAX_TOKENS
    else:
        high, low = np.divmod(values.astype(np.int64), MAX_TOKENS)
    halves = (np.bincount(group, weights=half, minlength=groups) for half in (high, low))
    return [int(up) * MAX_TOKENS + int(down) for up, down in zip(*halves, strict=True)]
