"""Each term of a request's cost, computed by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from router_audit.savings import TERMS, monthly, reprice, reprice_at, total_usd, usd, window
from router_audit.types.price import Band, ModelPrice, Rates

RATES = Rates(*map(Decimal, ("3", "15", "0.3", "3.75", "6")))
PRICE = ModelPrice(
    "maker",
    "model",
    RATES,
    date(2026, 11, 23),
    "test",
    bands=(Band(200_000, Rates(*map(Decimal, ("6", "22.5", "0.6", "7.5", "12")))),),
    variants={
        "batch": ModelPrice("maker", "model", RATES.scaled(Decimal("0.5")), date(2026, 11, 23), "test"),
    },
    request_fee_pico=5_000,
)


def row(**tokens: object) -> pl.DataFrame:
    columns = ("input", "output", "cache_read", "cache_write", "cache_write_1h", "reasoning")
    data = {f"{name}_tokens": [tokens.get(name)] for name in columns}
    return pl.DataFrame(
        {**data, "service_tier": [tokens.get("tier")]},
        schema={**{f"{name}_tokens": pl.Int64 for name in columns}, "service_tier": pl.String},
    )


@pytest.mark.parametrize(
    ("tokens", "term", "expected"),
    [
        ({"input": 1000}, "prompt_pico", "0.003"),
        ({"input": 1000, "cache_read": 400, "cache_write": 100}, "prompt_pico", "0.0015"),
        ({"output": 100}, "completion_pico", "0.0015"),
        ({"output": 100, "reasoning": 60}, "completion_pico", "0.0006"),
        ({"output": 100, "reasoning": 60}, "reasoning_pico", "0.0009"),
        ({"input": 1000, "cache_read": 400}, "cache_read_pico", "0.00012"),
        ({"input": 1000, "cache_write": 400}, "cache_write_5m_pico", "0.0015"),
        ({"input": 1000, "cache_write": 400, "cache_write_1h": 300}, "cache_write_5m_pico", "0.000375"),
        ({"input": 1000, "cache_write": 400, "cache_write_1h": 300}, "cache_write_1h_pico", "0.0018"),
        ({"input": 200_000}, "long_context_pico", "0"),
        ({"input": 200_001, "output": 10}, "long_context_pico", "0.600078"),
        ({"input": 1000, "output": 100, "tier": "batch"}, "service_tier_pico", "-0.00225"),
        ({"input": 200_001, "tier": "batch"}, "service_tier_pico", "-0.9000045"),
        ({"input": 1000, "tier": "standard"}, "service_tier_pico", "0"),
        ({"input": 1}, "request_fee_pico", "0.000000005"),
    ],
)
def test_a_term_by_hand(tokens: dict[str, object], term: str, expected: str) -> None:
    priced = reprice_at(row(**tokens), PRICE)

    assert usd(priced[term].item()) == Decimal(expected)
    assert priced["cost_pico"].item() == sum(priced[name].item() for name in TERMS)


def test_kinds_without_a_price_are_charged_as_what_contains_them() -> None:
    plain = ModelPrice("m", "p", Rates(Decimal(2), Decimal(8)), date(2026, 1, 1), "test")
    priced = reprice_at(row(input=1000, cache_read=400, cache_write=100, output=10, reasoning=5), plain)

    assert usd(priced["cost_pico"].item()) == Decimal("0.00208")


@pytest.mark.parametrize("tokens", [{}, {"input": -1}, {"input": 10**9}])
def test_a_request_without_usable_counts_is_in_no_total(tokens: dict[str, object]) -> None:
    priced = reprice_at(row(**tokens), PRICE)

    assert priced["cost_pico"].item() is None
    assert total_usd(priced) == 0


def test_each_row_pays_its_own_price_and_keeps_its_place() -> None:
    frame = pl.concat([row(input=1_000_000, tier=tier) for tier in (None, "batch", None, None)]).with_columns(
        price_key=pl.Series(["a", "a", "b", None])
    )
    dear = ModelPrice("m", "b", Rates(Decimal(7), Decimal(1)), date(2026, 1, 1), "test")
    priced = reprice(
        frame, {"a": ModelPrice("m", "a", RATES, date(2026, 1, 1), "t", variants=PRICE.variants), "b": dear}
    )

    assert [None if c is None else usd(c) for c in priced["cost_pico"]] == [3, Decimal("1.5"), 7, None]
    assert total_usd(priced) == Decimal("11.5")


def test_a_month_is_the_window_scaled() -> None:
    days = pl.Series(["2026-11-01", "2026-11-02", "2026-11-03", None]).str.to_datetime()
    frame = pl.DataFrame({"started_at": days})
    seen = window(frame)

    assert seen.days == 3
    assert monthly(Decimal(3), seen) == Decimal("30.4375")
    assert seen.note


def test_a_log_without_times_is_one_month() -> None:
    frame = pl.DataFrame({"started_at": [None]}, schema={"started_at": pl.Datetime})

    assert monthly(Decimal(3), window(frame)) == 3
    assert "no time" in window(frame).note
