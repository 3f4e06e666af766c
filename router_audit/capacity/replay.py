"""The logged arrivals through providers' token buckets, for today's mix and the proposed one.

A limit of R a minute is a bucket of R that refills by R / 60 a second (as Anthropic states its own). Calls
are served in order of arrival. With the deficit D of a bucket (what it lacks to be full), before each call

    D(i) = cost(i) + max(0, D(i-1) - rate * (t(i) - t(i-1)))

and the call waits (D(i) - R) / rate seconds when that is positive: Lindley's recursion, solved for all calls
at once by a running sum and a running minimum. Calls that would wait too long are refused and take nothing;
only between full buckets where some are is the
recursion run call by call. A call's wait is the longest of its three buckets'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from router_audit.types.capacity import LIMIT_KINDS, CapacityUse, LimitUse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from router_audit.types.capacity import Limit, Limits
    from router_audit.types.money import Overheads, RoutePlan

    Floats = NDArray[np.float64]

_NOTHING = 1e-6
"""Less than this many tokens or seconds is rounding."""


def calls_of(
    frame: pl.DataFrame,
    *,
    plans: Iterable[RoutePlan] = (),
    overheads: Overheads | None = None,
    rng: np.random.Generator | None = None,
    model: str = "assigned",
) -> pl.DataFrame:
    """The calls a mix makes: `at` (UTC), `ref`, `input`, `output`, `cached` tokens, in order of time.

    With `model="incumbent"` that is the log. With the columns of `mix.assign`, each moved request is called at
    its assigned model; of them the expected share escalates, called once more one rung up when the first
    answer is there, and the canary's share is called at the premium tier as well.
    """
    dated = frame.filter(pl.col("started_at").is_not_null() & pl.col(model).is_not_null())
    base = dated.select(_call("started_at", model))
    if rng is None or overheads is None:
        return base.sort("at", maintain_order=True)
    rate = {plan.key: float(plan.escalation.mean) for plan in plans}
    moved = dated.with_columns(
        pl.Series("_up", rng.random(dated.height)),
        pl.Series("_canary", rng.random(dated.height)),
        pl.col("route").replace_strict(rate, default=0.0, return_dtype=pl.Float64).alias("_rate"),
        pl.coalesce(pl.duration(milliseconds=pl.col("latency_ms")), pl.duration(seconds=0)).alias("_took"),
    ).filter("moved")
    up = moved.filter(pl.col("escalate_to").is_not_null() & (pl.col("_up") < pl.col("_rate")))
    extra = [
        up.with_columns(_then=pl.col("started_at") + pl.col("_took")).select(
            _call("_then", "escalate_to", cached=False)
        )
    ]
    if overheads.premium is not None:
        watched = moved.filter(pl.col("_canary") < float(overheads.canary_share)).with_columns(
            _premium=pl.lit(overheads.premium)
        )
        extra.append(watched.select(_call("started_at", "_premium", cached=False)))
    return pl.concat([base, *extra]).sort("at", maintain_order=True)


def _call(at: str, ref: str, *, cached: bool = True) -> list[pl.Expr]:
    def count(name: str) -> pl.Expr:
        return pl.col(name).cast(pl.Float64).fill_null(0).clip(0)

    return [
        pl.col(at).cast(pl.Datetime("us")).alias("at"),
        pl.col(ref).cast(pl.String).alias("ref"),
        count("input_tokens").alias("input"),
        count("output_tokens").alias("output"),
        (count("cache_read_tokens") if cached else pl.lit(0.0)).alias("cached"),
    ]


def _grouped(calls: pl.DataFrame, limits: Limits) -> Iterable[tuple[Limit, pl.DataFrame]]:
    refs: list[str] = calls["ref"].unique().sort().to_list()
    counted: dict[str, list[str]] = {}
    by_name: Mapping[str, Limit] = {limit.ref: limit for limit in limits.limits}
    for ref in refs:
        limit = limits.of(ref)
        if limit is not None:
            counted.setdefault(limit.ref, []).append(ref)
    for name, members in counted.items():
        yield by_name[name], calls.filter(pl.col("ref").is_in(members))


def _costs(part: pl.DataFrame, limit: Limit) -> dict[str, tuple[int, Floats]]:
    given = part["input"] if limit.cached_input_counts else (part["input"] - part["cached"]).clip(0)
    taken = {
        "rpm": np.ones(part.height),
        "input_tpm": given.to_numpy(),
        "output_tpm": part["output"].to_numpy(),
    }
    return {
        kind: (amount, taken[kind]) for kind in LIMIT_KINDS if (amount := getattr(limit, kind)) is not None
    }


def peak_uses(calls: pl.DataFrame, limits: Limits) -> tuple[LimitUse, ...]:
    """The fullest calendar minute of every limit, fullest first."""
    uses: list[LimitUse] = []
    for limit, part in _grouped(calls, limits):
        for kind, (amount, taken) in _costs(part, limit).items():
            minutes = part.select(pl.col("at").dt.truncate("1m"), pl.Series("taken", taken))
            peak = minutes.group_by("at").agg(pl.col("taken").sum())["taken"].max()
            uses.append(LimitUse(limit.ref, kind, amount, float(peak or 0)))  # type: ignore[arg-type]
    return tuple(sorted(uses, key=lambda use: (-use.peak_share, use.ref, use.kind)))


def replay(calls: pl.DataFrame, limits: Limits, mix: str) -> CapacityUse:
    """Queue the calls at every limit that counts them."""
    waits: list[Floats] = []
    refusals: list[tuple[str, float]] = []
    for limit, part in _grouped(calls, limits):
        at = part["at"].dt.epoch("us").to_numpy() / 1e6
        costs = _costs(part, limit)
        found, full = _waits(at, costs)
        for start, end in _busy(found > limits.max_wait_s, full):
            stretch = {kind: (amount, taken[start:end]) for kind, (amount, taken) in costs.items()}
            found[start:end] = _one_by_one(at[start:end], stretch, limits.max_wait_s)
        waits.append(found)
        turned_away = float((found > limits.max_wait_s).mean())
        if turned_away:
            refusals.append((limit.ref, turned_away))
    every = np.concatenate(waits) if waits else np.zeros(0)
    refused = every > limits.max_wait_s
    queued = (every > 0) & ~refused
    share = 1 / calls.height if calls.height else 0.0
    return CapacityUse(
        mix=mix,
        calls=calls.height,
        limited=int(every.size),
        queued_share=float(queued.sum() * share),
        refused_share=float(refused.sum() * share),
        p95_wait_s=float(np.percentile(every[queued], 95)) if queued.any() else 0.0,
        uses=peak_uses(calls, limits),
        refused_by_limit=tuple(sorted(refusals, key=lambda pair: (-pair[1], pair[0]))),
    )


def _waits(at: Floats, costs: Mapping[str, tuple[int, Floats]]) -> tuple[Floats, NDArray[np.bool_]]:
    """Seconds each call waits when none is refused, and whether every bucket was full when it came.

    A call that is larger than a bucket waits for ever.
    """
    longest = np.zeros(at.size)
    full = np.ones(at.size, np.bool_)
    for amount, taken in costs.values():
        rate = amount / 60
        served = np.cumsum(taken)
        # D(i) = S(i) - min over j <= i of (S(j-1) - rate * t(j)) - rate * t(i)
        floor = np.minimum.accumulate(served - taken - rate * at)
        lacking = served - floor - rate * at
        full &= lacking - taken <= _NOTHING
        wait = np.where(taken > amount, np.inf, (lacking - amount) / rate)
        np.maximum(longest, wait, out=longest)
    return np.where(longest < _NOTHING, 0.0, longest), full


def _busy(refused: NDArray[np.bool_], full: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """The stretches between full buckets in which some call is refused: only there do refusals matter.

    Refusing takes load away, so buckets that were full with everyone served are full all the more.
    """
    if not refused.any():
        return
    starts = np.flatnonzero(full)
    ends = np.append(starts[1:], full.size)
    for stretch in np.unique(np.searchsorted(starts, np.flatnonzero(refused), side="right") - 1):
        yield int(starts[stretch]), int(ends[stretch])


def _one_by_one(at: Floats, costs: Mapping[str, tuple[int, Floats]], patience: float) -> Floats:
    """The same recursion with refusals: a call that would wait too long takes nothing from any bucket."""
    buckets = [(amount, amount / 60, taken.tolist()) for amount, taken in costs.values()]
    lacking = [0.0] * len(buckets)
    waits = np.zeros(at.size)
    before = at[0] if at.size else 0.0
    for i, now in enumerate(at.tolist()):
        gap, before = now - before, now
        longest = 0.0
        after = []
        for n, (amount, rate, taken) in enumerate(buckets):
            lacking[n] = max(0.0, lacking[n] - rate * gap)
            cost = taken[i]
            after.append(lacking[n] + cost)
            longest = max(longest, np.inf if cost > amount else (after[n] - amount) / rate)
        waits[i] = longest if longest > _NOTHING else 0.0
        if longest <= patience:
            lacking = after
    return waits
