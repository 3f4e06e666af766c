"""What other settings would give: tolerated regret, latency limit and canary share, each computed, none interpolated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from router_audit.capacity import proposed_latency
from router_audit.constraints import kept, not_too_slow, where_allowed, within_limits
from router_audit.plans import plans_of
from router_audit.savings.controls import economy_share
from router_audit.savings.document import interval_block, money2

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import polars as pl

    from router_audit.capacity import Samples
    from router_audit.plans import Trials
    from router_audit.savings.project import Basis
    from router_audit.types import Ladder, Route
    from router_audit.types.capacity import CapacityUse, Latency, Limits
    from router_audit.types.money import Overheads, RoutePlan, Saving

    Plans = tuple[RoutePlan, ...]

EPSILONS = (0.01, 0.02, 0.03, 0.05, 0.08, 0.1)
LATENCIES_MS = (500.0, 1_000.0, 2_000.0, 3_000.0, 5_000.0, 8_000.0, 12_000.0, 20_000.0, 30_000.0, 60_000.0)
CANARY_SHARES = (0.0, 0.01, 0.02, 0.05)


@dataclass(frozen=True, slots=True)
class Answer:
    """One table and its saving."""

    routes: tuple[Route, ...]
    saving: Saving
    economy: float
    """The economy tier's share of requests."""


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Every setting's answer."""

    epsilons: tuple[float, ...]
    latencies_ms: tuple[float | None, ...]
    """None is no limit."""
    canary_shares: tuple[float, ...]
    start: tuple[int, int, int]
    """The table's own setting, as places in the three lists above."""
    grid: tuple[tuple[tuple[int, ...], ...], ...]
    """By tolerated regret, latency limit and canary share: the place of the answer in `answers`."""
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """What stays as it is, and where the sliders stand."""

    basis: Basis
    known_waits: Samples
    today: CapacityUse | None
    ladder: Ladder
    trials: Trials
    limits: Limits
    overheads: Overheads
    bounds: Mapping[str, float]
    """Profile, or `*`, to the longest p95 it bears."""
    economy: Collection[str]
    epsilon: float


def epsilons(own: float) -> tuple[float, ...]:
    """The tolerated regrets of the slider: the usual ones and the table's own."""
    return tuple(sorted({*EPSILONS, own}))


def what_if(tables: Mapping[float, Sequence[Route]], setting: Setting) -> WhatIf | None:
    """Every combination's answer, settings that come to the same table computed once.

    `tables` holds, for each of `epsilons(setting.epsilon)`, the routes before regions, latencies and limits
    are heard. None where no setting moves a request: there is nothing to weigh.
    """
    if not any(route.applied for routes in tables.values() for route in routes):
        return None
    own_limit = setting.bounds.get("*")
    limits_ms: tuple[float | None, ...] = (
        *sorted({*LATENCIES_MS, *([own_limit] if own_limit is not None else [])}),
        None,
    )
    own_share = float(setting.overheads.canary_share)
    shares = tuple(sorted({*CANARY_SHARES, own_share}))
    settled = _Settled(setting, shares)
    grid = tuple(
        tuple(tuple(settled.place(tables[epsilon], limit, share) for share in shares) for limit in limits_ms)
        for epsilon in tables
    )
    return WhatIf(
        tuple(tables),
        limits_ms,
        shares,
        (list(tables).index(setting.epsilon), limits_ms.index(own_limit), shares.index(own_share)),
        grid,
        tuple(settled.answers),
    )


class _Settled:
    """Answers found so far, by what they come to.

    What a set of routes makes of the log is worked out once, for all canary shares, and let go: of a million
    requests a few such sets are all that a small machine holds.
    """

    def __init__(self, setting: Setting, shares: Sequence[float]) -> None:
        self.setting = setting
        self.shares = shares
        self.answers: list[Answer] = []
        self._places: dict[tuple[tuple[Route, ...], float], int] = {}
        self._planned: dict[tuple[Route, ...], Plans] = {}
        self._assigned: dict[Plans, pl.DataFrame] = {}
        self._fits: dict[tuple[tuple[Route, ...], Plans, float], list[Route]] = {}
        self._slow: dict[Plans, Mapping[str, Latency]] = {}
        self._saved: dict[Plans, tuple[dict[float, Saving], float]] = {}

    def place(self, table: Sequence[Route], limit_ms: float | None, share: float) -> int:
        """The place of the answer to one setting."""
        at = self.setting
        bounds = {name: bound for name, bound in at.bounds.items() if name != "*"}
        if limit_ms is not None:
            bounds["*"] = limit_ms
        routes = where_allowed(table, at.ladder, at.limits)
        plans = self._plans(routes)
        if bounds:
            routes = not_too_slow(routes, self._waits(plans), at.ladder, bounds)
        routes = self._fitting(tuple(routes), plans, share)
        key = (tuple(replace(route, reason="") for route in routes), share)
        if key not in self._places:
            savings, economy = self._savings(self._plans(routes))
            saving = savings[share]
            if saving.bill.saving < 0 and any(route.applied for route in table):
                held = [kept(route, at.ladder, "controls") if route.applied else route for route in table]
                self._places[key] = self.place(held, limit_ms, share)
                return self._places[key]
            self._places[key] = len(self.answers)
            self.answers.append(Answer(tuple(routes), saving, economy))
        return self._places[key]

    def _plans(self, routes: Sequence[Route]) -> Plans:
        key = tuple(routes)
        if key not in self._planned:
            self._planned[key] = plans_of(routes, self.setting.trials, self.setting.ladder)
        return self._planned[key]

    def _under(self, plans: Plans) -> pl.DataFrame:
        """The log under those plans; the two last asked for are kept."""
        if plans not in self._assigned:
            while len(self._assigned) > 1:
                del self._assigned[next(iter(self._assigned))]
            self._assigned[plans] = self.setting.basis.arrivals.under(plans)
        return self._assigned[plans]

    def _fitting(self, routes: tuple[Route, ...], plans: Plans, share: float) -> list[Route]:
        at, key = self.setting, (routes, plans, share)
        if not at.limits.limits:
            return list(routes)
        if key not in self._fits:
            self._fits[key] = within_limits(
                routes, self._under(plans), plans, at.ladder, at.limits, self._overheads(share), at.today
            )
        return self._fits[key]

    def _overheads(self, share: float) -> Overheads:
        return replace(self.setting.overheads, canary_share=Decimal(str(share)))

    def _waits(self, plans: Plans) -> Mapping[str, Latency]:
        if plans not in self._slow:
            rng = np.random.default_rng(0)
            self._slow[plans] = proposed_latency(self._under(plans), plans, rng, self.setting.known_waits)
        return self._slow[plans]

    def _savings(self, plans: Plans) -> tuple[dict[float, Saving], float]:
        """The saving at every canary share, and the economy tier's share."""
        at, used = self.setting, tuple(plan for plan in plans if plan.model is not None)
        if used not in self._saved:
            assigned = self._under(plans)
            found = at.basis.costs(assigned, plans, at.overheads)
            if used:
                savings = {
                    share: at.basis.saving(found, plans, self._overheads(share)) for share in self.shares
                }
            else:  # where nothing moves, nothing is watched
                savings = dict.fromkeys(self.shares, at.basis.saving(found, plans, at.overheads))
            self._saved[used] = (savings, economy_share(assigned, plans, at.economy).after)
        return self._saved[used]


def what_if_block(found: WhatIf | None, *, withheld: bool, options: str) -> dict[str, Any] | None:
    """As a table carries it, rounded as its own figures are; `options` are the words of the other settings."""
    if found is None:
        return None
    return {
        "epsilons": list(found.epsilons),
        "latencies_ms": list(found.latencies_ms),
        "canary_shares": list(found.canary_shares),
        "start": list(found.start),
        "options": options,
        "grid": [[list(shares) for shares in limits] for limits in found.grid],
        "answers": [_answer(answer, withheld=withheld) for answer in found.answers],
    }


def _answer(answer: Answer, *, withheld: bool) -> dict[str, Any]:
    saved = {route.route: route for route in answer.saving.routes}
    rows = []
    for route in answer.routes:
        if not route.requests:
            continue
        own = saved.get(f"{route.profile}/{route.context}")
        rows.append(
            {
                "profile": route.profile,
                "context": route.context,
                "model": route.model,
                "status": route.status,
                "applied": route.applied,
                "assumed": route.assumed,
                "threshold": route.threshold,
                "upper_bound": route.evidence.upper_bound
                if route.evidence and route.evidence.trials
                else None,
                "saving_usd": None if withheld or own is None or not own.moved else money2(own.interval.p50),
            }
        )
    return {
        "per_month_usd": interval_block(answer.saving.interval, withheld=withheld),
        "certified_share": round(answer.saving.certified_share, 4),
        "economy_share": round(answer.economy, 6),
        "routes": rows,
    }
