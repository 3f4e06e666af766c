"""The saving and its terms: DESIGN's formula, by route and whole.

saving = incumbents' bill - (routed + classifier + confidence checks + escalations + canary + cache lost)

* routed: each request at its assigned model, tokens rescaled to its tokenizer, its cache as warm as logged;
* cache lost: at a session's first request on a model, what was read from a cache is written instead:
  reads x (p_write - p_read);
* escalations: rate x the second answer, a single call without any cache; the first is in `routed`;
* canary: share x the premium tier's answer, likewise; only requests that were moved have one;
* confidence checks: a few output tokens of the routed model per checked request;
* classifier: a price per request, of every request that a route looks at.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from router_audit.savings.matrix import cold, cost_matrix, exact_sums, one_off, tokens
from router_audit.savings.mix import NONE, UNROUTED, codes, ranks
from router_audit.savings.reprice import usd
from router_audit.types.money import Bill, Overheads, Rate, RoutePlan

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from router_audit.savings.matrix import Factor, Floats, Ints, Tokens
    from router_audit.savings.mix import Codes
    from router_audit.types.price import ModelPrice

SUMS = ("incumbent", "routed", "cache_lost", "confidence", "escalated", "canary")
"""Per request, in pico-USD: the first four as they are, the last two as if every request had one."""


@dataclass(frozen=True, slots=True)
class Shapes:
    """What each request would cost on one model, in whole pico-USD."""

    warm: Floats
    """Its cache as warm as logged."""
    chill: Floats
    """What a cold cache adds."""
    one_off: Floats
    """A single call that finds no cache and leaves none."""


@dataclass(frozen=True)
class Ledger:
    """The priced requests of a log, and what each costs wherever it may go: worked out once, for any mix."""

    prices: Mapping[str, ModelPrice]
    models: tuple[str, ...]
    """Cheapest first; a model's code is its place."""
    rows: Ints | None
    """The priced requests' places in the log; None where all are."""
    units: pl.DataFrame
    """`session_id` and `started_at` of the priced requests."""
    known: Tokens
    own: Floats
    """At its incumbent, in whole pico-USD."""
    unpriced: int
    factor: Factor | None = None
    _seen: dict[str, Shapes] = field(default_factory=dict, repr=False, compare=False)

    @property
    def requests(self) -> int:
        """How many are priced."""
        return int(self.own.size)

    def at(self, ref: str) -> Shapes:
        """Every priced request on that model."""
        if ref not in self._seen:
            price = self.prices[ref]
            warm, chilled, single = cost_matrix(self.known, [price, cold(price), one_off(price)], self.factor)
            chilled -= warm
            self._seen[ref] = Shapes(warm, chilled, single)
        return self._seen[ref]

    def pick(self, column: pl.Series) -> pl.Series:
        """The priced requests of a column of the log."""
        return column if self.rows is None else column.gather(self.rows)

    def code(self, column: pl.Series) -> Codes:
        """The models that a column of the log names, of the priced requests."""
        if column.dtype == pl.Enum(self.models):
            return self.pick(column).to_physical().cast(pl.Int32).fill_null(NONE).to_numpy()
        return codes(self.pick(column), self.models)


def ledger(frame: pl.DataFrame, prices: Mapping[str, ModelPrice], factor: Factor | None = None) -> Ledger:
    """The ledger of a log. `prices` knows every model that it names and that a mix may name."""
    known = tokens(frame)
    priced = known.counted & frame["incumbent"].is_not_null().to_numpy()
    rows = None if priced.all() else np.flatnonzero(priced)
    if rows is not None:
        known = known.take(rows)
    own = np.zeros(known.input.size)
    incumbent = frame["incumbent"] if rows is None else frame["incumbent"].gather(rows)
    models = tuple(ranks(prices))
    code = codes(incumbent, models)
    for place in np.unique(code[code != NONE]):
        found = np.flatnonzero(code == place)
        own[found] = cost_matrix(known.take(found), [prices[models[place]]])[0]
    units = frame.select("session_id", "started_at")
    return Ledger(
        prices=prices,
        models=models,
        rows=rows,
        units=units if rows is None else units[rows],
        known=known,
        own=own,
        unpriced=frame.height - own.size,
        factor=factor,
    )


@dataclass(frozen=True, slots=True)
class Costs:
    """What each priced request costs in every role it may play under one mix."""

    routes: tuple[str, ...]
    """Sorted."""
    route: NDArray[np.intp]
    """Each request's place in `routes`."""
    moved: NDArray[np.bool_]
    values: Mapping[str, Floats]
    """Whole pico-USD per request, for each of `SUMS`."""
    totals: Mapping[str, Mapping[str, Decimal]]
    """By route: the exact sums in USD of `SUMS`, and `left`, the incumbents' cost of what was moved."""
    requests: Mapping[str, int]
    moves: Mapping[str, int]
    unpriced: int


def costs(
    frame: pl.DataFrame,
    plans: Iterable[RoutePlan],
    prices: Mapping[str, ModelPrice],
    overheads: Overheads,
    factor: Factor | None = None,
) -> Costs:
    """Price a frame that `mix.assign` has been over. `prices` knows every model that it names."""
    return mix_costs(ledger(frame, prices, factor), frame, plans, overheads)


def mix_costs(book: Ledger, frame: pl.DataFrame, plans: Iterable[RoutePlan], overheads: Overheads) -> Costs:
    """As `costs`, for a log whose ledger is known already; `frame` has the ledger's requests in their order."""
    checked = {plan.key for plan in plans if plan.checked}
    names = book.pick(frame["route"])
    routes = tuple(sorted(names.unique().to_list()))
    route = codes(names, routes).astype(np.intp)
    moved = book.pick(frame["moved"]).to_numpy()
    chilled = book.pick(frame["cold"]).to_numpy()
    assigned, above = book.code(frame["assigned"]), book.code(frame["escalate_to"])
    values = {name: np.zeros(book.requests) for name in SUMS}
    values["incumbent"] = book.own
    values["routed"][:] = book.own
    asked = moved & np.array([name in checked for name in routes], np.bool_)[route] if routes else moved
    for place in _used(assigned, moved | chilled):
        at, here = book.at(book.models[place]), assigned == place
        np.copyto(values["routed"], at.warm, where=here & moved)
        np.copyto(values["cache_lost"], at.chill, where=here & chilled)
        per_check = book.prices[book.models[place]].rates.filled()[1] * overheads.confidence_tokens
        values["confidence"][here & asked] = per_check
    for place in _used(above, moved):
        here = moved & (above == place)
        np.copyto(values["escalated"], book.at(book.models[place]).one_off, where=here)
    premium = overheads.premium
    if premium is not None and premium in book.prices and moved.any():
        np.copyto(values["canary"], book.at(premium).one_off, where=moved)
    sums = {name: exact_sums(value, route, len(routes)) for name, value in values.items()}
    sums["left"] = exact_sums(np.where(moved, book.own, 0.0), route, len(routes))
    requests = np.bincount(route, minlength=len(routes))
    moves = np.bincount(route[moved], minlength=len(routes))
    return Costs(
        routes=routes,
        route=route,
        moved=moved,
        values=values,
        totals={
            name: {term: usd(found[place]) for term, found in sums.items()}
            for place, name in enumerate(routes)
        },
        requests={name: int(count) for name, count in zip(routes, requests, strict=True)},
        moves={name: int(count) for name, count in zip(routes, moves, strict=True)},
        unpriced=book.unpriced,
    )


def _used(code: Codes, where: NDArray[np.bool_]) -> list[int]:
    found: list[int] = np.unique(code[where]).tolist()
    return [place for place in found if place != NONE]


def bills(found: Costs, plans: Iterable[RoutePlan], overheads: Overheads) -> dict[str, Bill]:
    """Each route's bill over the window, exact but for the rates; the whole is their sum."""
    by_key = {plan.key: plan for plan in plans}
    out: dict[str, Bill] = {}
    for route in found.routes:
        sums, plan = found.totals[route], by_key.get(route)
        up = plan.escalation.mean if plan else Decimal(0)
        regret = plan.regret if plan else Rate()
        out[route] = Bill(
            incumbent=sums["incumbent"],
            routed=sums["routed"],
            classifier=Decimal(0) if route == UNROUTED else overheads.classifier_usd * found.requests[route],
            confidence=sums["confidence"],
            escalation=up * sums["escalated"],
            canary=overheads.canary_share * sums["canary"],
            cache_lost=sums["cache_lost"],
            redone=overheads.redone_share * regret.mean * (1 - up) * sums["left"]
            if overheads.redone_share
            else Decimal(0),
        )
    return out
