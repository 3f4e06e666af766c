"""The whole projection in one call: assign, price, add up, resample."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from router_audit.savings.bill import bills, ledger, mix_costs
from router_audit.savings.interval import ALL, RESAMPLES, draw, resample
from router_audit.savings.mix import arrivals
from router_audit.savings.reprice import window
from router_audit.types.money import Bill, Interval, Overheads, RoutePlan, RouteSaving, Saving

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from router_audit.savings.bill import Costs, Ledger
    from router_audit.savings.interval import Resamples
    from router_audit.savings.matrix import Factor
    from router_audit.savings.mix import Arrivals
    from router_audit.savings.reprice import Window
    from router_audit.types.price import ModelPrice


@dataclass(frozen=True, slots=True)
class Basis:
    """A priced log, ready to be projected under any routes: what does not depend on them, worked out once."""

    arrivals: Arrivals
    book: Ledger
    drawn: Resamples
    seen: Window

    def costs(self, assigned: pl.DataFrame, plans: Sequence[RoutePlan], overheads: Overheads) -> Costs:
        """What `arrivals.under(plans)` costs."""
        return mix_costs(self.book, assigned, plans, overheads)

    def saving(self, found: Costs, plans: Sequence[RoutePlan], overheads: Overheads) -> Saving:
        """The saving of costs, which do not depend on the canary's share."""
        return _projected(found, self.seen, plans, overheads, self.drawn)


def basis(
    frame: pl.DataFrame,
    prices: Mapping[str, ModelPrice],
    factor: Factor | None = None,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Basis:
    """What `project` rests on; needs what it needs."""
    book = ledger(frame, prices, factor)
    return Basis(arrivals(frame, prices), book, resample(book.units, seed, resamples), window(frame))


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
    on = basis(frame, prices, factor, seed=seed, resamples=resamples)
    assigned = on.arrivals.under(plans, sticky=sticky)
    return on.saving(on.costs(assigned, plans, overheads), plans, overheads)


def _projected(
    found: Costs,
    seen: Window,
    plans: Sequence[RoutePlan],
    overheads: Overheads,
    drawn: Resamples,
) -> Saving:
    months = seen.months
    by_route = bills(found, plans, overheads)
    if not by_route:
        return empty(found.unpriced, seen.note)
    draws = draw(found, plans, overheads, drawn)
    plan_of = {plan.key: plan for plan in plans}
    routes = tuple(
        RouteSaving(
            route=route,
            model=plan_of[route].model if route in plan_of else None,
            status=plan_of[route].status if route in plan_of else "keep-incumbent",
            requests=found.requests[route],
            moved=found.moves[route],
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
