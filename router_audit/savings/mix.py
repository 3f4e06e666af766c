"""Which model serves each request under a set of routes, with sticky sessions and cold caches.

Sticky (the default): within a session the model in use never becomes cheaper again, so that a cache goes cold
at most once per rung. A session moves up when a request's route asks for a dearer model, and stays there. No
request is moved to a dearer model than its own, or to one whose context window it does not fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from router_audit.types.money import RoutePlan
    from router_audit.types.price import ModelPrice

    Codes = NDArray[np.int32]
    Flags = NDArray[np.bool_]

UNROUTED = "unrouted"
"""The route of a request whose profile is not known, or has no plan: it keeps its model."""

NONE = -1
"""The code of no model."""


def ranks(prices: Mapping[str, ModelPrice]) -> dict[str, int]:
    """Models from cheapest to dearest by the blended price; ties by name."""
    order = sorted(prices, key=lambda ref: (prices[ref].blended_mtok, ref))
    return {ref: rank for rank, ref in enumerate(order)}


def next_rungs(plans: Iterable[RoutePlan]) -> dict[str, str]:
    """Where an answer of each model escalates to, read off the plans."""
    return {plan.model: plan.escalate_to for plan in plans if plan.model and plan.escalate_to}


def codes(values: pl.Series, names: Sequence[str]) -> Codes:
    """Each value's place among `names`; `NONE` where it is null or not there."""
    places = {name: place for place, name in enumerate(names)}
    found = values.cast(pl.String).replace_strict(places, default=NONE, return_dtype=pl.Int32)
    return found.fill_null(NONE).to_numpy()


@dataclass(frozen=True, slots=True)
class Arrivals:
    """A log as any set of routes meets it: what does not depend on the routes, worked out once."""

    frame: pl.DataFrame
    models: tuple[str, ...]
    """Cheapest first; a model's code is its place."""
    holds: NDArray[np.float64]
    """Each model's context window in tokens; infinite where it is not known."""
    cells: tuple[str, ...]
    """Distinct `profile/context`; the last stands for requests that have none."""
    cell: Codes
    own: Codes
    """Each request's incumbent."""
    given: NDArray[np.int64]
    """Input tokens."""
    order: NDArray[np.int64]
    """Requests by session (or what else shares a cache), each in order of time."""
    session: NDArray[np.int64]
    """In that order, ascending."""

    def under(self, plans: Iterable[RoutePlan], *, sticky: bool = True) -> pl.DataFrame:
        """The log under those routes: see `assign`."""
        plans = list(plans)
        places = {name: place for place, name in enumerate(self.models)}
        up = {
            places[low]: places[high]
            for low, high in next_rungs(plans).items()
            if {low, high} <= places.keys()
        }
        by_key = {plan.key: plan for plan in plans}
        planned = [by_key.get(cell) for cell in self.cells]
        target = np.array(
            [places.get((plan.model if plan else None) or "", NONE) for plan in planned], np.int32
        )
        window = np.where(target == NONE, np.inf, self.holds[target])
        wanted = target[self.cell]
        moves = (wanted != NONE) & (wanted < self.own) & (self.given <= window[self.cell])
        want = np.where(moves, wanted, self.own)
        cold = np.zeros(want.size, np.bool_)
        if moves.any():
            want, cold = self._in_order(want, sticky=sticky)
        moved = want != self.own
        next_up = np.full(len(self.models) + 1, NONE, np.int32)
        next_up[list(up)] = list(up.values())
        routes = pl.Series([UNROUTED if plan is None else plan.key for plan in planned], dtype=pl.String)
        added = (
            routes.gather(self.cell).alias("route"),
            self._named("assigned", want),
            self._named("escalate_to", np.where(moved, next_up[want], NONE)),
            pl.Series("moved", moved),
            pl.Series("cold", cold),
        )
        return self.frame.drop([s.name for s in added if s.name in self.frame.columns]).hstack(list(added))

    def _named(self, name: str, code: Codes) -> pl.Series:
        names = pl.Series(name, [*self.models, None], dtype=pl.Enum(self.models))
        return names.gather(np.where(code == NONE, len(self.models), code))

    def _in_order(self, want: Codes, *, sticky: bool) -> tuple[Codes, Flags]:
        """Walk each session in order of time: the models in use, sticky or not, and where their caches are cold.

        A request is cold where it is its cache's first on its model, unless it stays and was the first there in
        the log too. One that stays is cold as well when its session was away on another model before it.
        """
        own, want, session = self.own[self.order], want[self.order], self.session
        if sticky:
            # Sessions ascend, so a running maximum of session * models + model starts anew with each of them.
            models = len(self.models) + 1
            highest = np.maximum.accumulate(session * models + want + 1) - session * models - 1
            named = self.frame["session_id"].is_not_null().to_numpy()[self.order]
            stays = np.minimum(highest, own).astype(np.int32)
            want = np.where(named & (own >= 0) & (self.given[self.order] <= self.holds[stays]), stays, want)
        cold = _firsts(session, want) & ~(_firsts(session, own) & (want == own)) & (want >= 0)
        out_want, out_cold = np.empty_like(want), np.empty_like(cold)
        out_want[self.order], out_cold[self.order] = want, cold
        return out_want, out_cold


def arrivals(frame: pl.DataFrame, prices: Mapping[str, ModelPrice]) -> Arrivals:
    """Needs `profile`, `context`, `incumbent` (`provider/model`, null where unpriced), `session_id`, `started_at`.

    Where traffic names no session, a cache is shared by the requests of one `template_id` (if the column is
    there) on one day.
    """
    models = tuple(ranks(prices))
    windows = [prices[ref].context_window for ref in models]
    cell = frame.select(pl.concat_str("profile", "context", separator="/")).to_series()
    cells = cell.drop_nulls().unique().sort().to_list()
    place = codes(cell, cells)
    cache = frame.select(_cache_key(frame).hash(0).rank("dense")).to_series().to_numpy().astype(np.int64)
    when = frame["started_at"].cast(pl.Datetime("us")).to_physical().fill_null(-1).to_numpy()
    order = np.lexsort((when, cache))
    return Arrivals(
        frame=frame,
        models=models,
        holds=np.array([*(np.inf if window is None else window for window in windows), np.inf]),
        cells=(*cells, ""),
        cell=np.where(place == NONE, len(cells), place),
        own=codes(frame["incumbent"], models),
        given=frame["input_tokens"].cast(pl.Int64).fill_null(0).to_numpy(),
        order=order,
        session=cache[order],
    )


def assign(
    frame: pl.DataFrame,
    plans: Iterable[RoutePlan],
    prices: Mapping[str, ModelPrice],
    *,
    sticky: bool = True,
) -> pl.DataFrame:
    """The frame with `route`, `assigned`, `escalate_to`, `moved` and `cold`, rows in their order.

    What the frame needs is what `arrivals` needs.
    """
    return arrivals(frame, prices).under(plans, sticky=sticky)


def _firsts(session: NDArray[np.int64], model: Codes) -> Flags:
    """Where a model is seen for the first time in its session; sessions ascend."""
    out = np.zeros(model.size, np.bool_)
    for code in np.unique(model):
        rows = np.flatnonzero(model == code)
        of = session[rows]
        out[rows[np.concatenate(([True], of[1:] != of[:-1]))]] = True
    return out


def _cache_key(frame: pl.DataFrame) -> pl.Expr:
    day = pl.col("started_at").cast(pl.Date).cast(pl.String).fill_null("")
    template = pl.col("template_id").fill_null("") if "template_id" in frame.columns else pl.lit("")
    shared = pl.concat_str(pl.lit("\0"), template, pl.lit("\0"), day)
    return pl.coalesce("session_id", shared)
