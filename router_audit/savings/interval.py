"""How sure the saving is: a studentised bootstrap over sessions, with the rates redrawn from their posteriors.

A resample draws sessions with replacement (days, hours or minutes where traffic has no sessions), as many as
a Poisson draw says, and one escalation and one regret rate per route from their Beta posteriors. Bills are
skewed: a log that missed the few dear sessions looks both cheaper and surer than it is. So each resample is
judged by its own standard error, t* = (s* - s) / se*, and the saving may be s - t* se: the bootstrap-t of Efron
and Tibshirani (1993, chapter 12), which corrects for that where percentiles do not. With fewer than 20 units
there is no standard error to speak of: then the resamples' own sums are taken.

Neither sees a tail that the log has not, and that tail lies on the side to which sessions are skewed. How
little a log says of it is told by the relative variance of its squared error, r = sum x^4 / (sum x^2)^2 for
sessions that save x: 1 / r of them carry the spread, however many there are. On that side the draws are spread
about their median by t(n - 1) / z * sqrt(n / (n - 1)), the small-sample correction of percentiles (Hesterberg
2015), with n = 1 / 2r: half of them, since a sample understates its fourth moment as well. For even traffic
that is one. The other side is left as it is (with fewer than 20 units, corrected for their number).
More than 4,096 sessions are dealt at random into that
many equal heaps, whose sums vary as the sessions' do, so that the work no longer grows with the log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from router_audit.types.money import Interval, Overheads, Rate, RoutePlan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

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
class Units:
    """What is resampled of a log, and how it was: the same for every mix of models on it."""

    rows: NDArray[np.intp] | None
    """The requests that lie in these units; None where all do."""
    unit: NDArray[np.intp]
    """Of each of them, its unit."""
    heap: NDArray[np.intp]
    """Of each unit, its heap."""
    weights: Floats
    """(resamples, heaps): how often each heap was drawn."""
    varies: bool
    """Whether another log would have another number of units."""
    said: str

    @property
    def count(self) -> int:
        """How many units there are."""
        return int(self.heap.size)


@dataclass(frozen=True, slots=True)
class Resamples:
    """The units of a log drawn again, and where the generator stood after: rates are drawn from there."""

    units: tuple[Units, ...]
    state: Mapping[str, Any]
    size: int

    def rng(self) -> np.random.Generator:
        """A generator that draws on: the same rates each time."""
        found = np.random.default_rng()
        found.bit_generator.state = self.state
        return found


def resample(frame: pl.DataFrame, seed: int, resamples: int = RESAMPLES) -> Resamples:
    """Draw the units of a log's priced requests, given their `session_id` and `started_at`."""
    rng = np.random.default_rng(seed)
    named = frame["session_id"].is_not_null()
    found = []
    for part, sessions in ((named, True), (~named, False)):
        if not part.any():
            continue
        rows = None if part.all() else part.arg_true().to_numpy().astype(np.intp)
        here = frame if rows is None else frame[rows]
        key, said = (pl.col("session_id"), "sessions") if sessions else _blocks(here)
        unit = (here.select(key.rank("dense")).to_series().fill_null(0).cast(pl.Int64) - 1).to_numpy()
        found.append(_drawn_units(rows, unit, said, rng, resamples, varies=sessions))
    return Resamples(tuple(found), rng.bit_generator.state, resamples)


def _drawn_units(
    rows: NDArray[np.intp] | None,
    unit: NDArray[np.intp],
    said: str,
    rng: np.random.Generator,
    resamples: int,
    *,
    varies: bool,
) -> Units:
    """Draw units with replacement; where their number varies, a Poisson draw says how many."""
    unit = unit - unit.min()
    count = int(unit.max()) + 1
    heaps = min(count, HEAPS)
    heap = rng.permutation(count) % heaps
    drawn = rng.integers(0, heaps, size=(resamples, heaps)) + np.arange(resamples)[:, None] * heaps
    counted = np.bincount(drawn.ravel(), minlength=resamples * heaps)
    weights: Floats = counted.reshape(resamples, heaps).astype(np.float64)
    if varies:
        weights *= (rng.poisson(count, resamples) / count)[:, None]
    return Units(rows, unit, heap, weights, varies, f"{count} {said}")


@dataclass(frozen=True, slots=True)
class _Part:
    """The saving by one kind of unit: columns are routes, then their sum."""

    total: Floats
    resampled: Floats
    """(resamples, routes + 1)."""
    error: Floats
    errors: Floats
    """Squared standard errors: of the log, and of each resample."""
    third: Floats
    """Which way units are skewed, by its sign."""
    fourth: Floats
    """The variance of the log's squared error."""


def draw(found: Costs, plans: Sequence[RoutePlan], overheads: Overheads, drawn_units: Resamples) -> Draws:
    """What the saving may be. The same resamples give the same draws."""
    by_key = {plan.key: plan for plan in plans}
    saving_usd = _at_mean_rates(found, by_key, overheads)
    width = len(found.routes)
    parts = [_summed(units, saving_usd, found.route, width) for units in drawn_units.units]
    total = np.sum([part.total for part in parts], axis=0)
    moved = np.sum([part.resampled for part in parts], axis=0) - total
    error, third, fourth = (
        np.sum([getattr(part, name) for part in parts], axis=0) for name in ("error", "third", "fourth")
    )
    count = sum(units.count for units in drawn_units.units)
    if count < _FEWEST_FOR_T:
        drawn, even = total + moved, _spread(np.full_like(error, count))
    else:
        errors = np.sqrt(np.sum([part.errors for part in parts], axis=0))
        drawn = total - np.divide(moved, errors, out=np.zeros_like(moved), where=errors > 0) * np.sqrt(error)
        even = np.ones_like(error)
    carrying = np.divide(error**2, fourth, out=np.full_like(error, np.inf), where=fourth > 0)
    off = drawn - np.median(drawn, axis=0)
    skewed = np.maximum(_spread(carrying / 2), even)
    drawn += off * (np.where(off * third > 0, skewed, even) - 1)
    regrets: dict[str, Floats] = {}
    rng, resamples = drawn_units.rng(), drawn_units.size
    for n, route in enumerate(found.routes):
        if route not in by_key:
            continue
        plan, sums = by_key[route], found.totals[route]
        escalates, fails = _drawn(plan.escalation, rng, resamples), _drawn(plan.regret, rng, resamples)
        swing = (escalates - float(plan.escalation.mean)) * float(sums["escalated"])
        again = fails * (1 - escalates) - float(plan.regret.mean) * (1 - float(plan.escalation.mean))
        swing = swing + float(overheads.redone_share) * again * float(sums["left"])
        drawn[:, n] -= swing
        drawn[:, -1] -= swing
        if plan.regret.trials:
            regrets[route] = fails * (1 - escalates) * found.moves[route]
    saving = {route: drawn[:, n] for n, route in enumerate([*found.routes, ALL])}
    return Draws(saving, regrets, " and ".join(units.said for units in drawn_units.units))


def _drawn(rate: Rate, rng: np.random.Generator, resamples: int) -> Floats:
    a, b = rate.beta
    return rng.beta(a, b, resamples) if a > 0 else np.zeros(resamples)


def _at_mean_rates(found: Costs, by_key: Mapping[str, RoutePlan], overheads: Overheads) -> Floats:
    """Each request's part of the saving in USD, at the posterior means."""

    def rate(of: Callable[[RoutePlan], float]) -> Floats:
        return np.array([of(by_key[route]) if route in by_key else 0.0 for route in found.routes])

    value = found.values
    saving = value["incumbent"] - value["routed"]
    for term in ("cache_lost", "confidence"):
        saving -= value[term]
    saving -= value["canary"] * float(overheads.canary_share)
    saving -= rate(lambda _: float(overheads.classifier_usd) / _USD)[found.route]
    saving -= value["escalated"] * rate(lambda plan: float(plan.escalation.mean))[found.route]
    if overheads.redone_share:
        again = rate(
            lambda plan: float(overheads.redone_share * plan.regret.mean * (1 - plan.escalation.mean))
        )
        saving -= np.where(found.moved, value["incumbent"] * again[found.route], 0.0)
    saving *= _USD
    return saving


def _spread(units: Floats) -> Floats:
    """t(0.95; n - 1) / z(0.95) * sqrt(n / (n - 1)) for n units, at least two."""
    from scipy.special import stdtrit

    degrees = np.clip(units - 1, 1.0, 1e6)
    return np.asarray(stdtrit(degrees, 0.95) / _Z95 * np.sqrt((degrees + 1) / degrees), np.float64)


def _blocks(frame: pl.DataFrame) -> tuple[pl.Expr, str]:
    """What to resample where there is no session: the longest of day, hour, minute that gives 14 or more."""
    time = pl.col("started_at")
    for every, name in (("1d", "days"), ("1h", "hours")):
        if frame.select(time.dt.truncate(every).n_unique()).item() >= _FEWEST_BLOCKS:
            return time.dt.truncate(every), name
    if frame.height and frame["started_at"].null_count() == frame.height:
        return pl.int_range(pl.len()), "requests"
    return time.dt.truncate("1m"), "minutes"


def _summed(units: Units, saving_usd: Floats, route: NDArray[np.intp], routes: int) -> _Part:
    """The units' savings and their resampled sums.

    The squared error of a sum of a Poisson number of units is the sum of their squares, that of a fixed number
    the sum of squares about the mean; `fourth` is how that varies in turn.
    """
    if units.rows is not None:
        saving_usd, route = saving_usd[units.rows], route[units.rows]
    width, heaps = routes + 1, units.weights.shape[1]
    table, squares = np.zeros((heaps, width)), np.zeros((heaps, width))
    of = np.zeros((units.count, width))
    of[:, :-1] = np.bincount(
        units.unit * routes + route, weights=saving_usd, minlength=units.count * routes
    ).reshape(units.count, routes)
    of[:, -1] = of[:, :-1].sum(axis=1)
    for n in range(width):
        table[:, n] = np.bincount(units.heap, weights=of[:, n], minlength=heaps)
        squares[:, n] = np.bincount(units.heap, weights=of[:, n] ** 2, minlength=heaps)
    total, resampled = table.sum(axis=0), units.weights @ table
    error, errors = squares.sum(axis=0), units.weights @ squares
    off = of if units.varies else of - total / units.count
    third, fourth = (off**3).sum(axis=0), (off**4).sum(axis=0)
    if not units.varies:
        error, errors = error - total**2 / units.count, errors - resampled**2 / units.count
        fourth = fourth - error**2 / units.count
    return _Part(total, resampled, np.maximum(error, 0), np.maximum(errors, 0), third, np.maximum(fourth, 0))
