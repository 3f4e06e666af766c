"""How long answers take today, and would take under the proposed mix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from router_audit.types.capacity import Latency

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from router_audit.types.money import RoutePlan

    Floats = NDArray[np.float64]

Samples = dict[tuple[str, str | None], "Floats"]
"""Observed latencies in milliseconds by (model, route), and by (model, None) for all its routes."""

FEWEST = 20
"""Fewer observed answers than this say nothing of a model's latency."""


def by_model(frame: pl.DataFrame) -> tuple[Latency, ...]:
    """p50 and p95 of `latency_ms` per `incumbent`; the most used model first."""
    found = (
        frame.filter(pl.col("incumbent").is_not_null())
        .group_by("incumbent")
        .agg(
            pl.len().alias("n"),
            pl.col("latency_ms").quantile(0.5, "linear").alias("p50"),
            pl.col("latency_ms").quantile(0.95, "linear").alias("p95"),
            pl.col("latency_ms").is_not_null().mean().alias("known"),
        )
        .sort("n", "incumbent", descending=[True, False])
    )
    return tuple(Latency(str(ref), n, p50, p95, known) for ref, n, p50, p95, known in found.iter_rows())


def samples(frame: pl.DataFrame, trials: Mapping[str, Floats] | None = None) -> Samples:
    """Observed latencies by (model, route) and by (model, None), those of trials added to the latter."""
    seen = frame.select("incumbent", "route", "latency_ms").filter(
        pl.col("latency_ms").is_not_null() & pl.col("incumbent").is_not_null()
    )
    out: dict[tuple[str, str | None], Floats] = {}
    for (ref, route), part in seen.group_by("incumbent", "route"):
        out[str(ref), str(route)] = part["latency_ms"].to_numpy()
    for (ref,), part in seen.group_by("incumbent"):
        out[str(ref), None] = part["latency_ms"].to_numpy()
    for ref, values in (trials or {}).items():
        out[ref, None] = np.concatenate([out.get((ref, None), np.zeros(0)), values])
    return {key: np.sort(values) for key, values in out.items() if values.size >= FEWEST}


def _drawn(known: Samples, ref: str, route: str, size: int, rng: np.random.Generator) -> Floats | None:
    values = known.get((ref, route), known.get((ref, None)))
    return None if values is None else rng.choice(values, size)


def proposed_latency(
    frame: pl.DataFrame,
    plans: Iterable[RoutePlan],
    rng: np.random.Generator,
    known: Samples | None = None,
) -> dict[str, Latency]:
    """Latency of each route and of the whole (`all`) under the proposed mix.

    `frame` has been through `mix.assign`. A request that stays keeps its logged latency; one that moves draws
    from answers its new model gave on the same route, else anywhere, else in trials; of these the escalation
    share adds a draw of the next rung's. Where a model was never seen the latency is unknown, and counted so.
    `known` are `samples`; None takes those of the frame alone.
    """
    known = samples(frame) if known is None else known
    rate = {plan.key: float(plan.escalation.mean) for plan in plans}
    pieces: dict[str, list[Floats]] = {}
    totals: dict[str, int] = {}
    keys = ["route", "assigned", "escalate_to", "moved"]
    seen = frame.select(*keys, "latency_ms")
    for (route, assigned, above, moved), part in seen.group_by(keys, maintain_order=True):
        name = str(route)
        totals[name] = totals.get(name, 0) + part.height
        if not moved:
            pieces.setdefault(name, []).append(part["latency_ms"].drop_nulls().to_numpy().astype(np.float64))
            continue
        first = _drawn(known, str(assigned), name, part.height, rng)
        if first is None:
            continue
        up = np.zeros(0, np.int64)
        if above is not None:
            up = np.flatnonzero(rng.random(part.height) < rate.get(name, 0.0))
        if up.size:
            second = _drawn(known, str(above), name, up.size, rng)
            if second is None:
                first = np.delete(first, up)
            else:
                first[up] += second
        pieces.setdefault(name, []).append(first)
    out = {name: _latency(name, pieces.get(name, []), total) for name, total in sorted(totals.items())}
    out["all"] = _latency("all", [p for parts in pieces.values() for p in parts], sum(totals.values()))
    return out


def _latency(name: str, parts: list[Floats], total: int) -> Latency:
    values = np.concatenate(parts) if parts else np.zeros(0)
    if values.size == 0:
        return Latency(name, total, None, None, 0.0)
    middle, high = np.percentile(values, (50, 95))
    return Latency(name, total, float(middle), float(high), values.size / total)


def too_slow(proposed: Mapping[str, Latency], profile: str, max_p95_ms: float) -> bool:
    """Whether any route of the profile is known to pass the bound; what is not known is not held against it."""
    return any(
        latency.p95_ms is not None and latency.p95_ms > max_p95_ms
        for name, latency in proposed.items()
        if name.partition("/")[0] == profile
    )
