"""The whole projection in one call: assign, price, add up, resample."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from router_audit.savings.bill import bills, costs
from router_audit.savings.interval import ALL, RESAMPLES, draw
from router_audit.savings.mix import assign
from router_audit.savings.reprice import window
from router_audit.types.money import Bill, Interval, Overheads, RoutePlan, RouteSaving, Saving

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from router_audit.savings.bill import Costs
    from router_audit.savings.matrix import Factor
    from router_audit.types.price import ModelPrice


def project(
    frame: pl.DataFrame,
    plans: Sequence[RoutePlan],
    prices: Mapping[str, ModelPrice],
    overheads: Overheads,
    *,
    seed: int = 0,
    factor: Factor | None = None,
    sticky: bool = True,
    resamples: int = RESAMPLES,
) -> Saving:
    """The saving of those routes on this log, per month, with its interval.

    `frame` has the store's token columns, `service_tier`, `session_id`, `started_at`, `profile`, `context` and
    `incumbent`. `prices` knows every `provider/model` that the frame, the plans and the overheads name.
    """
    assigned = assign(frame, plans, prices, sticky=sticky)
    found = costs(assigned, plans, prices, overheads, factor)
    return projected(found, frame, plans, overheads, seed=seed, resamples=resamples)


def projected(
    found: Costs,
    frame: pl.DataFrame,
    plans: Sequence[RoutePlan],
    overheads: Overheads,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Saving:
    """As `project`, for costs that are known already; they do not depend on the canary's share."""
    seen = window(frame)
    months = seen.months
    by_route = bills(found, plans, overheads)
    if not by_route:
        return empty(found.unpriced, seen.note)
    draws = draw(found, plans, overheads, np.random.default_rng(seed), resamples)
    plan_of = {plan.key: plan for plan in plans}
    counts = {
        route: (total, moved)
        for route, total, moved in found.frame.group_by("route")
        .agg(pl.len().alias("n"), pl.col("moved").sum().alias("moved"))
        .rows()
    }
    routes = tuple(
        RouteSaving(
            route=route,
            model=plan_of[route].model if route in plan_of else None,
            status=plan_of[route].status if route in plan_of else "keep-incumbent",
            requests=counts[route][0],
            moved=counts[route][1],
            bill=bill,
            per_month=bill.times(1 / months),
            interval=draws.interval(float(bill.saving), float(months), route),
            regrets_per_month=draws.regrets_per_month(route, float(months)),
        )
        for route, bill in by_route.items()
    )
    total = sum((route.bill for route in routes), Bill())
    return Saving(
        routes=routes,
        bill=total,
        per_month=sum((route.per_month for route in routes), Bill()),
        interval=draws.interval(float(total.saving), float(months), ALL),
        months=months,
        certified_share=certified_share(routes),
        unpriced=found.unpriced,
        resampled=draws.resampled,
        note=seen.note,
    )


def certified_share(routes: Sequence[RouteSaving]) -> float:
    """The part of what routes save that certified routes save; routes that lose are left out of both."""
    gains = [(route.status, max(float(route.bill.saving), 0.0)) for route in routes]
    whole = sum(gain for _, gain in gains)
    return sum(gain for status, gain in gains if status == "certified") / whole if whole else 0.0


def empty(unpriced: int, note: str) -> Saving:
    """The saving of a log in which nothing can be priced."""
    nothing = Interval(0.0, 0.0, 0.0, 0.0)
    return Saving((), Bill(), Bill(), nothing, Decimal(1), 0.0, unpriced, "nothing", note)
