"""How often does the 90% interval of the saving hold the true saving? Simulated logs whose truth is known.

    python -m benchmarks.coverage [--logs 500] [--seed 5] [--only NAME]

Each log is a month of Poisson many sessions of log-normal length and token counts, every session of one
profile, with caches that fill as it goes. The true saving per month is the mean over all such months at the
true escalation rate; an audit sees one month and 120 trials a route, and knows neither. Prints markdown.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import numpy as np
import polars as pl

from router_audit.savings.project import project
from router_audit.types.money import Overheads, Rate, RoutePlan
from router_audit.types.price import ModelPrice, Rates

DAY = date(2026, 11, 23)
TRIALS = 120
NOMINAL = 0.9


def price(ref: str, *rates: str) -> ModelPrice:
    provider, _, model = ref.partition("/")
    return ModelPrice(provider, model, Rates(*map(Decimal, rates)), DAY, "simulated")


PRICES = {
    p.ref: p
    for p in (
        price("m/small", "1", "5", "0.1", "1.25", "2"),
        price("m/middle", "3", "15", "0.3", "3.75", "6"),
        price("m/large", "5", "25", "0.5", "6.25", "10"),
    )
}
OVERHEADS = Overheads(premium="m/large")


@dataclass(frozen=True)
class World:
    """What the simulated months have in common."""

    name: str
    sessions: float
    """Expected per month."""
    tail: float
    """Log-normal sigma of a session's token counts."""
    named: bool = True
    """Whether the log tells sessions apart; if not, days are resampled."""
    escalates: float = 0.12
    """The true share of each route's requests that go one rung up."""
    giants: float = 0.0
    """The share of sessions that are fifty times as large: agents among chats."""


WORLDS = (
    World("150 sessions", 150, 1.0),
    World("600 sessions", 600, 1.0),
    World("600 sessions, heavy tail", 600, 1.6),
    World("no sessions named, 600 a month", 600, 1.0, named=False),
    World("40 sessions", 40, 1.0),
    World("600 sessions, 40% escalate", 600, 1.0, escalates=0.4),
    World("600 sessions, 1% of them 50 times as large", 600, 1.0, giants=0.01),
)


def month(world: World, rng: np.random.Generator) -> pl.DataFrame:
    """One month of the world's traffic."""
    sessions = max(2, int(rng.poisson(world.sessions)))
    turns = 1 + rng.geometric(0.35, sessions)
    of = np.repeat(np.arange(sessions), turns)
    turn = np.arange(of.size) - np.repeat(np.cumsum(turns) - turns, turns)
    size = np.exp(rng.normal(7, world.tail, sessions))
    size = np.where(rng.random(sessions) < world.giants, 50 * size, size)[of]
    given = (size * (1 + turn) * rng.uniform(0.8, 1.2, of.size)).astype(np.int64)
    read = np.where(turn > 0, given * 0.6, 0).astype(np.int64)
    begin = rng.uniform(0, 30 * 86_400, sessions)[of]
    frame = pl.DataFrame(
        {
            "input_tokens": given,
            "output_tokens": np.exp(rng.normal(5, 0.8, of.size)).astype(np.int64),
            "cache_read_tokens": read,
            "cache_write_tokens": ((given - read) * 0.3).astype(np.int64),
            "incumbent": "m/large",
            "profile": np.where(of % 3 == 0, "reasoning", "extraction"),
            "context": "standard",
            "session_id": pl.Series(of).cast(pl.String),
            "started_at": pl.Series(
                np.datetime64("2026-10-01", "us") + ((begin + turn * 30) * 1e6).astype("timedelta64[us]")
            ),
        }
    )
    if not world.named:
        frame = frame.with_columns(pl.lit(None, pl.String).alias("session_id"))
    # The audit knows how long its log is: two requests without tokens mark the month's ends.
    ends = frame[:2].with_columns(
        pl.lit(None, pl.Int64).alias(name)
        for name in ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
    )
    stamps = pl.Series(["2026-10-01", "2026-10-31"]).str.to_datetime()
    return pl.concat([ends.with_columns(stamps.alias("started_at")), frame]).sort("started_at")


def plans(extraction: int, reasoning: int, trials: int) -> list[RoutePlan]:
    """Each route with the escalations that its own trials showed."""
    return [
        RoutePlan("extraction", "standard", "m/small", "m/middle", "certified", Rate(extraction, trials)),
        RoutePlan("reasoning", "standard", "m/middle", "m/large", "provisional", Rate(reasoning, trials)),
    ]


def true_saving(world: World, logs: int, rng: np.random.Generator) -> float:
    """The mean of 4 months a log, USD; sessions that are told apart add up, so a hundred months are one."""
    hits = int(world.escalates * 10**7)
    known = plans(hits, hits, 10**7)
    at_once = 100 if world.named else 1
    wide = replace(world, sessions=world.sessions * at_once)
    found = [
        float(project(month(wide, rng), known, PRICES, OVERHEADS, resamples=2).per_month.saving) / at_once
        for _ in range(max(1, 4 * logs // at_once))
    ]
    return float(np.mean(found))


def main(logs: int, seed: int, only: str) -> None:
    print("| world | logs | truth, USD a month | covered | below | above | P(saving > 0) | mean width |")
    print("|---|---|---|---|---|---|---|---|")
    for number, world in enumerate(WORLDS):
        if only not in f"{world.name}:":
            continue
        began = time.perf_counter()
        rng = np.random.default_rng([seed, number])
        truth = true_saving(world, logs, rng)
        below = above = 0
        widths, positive = [], []
        for log in range(logs):
            extraction, reasoning = (int(hits) for hits in rng.binomial(TRIALS, world.escalates, 2))
            seen = plans(extraction, reasoning, TRIALS)
            found = project(month(world, rng), seen, PRICES, OVERHEADS, seed=log).interval
            below += truth < found.p5
            above += truth > found.p95
            widths.append((found.p95 - found.p5) / truth)
            positive.append(found.probability_positive)
        covered = 1 - (below + above) / logs
        print(
            f"| {world.name} | {logs} | {truth:,.3f} | **{covered:.1%}** | {below / logs:.1%} | {above / logs:.1%} "
            f"| {np.mean(positive):.3f} | {np.mean(widths):.0%} |",
            flush=True,
        )
        print(f"<!-- {time.perf_counter() - began:.0f} s -->", flush=True)
    print(f"\nNominal {NOMINAL:.0%}; a covered share of 85 to 95% is asked for.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--logs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--only", default="", help="worlds whose name has this in it")
    given = parser.parse_args()
    main(given.logs, given.seed, given.only)
