"""How sure the saving is: a studentised bootstrap over sessions, with the rates redrawn from their posteriors.

A resample draws sessions with replacement (days, hours or minutes where traffic has no sessions), as many as
a Poisson draw says, and one escalation and one regret rate per route from their Beta posteriors. Bills are
skewed: a log that missed the few dear sessions looks both cheaper and surer than it is. So each resample is
judged by its own standard error, t* = (s* - s) / se*, and the saving may be s - t* se: the bootstrap-t of Efron
and Tibshirani (1993, chapter 12), which corrects for that where percentiles do not. With fewer than 20 units
there is no standard error to speak of: then percentiles are spread about the point by t(n - 1) / z *
sqrt(n / (n - 1)) (Hesterberg 2015). More than 4,096 sessions are dealt at random into that many equal heaps,
whose sums vary as the sessions' do, so that the work no longer grows with the log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from router_audit.types.money import Interval, Overheads, Rate, RoutePlan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from router_audit.savings.bill import Costs
    from router_audit.savings.matrix import Floats

HEAPS = 4096
RESAMPLES = 1000
ALL = "all"
"""The name of the sum of all routes among the draws."""
_FEWEST_BLOCKS = 14
_FEWEST_FOR_T = 20
_USD = 1e-12
_Z95 = 1.6448536269514722
_T95 = {1: 6.3138, 2: 2.9200, 3: 2.3534}


@dataclass(frozen=True, slots=True)
class Draws:
    """The resamples, over the window."""

    saving: dict[str, Floats]
    """Of each route, and of `ALL` of them, in USD: what the saving may be."""
    regrets: dict[str, Floats]
    """Of each route whose regret some trial speaks of."""
    resampled: str

    def interval(self, point: float, months: float, route: str) -> Interval:
        """In USD per month; it always contains its point, given over the window."""
        drawn = self.saving[route] / months
        low, middle, high = (float(v) for v in np.percentile(drawn, (5, 50, 95)))
        at = point / months
        return Interval(min(low, at), middle, max(high, at), float((drawn > 0).mean()))

    def regrets_per_month(self, route: str, months: float) -> tuple[float, float, float] | None:
        """Percentiles 5, 50, 95 of one route's regrets; None where no trial says anything of them."""
        if route not in self.regrets:
            return None
        low, middle, high = np.percentile(self.regrets[route] / months, (5, 50, 95))
        return float(low), float(middle), float(high)


@dataclass(frozen=True, slots=True)
class _Part:
    """One kind of unit, resampled: columns are routes, then their sum."""

    total: Floats
    resampled: Floats
    """(resamples, routes + 1)."""
    error: Floats
    errors: Floats
    """Squared standard errors: of the log, and of each resample."""
    units: int
    said: str


def draw(
    found: Costs,
    plans: Sequence[RoutePlan],
    overheads: Overheads,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> Draws:
    """Resample the costs of a log. The same generator state gives the same draws."""
    by_key = {plan.key: plan for plan in plans}
    routes = sorted(found.frame["route"].unique().to_list())
    frame = _at_mean_rates(found.frame, by_key, overheads)
    sessions = frame.filter(pl.col("session_id").is_not_null())
    others = frame.filter(pl.col("session_id").is_null())
    units, name = _blocks(others)
    parts = [
        _resampled(part, key, said, routes, rng, resamples, varies=said == "sessions")
        for part, key, said in ((sessions, pl.col("session_id"), "sessions"), (others, units, name))
        if part.height
    ]
    total = np.sum([part.total for part in parts], axis=0)
    moved = np.sum([part.resampled for part in parts], axis=0) - total
    count = sum(part.units for part in parts)
    if count < _FEWEST_FOR_T:
        drawn = total + moved * _spread(count)
    else:
        error = np.sqrt(np.sum([part.error for part in parts], axis=0))
        errors = np.sqrt(np.sum([part.errors for part in parts], axis=0))
        drawn = total - np.divide(moved, errors, out=np.zeros_like(moved), where=errors > 0) * error
    sums = found.frame.group_by("route").agg(
        pl.col("escalated").sum(),
        pl.col("incumbent").filter("moved").sum().alias("kept"),
        pl.col("moved").sum(),
    )
    at_stake = {route: (up * _USD, kept * _USD, count) for route, up, kept, count in sums.iter_rows()}
    regrets: dict[str, Floats] = {}
    for n, route in enumerate(routes):
        if route not in by_key:
            continue
        plan, (up, kept, requests) = by_key[route], at_stake[route]
        escalates, fails = _drawn(plan.escalation, rng, resamples), _drawn(plan.regret, rng, resamples)
        swing = (escalates - float(plan.escalation.mean)) * up
        again = fails * (1 - escalates) - float(plan.regret.mean) * (1 - float(plan.escalation.mean))
        swing = swing + float(overheads.redone_share) * again * kept
        drawn[:, n] -= swing
        drawn[:, -1] -= swing
        if plan.regret.trials:
            regrets[route] = fails * (1 - escalates) * requests
    saving = {route: drawn[:, n] for n, route in enumerate([*routes, ALL])}
    return Draws(saving, regrets, " and ".join(part.said for part in parts))


def _drawn(rate: Rate, rng: np.random.Generator, resamples: int) -> Floats:
    a, b = rate.beta
    return rng.beta(a, b, resamples) if a > 0 else np.zeros(resamples)


def _at_mean_rates(
    frame: pl.DataFrame, by_key: Mapping[str, RoutePlan], overheads: Overheads
) -> pl.DataFrame:
    """The frame with `saving`, each request's part of the saving in pico-USD at the posterior means."""
    up = {key: float(plan.escalation.mean) for key, plan in by_key.items()}
    again = {
        key: float(overheads.redone_share * plan.regret.mean * (1 - plan.escalation.mean))
        for key, plan in by_key.items()
    }

    def rate(of: Mapping[str, float]) -> pl.Expr:
        return pl.col("route").replace_strict(of, default=0.0, return_dtype=pl.Float64)

    routed = pl.col("route").is_in(list(by_key))
    saving = (
        pl.col("incumbent")
        - pl.col("routed")
        - pl.col("cache_lost")
        - pl.col("confidence")
        - pl.col("canary") * float(overheads.canary_share)
        - pl.when(routed).then(float(overheads.classifier_usd) / _USD).otherwise(0.0)
        - pl.col("escalated") * rate(up)
        - pl.when("moved").then(pl.col("incumbent") * rate(again)).otherwise(0.0)
    )
    return frame.select("route", "session_id", "started_at", saving.alias("saving"))


def _spread(units: int) -> float:
    """t(0.95; n - 1) / z(0.95) * sqrt(n / (n - 1)); the quantile of t by its Cornish-Fisher expansion."""
    if units < 2:
        return 1.0
    v, z = units - 1, _Z95
    t = _T95.get(v) or z + (z**3 + z) / (4 * v) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
    return float(t / z * np.sqrt(units / v))


def _blocks(frame: pl.DataFrame) -> tuple[pl.Expr, str]:
    """What to resample where there is no session: the longest of day, hour, minute that gives 14 or more."""
    time = pl.col("started_at")
    for every, name in (("1d", "days"), ("1h", "hours")):
        if frame.select(time.dt.truncate(every).n_unique()).item() >= _FEWEST_BLOCKS:
            return time.dt.truncate(every), name
    if frame.height and frame["started_at"].null_count() == frame.height:
        return pl.int_range(pl.len()), "requests"
    return time.dt.truncate("1m"), "minutes"


def _resampled(
    part: pl.DataFrame,
    key: pl.Expr,
    said: str,
    routes: Sequence[str],
    rng: np.random.Generator,
    resamples: int,
    *,
    varies: bool,
) -> _Part:
    """Draw units with replacement; where their number varies, a Poisson draw says how many.

    The squared error of a sum of a Poisson number of units is the sum of their squares, that of a fixed number
    the sum of squares about the mean.
    """
    code = {route: n for n, route in enumerate(routes)}
    sums = (
        part.select(
            key.alias("_unit"),
            pl.col("route").replace_strict(code, return_dtype=pl.UInt32).alias("_route"),
            "saving",
        )
        .group_by("_unit", "_route")
        .agg(pl.col("saving").sum() * _USD)
        .sort("_unit", "_route")
    )
    unit = sums["_unit"].rle_id().to_numpy()
    units = int(unit[-1]) + 1
    heaps = min(units, HEAPS)
    heap = (rng.permutation(units) % heaps)[unit]
    value, column = sums["saving"].to_numpy(), sums["_route"].to_numpy()
    table, squares = np.zeros((heaps, len(routes) + 1)), np.zeros((heaps, len(routes) + 1))
    np.add.at(table, (heap, column), value)
    np.add.at(squares, (heap, column), value**2)
    table[:, -1] = table[:, :-1].sum(axis=1)
    whole = np.bincount(unit, weights=value)
    first = np.searchsorted(unit, np.arange(units))
    squares[:, -1] = np.bincount(heap[first], weights=whole**2, minlength=heaps)
    weights = rng.multinomial(heaps, np.full(heaps, 1 / heaps), size=resamples).astype(np.float64)
    if varies:
        weights *= (rng.poisson(units, resamples) / units)[:, None]
    total, resampled = table.sum(axis=0), weights @ table
    error, errors = squares.sum(axis=0), weights @ squares
    if not varies:
        error, errors = error - total**2 / units, errors - resampled**2 / units
    return _Part(total, resampled, np.maximum(error, 0), np.maximum(errors, 0), units, f"{units} {said}")
