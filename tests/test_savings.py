"""Each term of the saving, computed by hand in exact Decimal."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from router_audit.savings.bill import bills, costs
from router_audit.savings.mix import assign
from router_audit.savings.project import project
from router_audit.types.money import COST_TERMS, NEVER, Bill, Overheads, Rate, RoutePlan
from router_audit.types.price import Band, ModelPrice, Rates

DAY = date(2026, 11, 23)


def price(ref: str, *rates: str, **more: Any) -> ModelPrice:
    provider, _, model = ref.partition("/")
    return ModelPrice(provider, model, Rates(*map(Decimal, rates)), DAY, "test", **more)


PRICES = {
    p.ref: p
    for p in (
        price("m/small", "1", "5", "0.1", "1.25", "2", context_window=100_000),
        price("m/middle", "3", "15", "0.3", "3.75", "6"),
        price("m/large", "5", "25", "0.5", "6.25", "10"),
    )
}
FREE = Overheads(Decimal(0), 0, Decimal(0), None)


def log(*rows: dict[str, Any]) -> pl.DataFrame:
    names = ("input", "output", "cache_read", "cache_write", "cache_write_1h", "reasoning")
    data = [
        {
            "profile": "classification",
            "context": "standard",
            "incumbent": "m/large",
            "session_id": None,
            "service_tier": None,
            "minute": number,
            **{f"{name}_tokens": None for name in names},
            **{f"{key}_tokens" if key in names else key: value for key, value in row.items()},
        }
        for number, row in enumerate(rows)
    ]
    schema: dict[str, Any] = dict.fromkeys(
        ("profile", "context", "incumbent", "session_id", "service_tier"), pl.String
    )
    schema |= {f"{name}_tokens": pl.Int64 for name in names} | {"minute": pl.Int64}
    start = pl.lit("2026-11-01 00:00:00").str.to_datetime()
    return pl.DataFrame(data, schema=schema).with_columns(
        (start + pl.duration(minutes=pl.col("minute"))).alias("started_at")
    )


def plan(model: str | None = "m/small", up: str | None = "m/middle", **more: Any) -> RoutePlan:
    fields: dict[str, Any] = {"escalation": NEVER, "checked": False, "status": "certified", **more}
    return RoutePlan("classification", "standard", model, up, **fields)


def bill(
    frame: pl.DataFrame,
    route: RoutePlan,
    overheads: Overheads = FREE,
    *,
    sticky: bool = True,
    factor: Any = None,
) -> Bill:
    found = costs(assign(frame, [route], PRICES, sticky=sticky), [route], PRICES, overheads, factor)
    return sum(bills(found, [route], overheads).values(), Bill())


def test_incumbent_and_routed() -> None:
    found = bill(log({"input": 1000, "output": 100}), plan())

    assert found.incumbent == Decimal("0.0075")
    assert found.routed == Decimal("0.0015")
    assert found.saving == Decimal("0.006")


def test_the_classifier_is_paid_for_every_request_a_route_looks_at() -> None:
    overheads = Overheads(Decimal("0.000002"), 0, Decimal(0), None)
    rows = log({"input": 10}, {"input": 10, "incumbent": "m/small"}, {"input": 10, "profile": None})

    assert bill(rows, plan(), overheads).classifier == Decimal("0.000004")


def test_a_confidence_check_costs_output_tokens_of_the_routed_model() -> None:
    overheads = Overheads(Decimal(0), 20, Decimal(0), None)

    assert bill(log({"input": 10}), plan(checked=True), overheads).confidence == Decimal("0.0001")
    assert bill(log({"input": 10}), plan(checked=False), overheads).confidence == 0


def test_an_escalation_pays_both_answers_and_finds_no_cache() -> None:
    half = Rate(5, 9, prior=(0.0, 1.0))
    found = bill(log({"input": 1000, "cache_read": 800, "output": 100}), plan(escalation=half))

    assert half.mean == Decimal("0.5")
    assert found.escalation == Decimal("0.5") * (Decimal("0.003") + Decimal("0.0015"))
    assert found.routed == Decimal("0.0002") + Decimal("0.00008") + Decimal("0.0005")


def test_a_canary_pays_the_premium_answer_beside_the_routed_one() -> None:
    overheads = Overheads(Decimal(0), 0, Decimal("0.01"), "m/large")
    found = bill(log({"input": 1000, "cache_read": 400, "output": 100}), plan(), overheads)

    assert found.canary == Decimal("0.01") * Decimal("0.0075")


def test_a_request_that_stays_has_neither_canary_nor_escalation() -> None:
    overheads = Overheads(Decimal(0), 20, Decimal("0.01"), "m/large")
    found = bill(log({"input": 1000}), plan(None, None, escalation=Rate(1, 2), checked=True), overheads)

    assert found.saving == 0
    assert all(getattr(found, term) == 0 for term in COST_TERMS if term != "routed")


def test_a_switch_loses_the_cache_once_per_session() -> None:
    rows = log(
        {"input": 1000, "cache_read": 800, "session_id": "s"},
        {"input": 1200, "cache_read": 1000, "session_id": "s"},
        {"input": 1000, "cache_read": 600, "session_id": "t"},
    )
    found = bill(rows, plan())

    assert found.routed == (Decimal(200 + 200 + 400) * 1 + Decimal("0.1") * (800 + 1000 + 600)) / 10**6
    assert found.cache_lost == (Decimal("1.25") - Decimal("0.1")) * (800 + 600) / 10**6


def test_a_session_that_goes_back_up_finds_its_cache_cold_there_too() -> None:
    rows = log(
        {"input": 1000, "session_id": "s"},
        {"input": 1200, "cache_read": 1000, "session_id": "s", "profile": "reasoning"},
        {"input": 1400, "cache_read": 1200, "session_id": "s"},
    )
    assigned = assign(rows, [plan()], PRICES)

    assert assigned["assigned"].to_list() == ["m/small", "m/large", "m/large"]
    assert assigned["cold"].to_list() == [True, True, False]
    assert bill(rows, plan()).cache_lost == (Decimal("6.25") - Decimal("0.5")) * 1000 / 10**6


def test_without_stickiness_each_request_follows_its_own_route() -> None:
    rows = log(
        {"input": 1000, "session_id": "s", "profile": "reasoning"},
        {"input": 1400, "session_id": "s"},
    )

    assert assign(rows, [plan()], PRICES)["moved"].to_list() == [False, False]
    assert assign(rows, [plan()], PRICES, sticky=False)["moved"].to_list() == [False, True]


def test_no_request_moves_to_a_dearer_model_or_one_it_does_not_fit() -> None:
    rows = log(
        {"input": 10, "incumbent": "m/small"}, {"input": 100_001}, {"input": 100_000}, {"incumbent": None}
    )

    assert assign(rows, [plan("m/small")], PRICES)["moved"].to_list() == [False, False, True, False]
    assert not assign(rows[:1], [plan("m/middle")], PRICES)["moved"].any()


def test_a_request_that_does_not_fit_the_sessions_model_takes_its_own_route() -> None:
    wide = RoutePlan("extraction", "huge", "m/wide", None)
    prices = {**PRICES, "m/wide": price("m/wide", "0.5", "2")}
    rows = log(
        {"input": 1000, "session_id": "s"},
        {"input": 150_000, "session_id": "s", "profile": "extraction", "context": "huge"},
    )

    assert assign(rows, [plan(), wide], prices)["assigned"].to_list() == ["m/small", "m/wide"]


def test_another_tokenizer_rescales_the_candidates_tokens_alone() -> None:
    found = bill(log({"input": 1000, "output": 100}), plan(), factor=lambda _old, _new: Decimal("1.2"))

    assert found.incumbent == Decimal("0.0075")
    assert found.routed == Decimal("0.0015") * Decimal("1.2")


def test_batch_requests_stay_batch() -> None:
    batch = {"batch": price("m/small", "0.5", "2.5")}
    prices = {**PRICES, "m/small": price("m/small", "1", "5", variants=batch)}
    rows = log({"input": 1000, "service_tier": "batch"}, {"input": 1000})
    found = costs(assign(rows, [plan()], prices), [plan()], prices, FREE)

    assert bills(found, [plan()], FREE)["classification/standard"].routed == Decimal("0.0015")


def test_a_long_context_band_prices_the_whole_request() -> None:
    band = Band(200_000, Rates(Decimal(2), Decimal(7)))
    prices = {**PRICES, "m/small": price("m/small", "1", "5", bands=(band,))}
    rows = log({"input": 200_001, "output": 10}, {"input": 200_000, "output": 10})
    found = costs(assign(rows, [plan()], prices), [plan()], prices, FREE)

    expected = (Decimal(200_001) * 2 + 70 + Decimal(200_000) + 50) / 10**6
    assert bills(found, [plan()], FREE)["classification/standard"].routed == expected


def test_regrets_asked_again_are_money_only_where_counted() -> None:
    route = plan(regret=Rate(1, 3, prior=(0.0, 1.0)))
    again = Overheads(Decimal(0), 0, Decimal(0), None, redone_share=Decimal("0.5"))

    assert bill(log({"input": 1000}), route).redone == 0
    assert bill(log({"input": 1000}), route, again).redone == Decimal("0.5") * Decimal("0.25") * Decimal(
        "0.005"
    )


def test_what_cannot_be_priced_is_in_no_total() -> None:
    rows = log({"input": 1000}, {"input": 1000, "incumbent": None}, {})
    saving = project(rows, [plan()], PRICES, FREE)

    assert saving.unpriced == 2
    assert saving.bill.incumbent == Decimal("0.005")


def test_the_saving_is_per_month_and_its_parts_add_up() -> None:
    rows = log(*({"input": 1000 * n, "output": 10, "session_id": f"s{n % 7}"} for n in range(1, 60)))
    overheads = Overheads(Decimal("0.000001"), 15, Decimal("0.01"), "m/large")
    route = plan(escalation=Rate(3, 50), checked=True)
    saving = project(rows, [route], PRICES, overheads)

    assert saving.months == Decimal(58) * 60 / 86400 * 59 / 58 / Decimal("30.4375")
    assert saving.bill == sum((r.bill for r in saving.routes), Bill())
    assert abs(saving.per_month.saving - saving.bill.saving / saving.months) < Decimal("1e-12")
    assert sum(amount for _, amount in saving.waterfall[:-1]) == saving.waterfall[-1][1]
    assert saving.certified_share == 1.0
    assert saving.interval.p5 <= float(saving.per_month.saving) <= saving.interval.p95
    assert saving == project(rows, [route], PRICES, overheads)


def test_an_empty_log_saves_nothing() -> None:
    saving = project(log().clear(), [plan()], PRICES, FREE)

    assert saving.bill.saving == 0
    assert saving.interval.probability_positive == 0


@pytest.mark.parametrize(("trials", "expected"), [(Rate(), "0.5"), (Rate(0, 99), "0.005"), (NEVER, "0")])
def test_a_rate_is_its_posterior_mean(trials: Rate, expected: str) -> None:
    assert trials.mean == Decimal(expected)
