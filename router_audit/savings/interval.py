"""How sure the saving is: bootstrap over sessions, with the rates redrawn from their posteriors.

A resample draws sessions with replacement (days, hours or minutes where traffic has no sessions), as many as
a Poisson draw says, and one escalation and one regret rate per route from their Beta posteriors. More than
4,096 sessions are first dealt at random into that many equal heaps: a heap's variance is its sessions', so
the interval is the same to about two percent and the work no longer grows with the log. Percentiles are
spread about the point by t(n - 1) / z * sqrt(n / (n - 1)) (Hesterberg 2015, the expanded percentile
interval): plain ones are too narrow for few units.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from router_audit.types.money import Interval, Overheads, RoutePlan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from router_audit.savings.bill import Costs
    from router_audit.savings.matrix import Floats

HEAPS = 4096
RESAMPLES = 1000
_FEWEST_BLOCKS = 14
_USD = 1e-12
_Z95 = 1.6448536269514722
_T95 = {1: 6.3138, 2: 2.9200, 3: 2.3534}


@dataclass(frozen=True, slots=True)
class Draws:
    """The resamples: USD over the window, and regrets, each (resamples, routes)."""

    routes: tuple[str, ...]
    saving: Floats
    regrets: Floats
    spread: float
    """By how much percentiles are spread about the point."""
    resampled: str
    tried: frozenset[str]
    """Routes whose regret some trial speaks of."""

    def interval(
        self, points: Mapping[str, float], months: float, routes: Sequence[str] | None = None
    ) -> Interval:
        """Of the routes' sum (all of them by default), in USD per month; it always contains its point."""
        chosen = [n for n, route in enumerate(self.routes) if routes is None or route in routes]
        point = sum(points[self.routes[n]] for n in chosen) / months
        if not chosen:
            return Interval(0.0, 0.0, 0.0, 0.0)
        drawn = self.saving[:, chosen].sum(axis=1) / months
        drawn = point + (drawn - point) * self.spread
        low, middle, high = (float(v) for v in np.percentile(drawn, (5, 50, 95)))
        return Interval(min(low, point), middle, max(high, point), float((drawn > 0).mean()))

    def regrets_per_month(self, route: str, months: float) -> tuple[float, float, float] | None:
        """Percentiles 5, 50, 95 of one route's regrets; None where no trial says anything of them."""
        if route not in self.tried:
            return None
        drawn = self.regrets[:, self.routes.index(route)] / months
        low, middle, high = np.percentile(drawn, (5, 50, 95))
        return float(low), float(middle), float(high)


def draw(
    found: Costs,
    plans: Sequence[RoutePlan],
    overheads: Overheads,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> Draws:
    """Resample the costs of a log. The same generator state gives the same draws."""
    by_key = {plan.key: plan for plan in plans}
    routes = tuple(sorted(found.frame["route"].unique().to_list()))
    sessions = found.frame.filter(pl.col("session_id").is_not_null())
    others = found.frame.filter(pl.col("session_id").is_null())
    units, unit = _blocks(others)
    parts = [
        _resampled(part, key, routes, by_key, overheads, rng, resamples, varies=varies)
        for part, key, varies in ((sessions, pl.col("session_id"), True), (others, units, False))
        if part.height
    ]
    fixed, up, kept, count = (
        sum((part[n] for part in parts), np.zeros((resamples, len(routes)))) for n in range(4)
    )
    rates = {name: np.zeros((resamples, len(routes))) for name in ("escalation", "regret")}
    for n, route in enumerate(routes):
        if route in by_key:
            for name, drawn in rates.items():
                a, b = getattr(by_key[route], name).beta
                drawn[:, n] = rng.beta(a, b, resamples) if a > 0 else 0.0
    regret = rates["regret"] * (1 - rates["escalation"])
    saving = fixed - rates["escalation"] * up - float(overheads.redone_share) * regret * kept
    named = sessions["session_id"].n_unique() if sessions.height else 0
    blocks = others.select(units.n_unique()).item() if others.height else 0
    tried = frozenset(plan.key for plan in plans if plan.regret.trials)
    said = [f"{named} sessions"] * bool(named) + [f"{blocks} {unit}"] * bool(blocks)
    return Draws(routes, saving, regret * count, _spread(named + blocks), " and ".join(said), tried)


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
    routes: tuple[str, ...],
    by_key: Mapping[str, RoutePlan],
    overheads: Overheads,
    rng: np.random.Generator,
    resamples: int,
    *,
    varies: bool,
) -> tuple[Floats, Floats, Floats, Floats]:
    """Per resample and route: what no rate touches, then what the rates multiply.

    That is: second answers if all escalated, incumbents' cost of what was moved, and its count.
    """
    overhead = (
        pl.when(pl.col("route").is_in(list(by_key)))
        .then(float(overheads.classifier_usd) / _USD)
        .otherwise(0.0)
    )
    fixed = (
        pl.col("incumbent")
        - pl.col("routed")
        - pl.col("cache_lost")
        - pl.col("confidence")
        - pl.col("canary") * float(overheads.canary_share)
        - overhead
    )
    code = {route: n for n, route in enumerate(routes)}
    small = part.select(
        key.alias("_unit"),
        pl.col("route").replace_strict(code, return_dtype=pl.UInt32).alias("_route"),
        fixed.alias("fixed"),
        pl.col("escalated"),
        pl.when("moved").then("incumbent").otherwise(0.0).alias("kept"),
        pl.col("moved").cast(pl.Float64).alias("count"),
    )
    sums = (
        small.group_by("_unit", "_route")
        .agg(pl.col("fixed", "escalated", "kept", "count").sum())
        .sort("_unit", "_route")
    )
    unit = sums["_unit"].rle_id().to_numpy()
    units = int(unit[-1]) + 1
    heaps = min(units, HEAPS)
    dealt = rng.permutation(units) % heaps
    table = np.zeros((4, heaps, len(routes)))
    where = (dealt[unit], sums["_route"].to_numpy())
    for n, name in enumerate(("fixed", "escalated", "kept", "count")):
        np.add.at(table[n], where, sums[name].to_numpy() * (1.0 if name == "count" else _USD))
    weights = rng.multinomial(heaps, np.full(heaps, 1 / heaps), size=resamples).astype(np.float64)
    if varies:
        weights *= (rng.poisson(units, resamples) / units)[:, None]
    first, second, third, fourth = (weights @ table[n] for n in range(4))
    return first, second, third, fourth
