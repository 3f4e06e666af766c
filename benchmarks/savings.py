"""1,000,000 requests re-priced at 12 candidates, projected with 1,000 resamples and replayed through limits.

Printed as a ratio to one DuckDB pass that sums the same token columns. `python -m benchmarks.savings [N]`.
"""

from __future__ import annotations

import resource
import sys
import time
from datetime import date
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import polars as pl

from router_audit.capacity import calls_of, replay
from router_audit.pricing import load_prices
from router_audit.pricing.incumbents import price_incumbents
from router_audit.pricing.tokenizers import read_tokenizers
from router_audit.savings.cells import cells, totals_pico
from router_audit.savings.matrix import cost_matrix, exact_sum, tokens
from router_audit.savings.mix import assign
from router_audit.savings.project import project
from router_audit.savings.reprice import TOKEN_COLUMNS
from router_audit.types.capacity import Limit, Limits
from router_audit.types.money import Overheads, Rate, RoutePlan
from router_audit.types.price import ModelPrice

T = TypeVar("T")

if TYPE_CHECKING:
    from collections.abc import Callable

DAY = date(2026, 11, 23)
CANDIDATES = (
    "anthropic/claude-haiku-4-5",
    "anthropic/claude-sonnet-4-6",
    "anthropic/claude-opus-4-7",
    "openai/gpt-5-nano",
    "openai/gpt-5-mini",
    "openai/gpt-5.1",
    "openai/gpt-4.1-nano",
    "openai/gpt-4o-mini",
    "google/gemini-2.5-flash-lite",
    "google/gemini-2.5-flash",
    "google/gemini-2.5-pro",
    "deepseek/deepseek-chat",
)
PLANS = (
    RoutePlan(
        "classification", "standard", CANDIDATES[0], CANDIDATES[1], "certified", Rate(9, 200), Rate(2, 190)
    ),
    RoutePlan(
        "extraction", "standard", CANDIDATES[0], CANDIDATES[1], "provisional", Rate(6, 60), Rate(1, 54)
    ),
    RoutePlan("reasoning", "standard", CANDIDATES[1], CANDIDATES[2]),
    RoutePlan("coordination", "standard", None),
)


def traffic(n: int, seed: int = 0) -> pl.DataFrame:
    """A month of log-normal token counts in sessions of about five, one profile each."""
    rng = np.random.default_rng(seed)
    incumbent = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    models = np.array(["claude-opus-4-7", "claude-sonnet-4-6", "gpt-5.1"])[incumbent]
    given = np.exp(rng.normal(7.5, 1.4, n)).astype(np.int64)
    read = (given * (rng.random(n) < 0.4) * rng.random(n)).astype(np.int64)
    output = np.exp(rng.normal(5.5, 1, n)).astype(np.int64)
    session = rng.integers(0, max(1, n // 5), n)
    profiles = np.array(["classification", "extraction", "reasoning", "coordination"])[session % 4]
    start = np.datetime64("2026-10-01", "us")
    return pl.DataFrame(
        {
            "provider": np.where(incumbent == 2, "openai", "anthropic"),
            "request_model": models,
            "response_model": pl.Series([None] * n, dtype=pl.String),
            "input_tokens": given,
            "output_tokens": output,
            "cache_read_tokens": read,
            "cache_write_tokens": ((given - read) * (rng.random(n) < 0.3) * 0.5).astype(np.int64),
            "cache_write_1h_tokens": pl.Series([None] * n, dtype=pl.Int64),
            "reasoning_tokens": (output * 0.2).astype(np.int64),
            "service_tier": pl.Series([None] * n, dtype=pl.String),
            "session_id": pl.Series(session).cast(pl.String),
            "profile": profiles,
            "context": "standard",
            "latency_ms": np.exp(rng.normal(7, 0.6, n)),
            "started_at": pl.Series(
                start + np.sort(rng.integers(0, 30 * 86_400, n)).astype("timedelta64[s]")
            ),
        }
    )


def timed(name: str, work: Callable[[], T], times: int = 1) -> tuple[tuple[float, float], T]:
    """The best of some runs, in seconds of CPU (of all threads) and of wall."""
    cpu, wall, result = float("inf"), float("inf"), None
    for _ in range(times):
        start, used = time.perf_counter(), time.process_time()
        result = work()
        cpu, wall = min(cpu, time.process_time() - used), min(wall, time.perf_counter() - start)
    print(f"{name:<58}{wall * 1000:>11,.1f} ms, {cpu * 1000:>9,.1f} ms of CPU")
    assert result is not None
    return (cpu, wall), result


def main(n: int) -> None:
    import duckdb

    book = load_prices()
    resolved = [book.resolve_ref(ref, DAY) for ref in CANDIDATES]
    candidates = [price for price in resolved if isinstance(price, ModelPrice)]
    assert len(candidates) == len(CANDIDATES)
    frame = traffic(n)
    connection = duckdb.connect(config={"threads": 2})
    connection.register("incoming", frame.select(TOKEN_COLUMNS).to_arrow())
    connection.execute("CREATE TABLE counts AS SELECT * FROM incoming")
    sums = ", ".join(f"sum({name})" for name in TOKEN_COLUMNS)
    print(f"{n:,} requests, {len(candidates)} candidates")
    one_pass, _ = timed(
        "one DuckDB pass that sums the token columns",
        lambda: connection.execute(f"SELECT {sums} FROM counts").fetchall(),
        30,
    )
    began, used = time.perf_counter(), time.process_time()
    _, incumbents = timed("resolve the incumbents", lambda: price_incumbents(frame, book, DAY))
    factor, log = read_tokenizers().factor, incumbents.frame

    def repriced(*by: str) -> list[int]:
        return totals_pico(cells(log, candidates, factor, by), candidates, factor)

    summed, totals = timed("re-price all at every candidate, tokens rescaled", repriced, 10)
    routed, by_route = timed("the same, by profile and context", lambda: repriced("profile", "context"), 10)
    assert by_route == totals
    known = tokens(log)
    plain, costs = timed("12,000,000 costs, one by one", lambda: cost_matrix(known, candidates), 3)
    scaled, costs = timed("the same, tokens rescaled", lambda: cost_matrix(known, candidates, factor), 3)
    assert [exact_sum(row) for row in costs] == totals
    del costs
    prices = {**incumbents.prices, **{price.ref: price for price in candidates}}
    overheads = Overheads(premium=CANDIDATES[2])
    _, saving = timed(
        "project the saving, 1,000 resamples", lambda: project(log, PLANS, prices, overheads, factor=factor)
    )
    limits = Limits(
        tuple(
            Limit(
                price.provider, price.model, max(20, n // 20_000), max(10_000, n // 8), max(10_000, n // 40)
            )
            for price in candidates[:6]
        )
    )

    def capacity() -> str:
        mix = assign(log, PLANS, prices)
        calls = calls_of(mix, plans=PLANS, overheads=overheads, rng=np.random.default_rng(0))
        uses = replay(calls_of(mix, model="incumbent"), limits, "today"), replay(calls, limits, "proposed")
        return ", ".join(
            f"{use.mix}: queued {use.queued_share:.2%}, refused {use.refused_share:.2%}" for use in uses
        )

    _, said = timed("today's mix and the proposed one through limits", capacity)
    whole, busy = time.perf_counter() - began, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"\nsaving a month {saving.interval.p50:,.0f} USD ({saving.interval.p5:,.0f} to {saving.interval.p95:,.0f}); {said}"
    )
    print("CPU time over the pass's, which a busy machine does not stretch; wall time over it in brackets:")
    for name, (cpu, wall) in {
        "re-priced at every candidate (target 15)": summed,
        "by profile and context": routed,
        "one by one, as no figure needs them": plain,
        "one by one, rescaled": scaled,
    }.items():
        print(f"  {name:<44}{cpu / one_pass[0]:>6.1f}  ({wall / one_pass[1]:.1f})")
    print(
        f"the whole: {whole:.1f} s, {busy:.1f} s of CPU (target 60); peak RSS {peak:,.0f} MB (target 1,536)"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
