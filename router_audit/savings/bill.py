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

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from router_audit.savings.matrix import cold, cost_matrix, exact_sum, one_off, tokens
from router_audit.savings.mix import UNROUTED
from router_audit.savings.reprice import usd
from router_audit.types.money import Bill, Overheads, Rate, RoutePlan

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from router_audit.savings.matrix import Factor, Floats, Tokens
    from router_audit.types.price import ModelPrice

SUMS = ("incumbent", "routed", "cache_lost", "confidence", "escalated", "canary")
"""Per request, in pico-USD: the first four as they are, the last two as if every request had one."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What each priced request costs in every role it may play."""

    frame: pl.DataFrame
    """Of the priced requests: `route`, `moved`, `checked`, `session_id`, `started_at`, and one Float64 column
    of whole pico-USD for each of `SUMS`."""
    unpriced: int


def costs(
    frame: pl.DataFrame,
    plans: Iterable[RoutePlan],
    prices: Mapping[str, ModelPrice],
    overheads: Overheads,
    factor: Factor | None = None,
) -> Costs:
    """Price a frame that `mix.assign` has been over. `prices` knows every model that it names."""
    checked = [plan.key for plan in plans if plan.checked]
    known = tokens(frame)
    own = frame["incumbent"].to_physical() if frame["incumbent"].dtype == pl.Enum else frame["incumbent"]
    priced = known.counted & own.is_not_null().to_numpy()
    rows = np.flatnonzero(priced)
    known = known.take(rows)
    work = frame.select(
        "route", "moved", "cold", "incumbent", "assigned", "escalate_to", "session_id", "started_at"
    )
    work = work[rows]
    moved, chilled = work["moved"].to_numpy(), work["cold"].to_numpy()
    incumbent = _at_own(known, work["incumbent"], prices, None)
    routed = np.where(moved, 0.0, incumbent)
    _fill(routed, known, work["assigned"], np.flatnonzero(moved), prices, factor)
    cache_lost = np.zeros_like(routed)
    _fill(cache_lost, known, work["assigned"], np.flatnonzero(chilled), prices, factor, how="cold")
    cache_lost[chilled] -= routed[chilled]
    escalated = np.zeros_like(routed)
    _fill(
        escalated,
        known,
        work["escalate_to"],
        np.flatnonzero(moved & work["escalate_to"].is_not_null().to_numpy()),
        prices,
        factor,
        how="one-off",
    )
    canary = np.zeros_like(routed)
    if overheads.premium is not None:
        premium = pl.Series([overheads.premium]).new_from_index(0, work.height)
        _fill(canary, known, premium, np.flatnonzero(moved), prices, factor, how="one-off")
    asked = moved & work["route"].is_in(checked).to_numpy()
    per_check = {ref: price.rates.filled()[1] * overheads.confidence_tokens for ref, price in prices.items()}
    confidence = np.zeros_like(routed)
    if asked.any():
        stated = (
            work["assigned"].cast(pl.String).replace_strict(per_check, default=0, return_dtype=pl.Float64)
        )
        confidence = np.where(asked, stated.to_numpy(), 0.0)
    values = (incumbent, routed, cache_lost, confidence, escalated, canary)
    return Costs(
        work.select("route", "moved", "session_id", "started_at").with_columns(
            pl.Series(name, value) for name, value in zip(SUMS, values, strict=True)
        ),
        int(frame.height - rows.size),
    )


def _at_own(
    known: Tokens, models: pl.Series, prices: Mapping[str, ModelPrice], factor: Factor | None
) -> Floats:
    out = np.zeros(known.counts.shape[1])
    _fill(out, known, models, np.arange(out.size), prices, factor)
    return out


def _fill(
    out: Floats,
    known: Tokens,
    models: pl.Series,
    rows: Floats | np.ndarray[tuple[int], np.dtype[np.int64]],
    prices: Mapping[str, ModelPrice],
    factor: Factor | None,
    how: str = "warm",
) -> None:
    """Put the cost of each of `rows` at the model its row names into `out`."""
    if rows.size == 0:
        return
    shape = {"warm": lambda price: price, "cold": cold, "one-off": one_off}[how]
    chosen = pl.DataFrame({"row": rows, "model": models[rows].cast(pl.String)})
    for (model,), part in chosen.group_by("model", maintain_order=True):
        if model in prices:
            found = part["row"].to_numpy()
            out[found] = cost_matrix(known.take(found), [shape(prices[str(model)])], factor)[0]


def bills(found: Costs, plans: Iterable[RoutePlan], overheads: Overheads) -> dict[str, Bill]:
    """Each route's bill over the window, exact but for the rates; the whole is their sum."""
    by_key = {plan.key: plan for plan in plans}
    out: dict[str, Bill] = {}
    for (route,), part in found.frame.group_by("route", maintain_order=True):
        sums = {name: usd(exact_sum(part[name].to_numpy())) for name in SUMS}
        plan = by_key.get(str(route))
        up = plan.escalation.mean if plan else Decimal(0)
        regret = plan.regret if plan else Rate()
        stays = sums["incumbent"] - usd(exact_sum(part.filter(~pl.col("moved"))["incumbent"].to_numpy()))
        out[str(route)] = Bill(
            incumbent=sums["incumbent"],
            routed=sums["routed"],
            classifier=Decimal(0) if route == UNROUTED else overheads.classifier_usd * part.height,
            confidence=sums["confidence"],
            escalation=up * sums["escalated"],
            canary=overheads.canary_share * sums["canary"],
            cache_lost=sums["cache_lost"],
            redone=overheads.redone_share * regret.mean * (1 - up) * stays
            if overheads.redone_share
            else Decimal(0),
        )
    return dict(sorted(out.items()))
