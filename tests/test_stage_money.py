"""From routes to the savings block: constraints, a withheld headline, the same bytes twice."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from router_audit.policy import routes
from router_audit.pricing import load_prices
from router_audit.projection import tiers_by_price, traffic_of, with_cells
from router_audit.savings import reprice
from router_audit.stages.audited import Audited
from router_audit.stages.build_table import TableOptions, build_table
from router_audit.stages.money import MoneyOptions, money, money_notes, savings_content
from router_audit.types import Trial
from router_audit.types.price import ModelPrice, Unresolved
from tests.synthetic_store import Filling, fill, try_candidates
from tests.test_policy import FLASH, HAIKU, LADDER, OPUS, SONNET

if TYPE_CHECKING:
    from pathlib import Path

    from router_audit.stages.money import Money
    from router_audit.store import Store

DAY = date(2026, 11, 23)
BOOK = load_prices()
PRICES = {
    rung.ref: price
    for rung in (*LADDER.models, FLASH)
    if isinstance(price := BOOK.resolve(rung.provider, rung.model, DAY), ModelPrice)
}


def seen(n: int = 400, logged: float | None = 1.0) -> Audited:
    """Traffic of Opus over all four profiles, some of it huge, a little of it without a price."""
    rng = np.random.default_rng(0)
    start = pl.lit("2026-11-01 00:00:00").str.to_datetime()
    frame = pl.DataFrame(
        {
            "request_id": [f"r{i}" for i in range(n)],
            "conversation_id": pl.Series(
                [f"s{i // 4}" if i % 3 else None for i in range(n)], dtype=pl.String
            ),
            "provider": "anthropic",
            "model": ["mystery" if i % 50 == 0 else "claude-opus-4-7" for i in range(n)],
            "request_model": ["mystery" if i % 50 == 0 else "claude-opus-4-7" for i in range(n)],
            "response_model": pl.Series([None] * n, dtype=pl.String),
            "input_tokens": np.where(np.arange(n) % 40 == 7, 300_000, rng.integers(500, 9000, n)),
            "output_tokens": rng.integers(5, 900, n),
            "cache_read_tokens": rng.integers(0, 400, n),
            "cache_write_tokens": pl.Series([None] * n, dtype=pl.Int64),
            "cache_write_1h_tokens": pl.Series([None] * n, dtype=pl.Int64),
            "reasoning_tokens": pl.Series([None] * n, dtype=pl.Int64),
            "service_tier": pl.Series([None] * n, dtype=pl.String),
            "latency_ms": rng.uniform(500, 5000, n),
            "template_id": "t",
            "profile": np.array(["classification", "extraction", "reasoning", "coordination"])[
                np.arange(n) // 4 % 4
            ],
            "minute": np.arange(n) * 20,
        }
    ).with_columns(
        (start + pl.duration(minutes="minute")).alias("started_at"),
        (pl.col("input_tokens") > 200_000).alias("huge_context"),
    )
    keyed = with_cells(frame).with_columns((pl.col("provider") + "/" + pl.col("model")).alias("price_key"))
    priced = reprice(keyed, PRICES)
    factor = pl.lit(None, pl.Float64) if logged is None else pl.col("cost_pico") / 1e12 * logged
    priced = priced.with_columns(factor.cast(pl.Decimal(20, 10)).alias("logged_cost_usd"))
    unresolved = ((Unresolved("anthropic", "mystery", "anthropic lists no such model"), n // 50),)
    return Audited(priced, {OPUS.ref: PRICES[OPUS.ref]}, unresolved, DAY, "c", "e")


def found(audit: Audited, options: MoneyOptions | None = None, trials: Any = None) -> Money:
    table = routes(LADDER, traffic_of(audit.frame), {}, assume_capable=True)
    tiers = tiers_by_price(LADDER, PRICES)
    return money(audit, table, LADDER, PRICES, tiers, trials or {}, BOOK, options or MoneyOptions())


def test_the_block_has_the_keys_that_scripts_rely_on_and_the_same_bytes_twice() -> None:
    audit = seen()
    first, second = (savings_content(found(audit)) for _ in range(2))

    assert json.dumps(first) == json.dumps(second)
    assert {"per_month_usd", "probability_positive", "certified_share", "bill_per_month_usd"} <= first.keys()
    assert 0 < first["per_month_usd"]["p5"] < first["per_month_usd"]["p50"] < first["per_month_usd"]["p95"]
    assert first["certified_share"] == 0
    assert first["withheld"] is None
    assert [row["term"] for row in first["waterfall"]][0::8] == ["incumbent", "saving"]
    assert [control["name"] for control in first["controls"]][:2] == ["table", "incumbent"]
    assert first["unpriced"][0]["model"] == "mystery"
    assert sum(route["requests"] for route in first["by_route"]) == 400 - first["unpriced"][0]["requests"]


def test_the_economy_share_and_what_holds_the_rest_back_add_up() -> None:
    economy = found(seen()).economy

    assert abs(economy.after + sum(share for _, share in economy.held_back) - 1) < 1e-9
    assert dict(economy.held_back)["assumed on premium"] > 0.2


def test_a_bill_that_does_not_reconcile_withholds_the_headline() -> None:
    off = found(seen(logged=1.2))
    block = savings_content(off)

    assert "differs from the log's" in (block["withheld"] or "")
    assert block["per_month_usd"] == {"p5": None, "p50": None, "p95": None}
    assert all(row["term"] != "saving" for row in block["waterfall"])
    assert money_notes(off, BOOK, DAY)[0].startswith("No saving is stated")
    assert found(seen(logged=1.2), MoneyOptions(tolerance=Decimal("0.2"))).withheld == ""


def test_an_invoice_withholds_it_too() -> None:
    assert "invoice" in found(seen(logged=None), MoneyOptions(invoice_usd=Decimal(9999))).withheld


def limits(folder: Path, text: str) -> MoneyOptions:
    path = folder / "limits.toml"
    path.write_text(text)
    return MoneyOptions(limits=path)


def test_a_route_out_of_region_keeps_its_incumbent(tmp_path: Path) -> None:
    text = (
        "[pins]\nextraction='eu'\n[[limit]]\nprovider='anthropic'\nmodel='claude-haiku-4-5'\nregions=['us']\n"
    )
    out = found(seen(), limits(tmp_path, text)).routes

    kept = {route.profile: route for route in out if route.context == "standard"}
    assert not kept["extraction"].applied
    assert kept["extraction"].reason.startswith("region:")
    assert kept["classification"].model == HAIKU.ref


def test_a_barred_route_says_so_where_nothing_is_left_to_route(store: Store, tmp_path: Path) -> None:
    fill(store, Filling(requests=2000))
    try_candidates(store)
    text = (
        "allowed_regions=['eu']\n[[limit]]\nprovider='anthropic'\nmodel='claude-haiku-4-5'\nregions=['us']\n"
    )
    options = TableOptions(folder=tmp_path / "tables", money=limits(tmp_path, text))
    document = build_table(store, options).document
    routes_of = {route["profile"]: route for route in document["routes"] if route["context"] == "standard"}

    assert not any(route["applied"] for route in document["routes"])
    assert routes_of["classification"]["reason"].startswith("region:")
    assert routes_of["extraction"]["reason"].startswith("region:")
    assert document["economy_share"]["held_back"]["region"] > 0.5


def test_a_route_that_its_limit_refuses_keeps_its_incumbent(tmp_path: Path) -> None:
    text = "max_wait_s=1\n[[limit]]\nprovider='anthropic'\nmodel='claude-haiku-4-5'\ninput_tpm=2000\n"
    result = found(seen(), limits(tmp_path, text))

    assert {route.model for route in result.routes if route.applied and route.tier == "economy"} <= {
        FLASH.ref
    }
    assert "limits" in dict(result.economy.held_back)
    assert [use.mix for use in result.capacity] == ["today", "proposed"]


def test_a_slow_route_keeps_its_incumbent() -> None:
    def trial(n: int) -> Trial:
        return Trial(
            f"r{n}", f"s{n}", "classification", "standard", HAIKU.ref, candidate_ok=True, incumbent_ok=True,
            grader="exact", candidate_latency_ms=4000.0,
        )  # fmt: skip

    trials = {("classification", "standard"): [trial(n) for n in range(30)]}
    bound = MoneyOptions(max_p95_ms={"classification": 3000.0})
    slow = {
        route.profile: route for route in found(seen(), bound, trials).routes if route.context == "standard"
    }
    fine = {
        route.profile: route for route in found(seen(), None, trials).routes if route.context == "standard"
    }

    assert slow["classification"].reason.startswith("latency:")
    assert fine["classification"].applied
    assert slow["extraction"].applied


def test_rates_come_from_the_trials_of_the_routes_own_candidate() -> None:
    def trial(n: int, candidate: str, ok: bool) -> Trial:
        return Trial(
            f"r{n}",
            f"s{n}",
            "classification",
            "standard",
            candidate,
            candidate_ok=ok,
            incumbent_ok=True,
            grader="exact",
        )

    tried = [trial(n, HAIKU.ref, n != 0) for n in range(20)] + [
        trial(n, SONNET.ref, ok=False) for n in range(9)
    ]
    plans = {plan.key: plan for plan in found(seen(), None, {("classification", "standard"): tried}).plans}

    assert (plans["classification/standard"].regret.hits, plans["classification/standard"].regret.trials) == (
        1,
        20,
    )
    assert plans["classification/standard"].escalation.trials == 20
    assert plans["extraction/standard"].escalation.trials == 0
    assert plans["coordination/standard"].escalation.mean == 0


def test_a_stale_list_and_a_coming_change_are_said() -> None:
    result = found(seen())
    changing = BOOK.resolve("google", "gemini-3.8-flash", DAY)
    assert isinstance(changing, ModelPrice)
    audit = seen()
    known = replace(audit, prices={**audit.prices, changing.ref: changing})
    table = routes(LADDER, traffic_of(audit.frame), {}, assume_capable=True)
    prices = {**PRICES, changing.ref: changing}
    told = money(known, table, LADDER, prices, tiers_by_price(LADDER, prices), {}, BOOK, MoneyOptions())

    assert any("older than" in note for note in money_notes(result, BOOK, date(2027, 6, 1)))
    assert money_notes(result, BOOK, DAY) == []
    assert any("from 2027-01-01" in note for note in money_notes(told, BOOK, DAY))
    assert savings_content(told)["price_changes"][0]["on"] == "2027-01-01"
