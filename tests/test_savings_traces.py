"""Real traffic without text runs through savings and capacity: Azure, Mooncake and ServeGen."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from router_audit.capacity import calls_of, replay
from router_audit.pricing import load_prices
from router_audit.savings.economics import economics
from router_audit.savings.mix import assign
from router_audit.savings.project import project
from router_audit.savings.reprice import reprice
from router_audit.types.capacity import Limit, Limits
from router_audit.types.money import Overheads, Rate, RoutePlan
from router_audit.types.price import ModelPrice

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.shared

MODELS = ("anthropic/claude-haiku-4-5", "anthropic/claude-sonnet-4-6", "anthropic/claude-opus-4-7")
PRICES = {
    price.ref: price
    for ref in MODELS
    if isinstance(price := load_prices().resolve_ref(ref, date(2026, 11, 23)), ModelPrice)
}
PLANS = [RoutePlan("extraction", "standard", MODELS[0], MODELS[1], "certified", Rate(8, 120), Rate(1, 112))]
BLOCK = 512
"""Tokens in one of Mooncake's prefix blocks."""


def azure(folder: Path) -> pl.DataFrame:
    frames = [pl.read_csv(folder / f"azure_llm_2023_{kind}.csv.gz") for kind in ("conv", "code")]
    return pl.concat(frames).select(
        pl.col("TIMESTAMP").str.slice(0, 26).str.to_datetime("%Y-%m-%d %H:%M:%S%.f").alias("started_at"),
        pl.col("ContextTokens").alias("input_tokens"),
        pl.col("GeneratedTokens").alias("output_tokens"),
    )


def mooncake(folder: Path) -> pl.DataFrame:
    """The first block that a request shares with none before it bounds what it could read from a cache."""
    rows = pl.read_ndjson(folder / "mooncake_conversation_trace.jsonl.gz")
    seen: set[int] = set()
    read = []
    for blocks in rows["hash_ids"].to_list():
        read.append(next((n for n, block in enumerate(blocks) if block not in seen), len(blocks)) * BLOCK)
        seen.update(blocks)
    start = pl.lit("2026-11-01").str.to_datetime()
    return rows.select(
        (start + pl.duration(milliseconds=pl.col("timestamp"))).alias("started_at"),
        pl.col("input_length").alias("input_tokens"),
        pl.col("output_length").alias("output_tokens"),
        pl.min_horizontal(pl.Series(read), "input_length").alias("cache_read_tokens"),
    )


def servegen(folder: Path) -> pl.DataFrame:
    """Two hours of one service: each client's arrivals evenly over each window, at its mean token counts."""
    mine = (pl.col("service") == "m-small") & (pl.col("window_start_s") < 7200)
    rates = pl.read_csv(folder / "servegen_client_rates.csv.gz").filter(mine)
    tokens = pl.read_csv(folder / "servegen_client_tokens.csv.gz").filter(mine)
    means = tokens.group_by("client").agg(pl.col("in_avg", "out_avg").first())
    rows = rates.join(means, on="client").with_columns(
        (pl.col("rate_req_per_s") * 1200).round().cast(pl.Int64).alias("n")
    )
    start = pl.lit("2026-11-01").str.to_datetime()
    each = rows.filter(pl.col("n") > 0).with_columns(pl.int_ranges(0, "n").alias("k")).explode("k")
    second = pl.col("window_start_s") + (pl.col("k") + 0.5) * 1200 / pl.col("n")
    return each.select(
        (start + pl.duration(microseconds=(second * 1e6).cast(pl.Int64))).alias("started_at"),
        pl.col("in_avg").cast(pl.Int64).alias("input_tokens"),
        pl.col("out_avg").cast(pl.Int64).alias("output_tokens"),
        pl.col("client").cast(pl.String).alias("user"),
    )


@pytest.mark.parametrize("read", [azure, mooncake, servegen], ids=lambda read: read.__name__)
def test_a_real_trace_runs_through_savings_and_capacity(
    shared: Path, read: Callable[[Path], pl.DataFrame]
) -> None:
    traces = shared / "corpus" / "traces"
    if not traces.is_dir():
        pytest.skip("needs corpus/traces in the shared folder")
    frame = (
        read(traces)
        .sort("started_at")
        .with_columns(
            pl.lit(MODELS[2]).alias("incumbent"),
            pl.lit(MODELS[2]).alias("price_key"),
            pl.lit("extraction").alias("profile"),
            pl.lit("standard").alias("context"),
            pl.lit(None, pl.String).alias("session_id"),
            pl.lit(None, pl.Float64).alias("latency_ms"),
        )
    )
    if "cache_read_tokens" not in frame.columns:
        frame = frame.with_columns(pl.lit(None, pl.Int64).alias("cache_read_tokens"))
    overheads = Overheads(premium=MODELS[2])
    saving = project(frame, PLANS, PRICES, overheads)
    peak = int(frame.group_by(pl.col("started_at").dt.truncate("1m")).len()["len"].max())  # type: ignore[arg-type]
    limits = Limits(
        (Limit("anthropic", "claude-haiku-4-5", rpm=peak), Limit("anthropic", "claude-opus-4-7", rpm=peak))
    )
    mix = assign(frame, PLANS, PRICES)
    calls = calls_of(mix, plans=PLANS, overheads=overheads, rng=np.random.default_rng(0))
    use = replay(calls, limits, "proposed")

    assert frame.height > 2_000
    assert saving.unpriced == 0
    assert saving.bill.routed < saving.bill.incumbent
    assert saving.interval.p5 <= float(saving.per_month.saving) <= saving.interval.p95
    assert saving.interval.probability_positive == 1
    assert "minutes" in saving.resampled
    assert saving.note
    assert use.calls > frame.height
    assert 0.5 < max(limit.peak_share for limit in use.uses) <= 1.2
    assert use.refused_share < 0.05
    (profile,) = economics(reprice(frame, PRICES), PRICES)
    assert profile.cost == saving.bill.incumbent
