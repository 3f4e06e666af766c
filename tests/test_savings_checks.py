"""Reconciliation, economics, controls, tokenizers: what stands beside a saving."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from router_audit.errors import InputError
from router_audit.pricing.tokenizers import read_tokenizers
from router_audit.savings import reprice, total_usd
from router_audit.savings.bill import ledger
from router_audit.savings.controls import controls, economy_share
from router_audit.savings.economics import economics
from router_audit.savings.learning import learn_factors
from router_audit.savings.mix import assign
from router_audit.savings.project import project
from router_audit.savings.reconcile import against_invoice, against_log, withheld
from router_audit.types.money import Overheads, Rate
from tests.test_savings import FREE, PRICES, log, plan

if TYPE_CHECKING:
    from pathlib import Path


def billed(frame: pl.DataFrame, cost: pl.Expr | None = None) -> pl.DataFrame:
    priced = reprice(frame.with_columns(pl.col("incumbent").alias("price_key")), PRICES)
    said = (pl.col("cost_pico") if cost is None else cost) / 1e12
    return priced.with_columns(said.cast(pl.Decimal(20, 10)).alias("logged_cost_usd"))


ROWS = [{"input": 10_000, "cache_read": 8_000, "output": 900, "reasoning": 600}] * 6


def test_equal_costs_reconcile() -> None:
    found = against_log(billed(log(*ROWS)))

    assert found.holds
    assert found.relative == 0
    assert withheld([found]) == ""


@pytest.mark.parametrize(
    ("slip", "said"),
    [
        (pl.col("cost_pico") - pl.col("cache_read_pico") + pl.col("prompt_pico") * 4, "plain input"),
        (pl.col("cost_pico") - pl.col("cache_read_pico"), "not charged at all"),
        (pl.col("cost_pico") + pl.col("reasoning_pico"), "on top"),
        (pl.col("cost_pico") - pl.col("reasoning_pico"), "reasoning tokens were not charged"),
    ],
)
def test_a_gap_is_explained_by_the_slip_that_closes_it(slip: pl.Expr, said: str) -> None:
    found = against_log(billed(log(*ROWS), slip))

    assert not found.holds
    assert any(said in line for line in found.explanations)
    assert "differs" in withheld([found])


def test_what_only_one_side_prices_is_said_and_not_compared() -> None:
    frame = billed(log({"input": 1000}, {"input": 1000, "incumbent": None}, {"input": 1000}))
    frame = frame.with_columns(pl.Series("logged_cost_usd", ["0.005", "0.7", None]).cast(pl.Decimal(20, 10)))
    found = against_log(frame)

    assert (found.compared, found.unpriced, found.unpriced_tokens) == (1, 1, 1000)
    assert found.holds
    assert any("0.70 USD" in line for line in found.explanations)


def test_a_log_without_costs_contradicts_nothing() -> None:
    frame = billed(log({"input": 1000})).with_columns(
        pl.lit(None, pl.Decimal(20, 10)).alias("logged_cost_usd")
    )

    assert against_log(frame).holds


def test_an_invoice_is_compared_with_its_month() -> None:
    frame = billed(log({"input": 1_000_000}, {"input": 1_000_000, "incumbent": None}))

    assert against_invoice(frame, Decimal(5)).holds
    assert against_invoice(frame, Decimal("5.20"), date(2026, 11, 1)).holds
    off = against_invoice(frame, Decimal(8), date(2026, 11, 1))
    assert not off.holds
    assert any("1 of the 30 days" in line for line in off.explanations)
    assert any("1,000,000 tokens have no price" in line for line in off.explanations)
    assert not against_invoice(frame, Decimal(5), date(2026, 10, 1)).holds


def test_economics_split_a_profile_and_bound_its_levers() -> None:
    rows = log(
        {"input": 10_000, "output": 100, "session_id": "s"},
        {"input": 12_000, "output": 100, "session_id": "s"},
        {"input": 1_000, "output": 1_000, "profile": "reasoning"},
    )
    (first, second) = economics(billed(rows).with_columns(system_tokens=pl.lit(2_000)), PRICES)

    assert (first.profile, first.cost) == ("classification", Decimal("0.115"))
    assert first.prompt_share == pytest.approx(0.11 / 0.115)
    assert (
        first.caching == Decimal(10_000) * Decimal("4.5") / 10**6 - Decimal(2_000) * Decimal("1.25") / 10**6
    )
    assert first.shorter_system_prompt == 2 * 1_000 * Decimal(5) / 10**6
    assert second.completion_share == pytest.approx(0.025 / 0.03)
    assert second.batching == 0


def test_controls_stand_beside_the_table() -> None:
    rows = log(*({"input": 1000 * n, "output": 100} for n in range(1, 41)), {"input": 200_000})
    mix = assign(rows, [plan()], PRICES)
    saving = project(rows, [plan()], PRICES, FREE)
    found = {
        control.name: control
        for control in controls(
            mix,
            saving,
            ledger(rows, PRICES),
            cheapest="m/small",
            best_single="m/middle",
            economy={"m/small"},
            regrets={("classification/standard", "m/small"): Rate(0, 99)},
            rng=np.random.default_rng(0),
        )
    }
    months = saving.months

    assert found["incumbent"].saving_per_month == 0
    assert found["table"].saving_per_month == saving.bill.saving / months
    assert found["all-cheapest"].cost_per_month == found["table"].cost_per_month
    assert found["random-split"].cost_per_month == found["table"].cost_per_month
    assert found["best-single"].cost_per_month > found["table"].cost_per_month
    assert found["table"].economy_share == pytest.approx(40 / 41)
    assert found["table"].regret == pytest.approx(0.005 * 40 / 41)
    assert found["best-single"].regret is None
    share = economy_share(mix, [plan()], {"m/small"})
    assert share.before == 0
    assert share.held_back == (("session or size", pytest.approx(1 / 41)),)


def test_the_costs_of_the_table_and_its_saving_are_the_incumbents_bill() -> None:
    rows = log(*ROWS)
    saving = project(rows, [plan()], PRICES, Overheads(premium="m/large"))

    assert saving.bill.incumbent == total_usd(billed(rows))


def test_tokenizers_scale_by_the_end_that_saves_least() -> None:
    known = read_tokenizers()

    assert known.factor("anthropic/claude-opus-4-7", "anthropic/claude-haiku-4-5") == 1
    assert known.factor("anthropic/claude-haiku-4-5", "anthropic/claude-opus-4-7") == Decimal("1.35")
    assert known.factor("openai/gpt-5", "anthropic/claude-haiku-4-5") == Decimal("1.3")
    assert known.factor("anthropic/claude-sonnet-4-6", "google/gemini-2.5-flash") == Decimal("0.9483")
    assert known.factor("openai/gpt-5", "openai/gpt-5-mini") == 1
    assert known.factor("vllm/our-model", "openai/gpt-5-mini") == 1
    assert known.family("openrouter/anthropic/claude-haiku-4.5") == "claude"
    assert all(family.source for family in known.families)


def test_trials_teach_the_factor() -> None:
    known = read_tokenizers()
    trials = pl.DataFrame(
        {
            "incumbent": ["anthropic/claude-sonnet-4-6"] * 40,
            "candidate": ["google/gemini-2.5-flash"] * 40,
            "incumbent_input_tokens": [1000] * 40,
            "candidate_input_tokens": [880] * 40,
        }
    )
    (learnt,) = learn_factors(trials, known.family)

    assert (learnt.factor, learnt.trials) == (Decimal("0.88"), 40)
    taught = known.with_learnt({(learnt.old, learnt.new): learnt.factor})
    assert taught.factor("anthropic/claude-sonnet-4-6", "google/gemini-2.5-pro") == Decimal("0.88")
    assert learn_factors(trials[:29], known.family) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[family]]\nname='a'\n", "needs `name`"),
        ("[[family]]\nname='a'\nmodels='('\nlow=1\nhigh=1\n", "no pattern"),
        ("[[family]]\nname='a'\nmodels='a'\nlow=2\nhigh=1\n", "below"),
        ("[[family]]\nname='a'\nmodels='a'\nlow=0\nhigh=1\n", "above 0"),
        ("[[pair]]\nfrom='a'\nto='b'\nfactor=1\n", "must each name"),
    ],
)
def test_a_broken_tokenizer_file_says_what(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "tokenizers.toml"
    path.write_text(text)

    with pytest.raises(InputError) as error:
        read_tokenizers(path)

    assert message in error.value.message
