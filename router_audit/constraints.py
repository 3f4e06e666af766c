"""What regions, latencies and rate limits forbid: a route they bar keeps its incumbents, and says why."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from router_audit.capacity import calls_of, proposed_latency, replay, too_slow
from router_audit.policy import tier_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from router_audit.capacity import Samples
    from router_audit.types import Ladder, Route
    from router_audit.types.capacity import CapacityUse, Latency, Limits
    from router_audit.types.money import Overheads, RoutePlan

REFUSED = 0.01
"""A route is not used when more than this share of its model's calls would be refused, and more than today."""


def kept(route: Route, ladder: Ladder, reason: str) -> Route:
    """The route withdrawn: its requests stay with their incumbents, and it says why."""
    return replace(
        route,
        model=route.incumbent,
        tier=tier_of(ladder, route.incumbent),
        status="keep-incumbent",
        applied=False,
        assumed=False,
        reason=reason,
        escalate_to=None,
        threshold=0.0,
    )


def where_allowed(table: Sequence[Route], ladder: Ladder, limits: Limits) -> list[Route]:
    """Without the routes whose model, or whose next rung, is not offered where the profile may go."""
    out = []
    for route in table:
        bar = limits.region_bars(route.model, route.profile) if route.applied and route.model else None
        if bar is not None:
            out.append(kept(route, ladder, f"region: {bar}"))
        elif route.escalate_to and limits.region_bars(route.escalate_to, route.profile):
            out.append(replace(route, escalate_to=None))
        else:
            out.append(route)
    return out


def past_alarms(table: Sequence[Route], ladder: Ladder, alarms: Mapping[tuple[str, str], str]) -> list[Route]:
    """Without the routes whose canary raised the alarm; `alarms` is by (`profile/context`, model), to why."""
    out = []
    for route in table:
        why = alarms.get((f"{route.profile}/{route.context}", route.model or "")) if route.applied else None
        out.append(route if why is None else kept(route, ladder, f"canary: {why}"))
    return out


def fast_enough(
    routes: Sequence[Route],
    assigned: pl.DataFrame,
    plans: Sequence[RoutePlan],
    ladder: Ladder,
    known: Samples,
    bounds: Mapping[str, float],
) -> list[Route]:
    """Without the routes whose own p95 under the table is known to pass their profile's bound (`*`: any profile's)."""
    if not bounds:
        return list(routes)
    proposed = proposed_latency(assigned, plans, np.random.default_rng(0), known)
    return not_too_slow(routes, proposed, ladder, bounds)


def not_too_slow(
    routes: Sequence[Route], proposed: Mapping[str, Latency], ladder: Ladder, bounds: Mapping[str, float]
) -> list[Route]:
    """As `fast_enough`, for latencies that are known already."""
    out = []
    for route in routes:
        bound = bounds.get(route.profile, bounds.get("*"))
        own = {f"{route.profile}/{route.context}": proposed.get(f"{route.profile}/{route.context}")}
        known = {name: latency for name, latency in own.items() if latency is not None}
        slow = route.applied and bound is not None and too_slow(known, route.profile, bound)
        out.append(kept(route, ladder, f"latency: p95 would pass {bound:,.0f} ms") if slow else route)
    return out


def within_limits(
    routes: Sequence[Route],
    assigned: pl.DataFrame,
    plans: Sequence[RoutePlan],
    ladder: Ladder,
    limits: Limits,
    overheads: Overheads,
    today: CapacityUse | None = None,
) -> list[Route]:
    """Without the routes to models that would refuse calls under the table, and more of them than today.

    `today` is the log's own calls replayed, where that has been done already.
    """
    if not limits.limits:
        return list(routes)
    before = dict((today or todays_use(assigned, limits)).refused_by_limit)
    proposed = proposed_use(assigned, plans, overheads, limits)
    over = {ref for ref, share in proposed.refused_by_limit if share > max(REFUSED, before.get(ref, 0.0))}
    barred = {limit.ref for limit in limits.limits if limit.ref in over}
    out = []
    for route in routes:
        limit = limits.of(route.model) if route.applied and route.model else None
        broken = limit is not None and limit.ref in barred
        out.append(
            kept(route, ladder, f"limits: {limit.ref} would refuse calls") if limit and broken else route
        )
    return out


def todays_use(frame: pl.DataFrame, limits: Limits) -> CapacityUse:
    """The log's own calls, replayed through the limits."""
    return replay(calls_of(frame, model="incumbent"), limits, "today")


def proposed_use(
    assigned: pl.DataFrame, plans: Sequence[RoutePlan], overheads: Overheads, limits: Limits
) -> CapacityUse:
    """The table's calls, replayed through the limits."""
    calls = calls_of(assigned, plans=plans, overheads=overheads, rng=np.random.default_rng(0))
    return replay(calls, limits, "proposed")
