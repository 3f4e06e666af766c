"""What must hold of any log, any prices and any routes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from router_audit.pricing import load_prices
from router_audit.savings import TERMS, reprice_at, total_usd, usd
from router_audit.savings.cells import cells, totals_pico
from router_audit.savings.matrix import cost_matrix, exact_sum, tokens
from router_audit.savings.project import project
from router_audit.types.money import NEVER, Bill, Overheads, Rate, RoutePlan
from router_audit.types.price import Band, ModelPrice, Rates
from tests.test_savings import PRICES, log, plan

DAY = date(2026, 11, 23)
CENT = Decimal("0.01")

amount = st.decimals(min_value=0, max_value=200, places=6)
count = st.integers(0, 300_000)


@st.composite
def priced(draw: st.DrawFn) -> ModelPrice:
    def rates() -> Rates:
        return Rates(draw(amount), draw(amount), *(draw(st.none() | amount) for _ in range(4)))

    bands = (Band(draw(st.sampled_from([100_000, 200_000])), rates()),) if draw(st.booleans()) else ()
    variants = {"batch": ModelPrice("m", "x", rates(), DAY, "t")} if draw(st.booleans()) else {}
    return ModelPrice("m", "x", rates(), DAY, "t", bands=bands, variants=variants)


@st.composite
def request(draw: st.DrawFn) -> dict[str, Any]:
    total = draw(count)
    read = draw(st.integers(0, total))
    write = draw(st.integers(0, total - read))
    output = draw(st.integers(0, 20_000))
    return {
        "input": total,
        "cache_read": draw(st.sampled_from([None, read])),
        "cache_write": write,
        "cache_write_1h": draw(st.integers(0, write)),
        "output": output,
        "reasoning": draw(st.integers(0, output)),
        "incumbent": draw(st.sampled_from([*PRICES, None])),
        "profile": draw(st.sampled_from(["classification", "extraction", "reasoning", None])),
        "session_id": draw(st.sampled_from([None, "a", "b", "c"])),
        "service_tier": draw(st.sampled_from([None, "batch", "standard"])),
    }


requests = st.lists(request(), min_size=1, max_size=12)


@given(requests, priced(), st.decimals(min_value=0, max_value=9, places=2))
@settings(max_examples=60, deadline=None)
def test_prices_scale_linearly(rows: list[dict[str, Any]], price: ModelPrice, factor: Decimal) -> None:
    frame = log(*rows)
    scaled = ModelPrice(
        "m",
        "x",
        price.rates.scaled(factor),
        DAY,
        "t",
        bands=tuple(Band(b.over_input_tokens, b.rates.scaled(factor)) for b in price.bands),
        variants={
            k: ModelPrice("m", "x", v.rates.scaled(factor), DAY, "t") for k, v in price.variants.items()
        },
    )
    before, after = total_usd(reprice_at(frame, price)), total_usd(reprice_at(frame, scaled))

    # Prices are whole pico-USD: a scaled price may be rounded by half of one per token.
    assert abs(after - before * factor) <= usd(400_000 * len(rows))


@given(requests, priced())
@settings(max_examples=60, deadline=None)
def test_cached_tokens_are_never_priced_twice(rows: list[dict[str, Any]], price: ModelPrice) -> None:
    """With one price for every kind of input, it does not matter how the input is divided among them."""
    one = price.input_mtok
    flat = ModelPrice("m", "x", Rates(one, price.output_mtok, one, one, one, price.output_mtok), DAY, "t")
    frame = log(*rows)
    bare = frame.with_columns(
        pl.lit(None, pl.Int64).alias(name)
        for name in ("cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens", "reasoning_tokens")
    )

    assert total_usd(reprice_at(frame, flat)) == total_usd(reprice_at(bare, flat))


def longer(_old: str, _new: str) -> Decimal:
    return Decimal("1.25")


@given(requests, st.lists(priced(), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_the_matrix_and_the_terms_are_one_price(rows: list[dict[str, Any]], prices: list[ModelPrice]) -> None:
    frame = log(*rows)
    matrix = cost_matrix(tokens(frame), prices)
    scaled = cost_matrix(tokens(frame), prices, longer)
    by = ("profile", "context")
    assert totals_pico(cells(frame, prices, by=by), prices) == [exact_sum(row) for row in matrix]
    assert totals_pico(cells(frame, prices, longer), prices, longer) == [exact_sum(row) for row in scaled]
    for n, price in enumerate(prices):
        terms = reprice_at(frame, price)
        assert matrix[n].astype(np.int64).tolist() == terms["cost_pico"].to_list()
        assert usd(exact_sum(matrix[n])) == sum((total_usd(terms, name) for name in TERMS), Decimal(0))


@given(requests, st.decimals(min_value=0, max_value="0.001", places=6), st.booleans())
@settings(max_examples=40, deadline=None)
def test_routing_all_to_their_incumbent_saves_exactly_minus_the_overhead(
    rows: list[dict[str, Any]], per_request: Decimal, sticky: bool
) -> None:
    plans = [RoutePlan(p, "standard", None) for p in ("classification", "extraction", "reasoning")]
    overheads = Overheads(per_request, 15, Decimal("0.01"), "m/large")
    saving = project(log(*rows), plans, PRICES, overheads, sticky=sticky, resamples=20)
    seen = sum(r["profile"] is not None and r["incumbent"] is not None for r in rows)

    assert saving.bill.saving == -per_request * seen
    assert saving.bill.routed == saving.bill.incumbent


@given(requests, st.integers(0, 20), st.sampled_from(["m/small", "m/middle"]))
@settings(max_examples=40, deadline=None)
def test_totals_are_the_sum_of_routes_and_an_interval_contains_its_point(
    rows: list[dict[str, Any]], hits: int, model: str
) -> None:
    plans = [plan(model, "m/large", escalation=Rate(hits, 20)), RoutePlan("reasoning", "standard", "m/small")]
    overheads = Overheads(premium="m/large")
    saving = project(log(*rows), plans, PRICES, overheads, resamples=50)

    assert saving.bill == sum((route.bill for route in saving.routes), Bill())
    assert abs(saving.per_month.saving - sum(r.per_month.saving for r in saving.routes)) < CENT
    assert saving.unpriced + sum(route.requests for route in saving.routes) == len(rows)
    for one in (saving, *saving.routes):
        assert one.interval.p5 <= float(one.per_month.saving) <= one.interval.p95
        assert 0 <= one.interval.probability_positive <= 1


@given(requests)
@settings(max_examples=30, deadline=None)
def test_more_escalation_never_saves_more(rows: list[dict[str, Any]]) -> None:
    savings = [
        project(log(*rows), [plan(escalation=rate)], PRICES, Overheads(), resamples=5).bill.saving
        for rate in (NEVER, Rate(1, 20), Rate(19, 20))
    ]

    assert savings == sorted(savings, reverse=True)


def test_re_pricing_agrees_with_genai_prices_on_generated_usages() -> None:
    """200 usages over every 40th model that is sold by the token, each to the micro-dollar."""
    from genai_prices.data_snapshot import get_snapshot
    from genai_prices.types import Usage

    book = load_prices()
    rng = np.random.default_rng(0)
    pairs = []
    for provider in get_snapshot().providers:
        for model in provider.models:
            found = book.resolve(provider.id, model.id, DAY)
            if isinstance(found, ModelPrice) and found.model == model.id and not model.id.endswith(":free"):
                pairs.append((provider, model, found))
    chosen = [pairs[n] for n in rng.choice(len(pairs), 40, replace=False)]
    chosen += [pair for pair in pairs if pair[2].bands][:10]
    compared = 0
    for provider, model, price in chosen:
        for _ in range(4):
            total = int(rng.integers(0, 600_000))
            read, write = int(total * rng.random() * 0.5), int(total * rng.random() * 0.5)
            long, out = int(write * rng.random()), int(rng.integers(0, 9000))
            thought = int(out * rng.random())
            row = {"input": total, "cache_read": read, "cache_write": write, "cache_write_1h": long}
            row |= {"output": out, "reasoning": thought}
            tier = [None, *price.variants][int(rng.integers(0, 1 + len(price.variants)))]
            context = dict.fromkeys(("processing", "service_tier", "speed"), tier) if tier else None
            stamp = datetime.combine(DAY, time(12), UTC)
            usage = Usage(
                input_tokens=total,
                output_tokens=out,
                cache_read_tokens=read,
                cache_write_tokens=write,
                cache_write_1h_tokens=long,
                output_reasoning_tokens=thought,
            )
            theirs = model.calc_price(usage, provider, genai_request_timestamp=stamp, price_context=context)
            ours = total_usd(reprice_at(log({**row, "service_tier": tier}), price))

            assert abs(ours - theirs.total_price) < Decimal("0.000001"), (price.ref, tier, row)
            compared += 1

    assert compared == 200
    assert len({price.ref for _, _, price in chosen}) >= 20
