"""From routes to money: what limits, regions and latency forbid, what the rest saves, whether costs agree.

A part of `build-table`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from router_audit.capacity import by_model, calls_of, proposed_latency, replay, too_slow
from router_audit.policy import tier_of
from router_audit.pricing import STALE_AFTER_DAYS
from router_audit.pricing.incumbents import price_incumbents
from router_audit.pricing.limits import read_limits
from router_audit.pricing.tokenizers import read_tokenizers
from router_audit.savings import reprice
from router_audit.savings.controls import controls, economy_share
from router_audit.savings.document import (
    assumptions_block,
    capacity_block,
    controls_block,
    economics_block,
    latency_block,
    reconciliation_block,
    savings_block,
)
from router_audit.savings.economics import economics
from router_audit.savings.mix import assign
from router_audit.savings.project import project
from router_audit.savings.reconcile import TOLERANCE, against_invoice, against_log, withheld
from router_audit.types.capacity import Limits
from router_audit.types.money import ASSUMED_ESCALATION, NEVER, Overheads, Rate, RoutePlan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from router_audit.pricing import PriceBook
    from router_audit.pricing.tokenizers import Tokenizers
    from router_audit.stages.audited import Audited
    from router_audit.types import Ladder, Route, Trial
    from router_audit.types.capacity import CapacityUse, Latency
    from router_audit.types.money import Control, Economics, EconomyShare, Reconciliation, Saving
    from router_audit.types.price import ModelPrice

REFUSED = 0.01
"""A route is not used when more than this share of its model's calls would be refused."""


@dataclass(frozen=True, slots=True)
class MoneyOptions:
    """What a user may settle about money."""

    invoice_usd: Decimal | None = None
    invoice_month: date | None = None
    tolerance: Decimal = TOLERANCE
    limits: Path | None = None
    max_p95_ms: Mapping[str, float] | None = None
    """Profile to the longest p95 it bears; `*` is every profile."""
    tokenizers: Path | None = None
    canary_share: Decimal = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Money:
    """What a table does to the bill, to the limits and to the waiting."""

    routes: list[Route]
    """The routes, those that a limit, a region or a latency forbids kept at their incumbents."""
    saving: Saving
    controls: tuple[Control, ...]
    economics: tuple[Economics, ...]
    economy: EconomyShare
    checks: tuple[Reconciliation, ...]
    withheld: str
    """Why no headline may be printed; empty where the costs agree."""
    capacity: tuple[CapacityUse, ...]
    latency: tuple[Latency, ...]
    """Per model in the log, then per route under the table, then `all`."""
    overheads: Overheads
    plans: tuple[RoutePlan, ...]
    tokenizers: Tokenizers


def money(
    seen: Audited,
    table: Sequence[Route],
    ladder: Ladder,
    prices: Mapping[str, ModelPrice],
    tiers: Mapping[str, str],
    trials: Mapping[tuple[str, str], Sequence[Trial]],
    book: PriceBook,
    options: MoneyOptions,
) -> Money:
    """Everything section 6 of the design asks of a table, on the traffic under audit.

    `trials` is by (profile, context). Raises InputError on a limits or tokenizer file that cannot be used.
    """
    limits = read_limits(options.limits) if options.limits else Limits()
    tokenizers = read_tokenizers(options.tokenizers)
    frame = seen.frame.with_columns(
        pl.when(pl.col("price_key").is_in(list(prices))).then("price_key").alias("incumbent"),
        pl.col("conversation_id").alias("session_id"),
    )
    top = next((rung.ref for rung in ladder.models if rung.tier == ladder.tiers[-1]), None)
    overheads = Overheads(premium=top if top in prices else None, canary_share=options.canary_share)
    routes = _allowed(table, ladder, limits)
    plans = plans_of(routes, trials, ladder)
    assigned = assign(frame, plans, prices)
    routes = _fast_enough(routes, assigned, plans, ladder, _waits(trials), options.max_p95_ms or {})
    routes = _within(routes, assigned, plans, ladder, limits, overheads)
    plans = plans_of(routes, trials, ladder)
    assigned = assign(frame, plans, prices)
    saving = project(frame, plans, prices, overheads, factor=tokenizers.factor)
    economy = {ref for ref, tier in tiers.items() if tier == ladder.tiers[0]}
    rungs = [rung.ref for rung in ladder.models if rung.ref in prices]
    latency = proposed_latency(assigned, plans, np.random.default_rng(0), _waits(trials))
    checks = _checks(frame, book, options)
    return Money(
        routes=routes,
        saving=saving,
        controls=controls(
            assigned,
            saving,
            prices,
            cheapest=min(rungs, key=lambda ref: (prices[ref].blended_mtok, ref)),
            best_single=overheads.premium or rungs[-1],
            economy=economy,
            regrets=regrets(trials),
            rng=np.random.default_rng(0),
            factor=tokenizers.factor,
            latency=lambda mix: proposed_latency(mix, plans, np.random.default_rng(0), _waits(trials))["all"],
        ),
        economics=economics(frame, prices),
        economy=economy_share(assigned, plans, economy),
        checks=checks,
        withheld=withheld(checks),
        capacity=_capacity(assigned, plans, overheads, limits) if limits.limits else (),
        latency=(*by_model(frame), *latency.values()),
        overheads=overheads,
        plans=plans,
        tokenizers=tokenizers,
    )


def savings_content(found: Money) -> dict[str, Any]:
    """The `savings` block of the table."""
    return {
        **savings_block(found.saving, found.withheld),
        "assumptions": assumptions_block(found.overheads, found.plans, found.tokenizers.as_of),
        "controls": controls_block(found.controls),
        "economics": economics_block(found.economics, found.saving.months),
        "reconciliation": reconciliation_block(found.checks),
        "capacity": capacity_block(found.capacity),
        "latency": latency_block(found.latency),
    }


def money_notes(
    found: Money, book: PriceBook, ladder: Ladder, prices: Mapping[str, ModelPrice], on: date
) -> list[str]:
    """What a reader has to be told in words: a withheld headline, a stale list, changes that are coming."""
    notes = []
    if found.withheld:
        notes.append(f"No saving is stated: {found.withheld}.")
        notes += [f"- {line}" for check in found.checks if not check.holds for line in check.explanations]
    age = book.snapshot.age_days(on)
    if age > STALE_AFTER_DAYS:
        notes.append(f"The price list {book.snapshot.source} is {age} days older than the prices' date {on}.")
    for rung in ladder.models:
        for change in book.changes(prices[rung.ref], on) if rung.ref in prices else ():
            what = (
                "retires"
                if change.what == "retirement"
                else f"costs {change.input_mtok}/{change.output_mtok} per Mtok"
            )
            notes.append(f"{change.model} {what} from {change.on}.")
    return notes


def plans_of(
    routes: Sequence[Route], trials: Mapping[tuple[str, str], Sequence[Trial]], ladder: Ladder
) -> tuple[RoutePlan, ...]:
    """The routes with the rates that their trials show."""
    found = []
    for route in routes:
        tried = [t for t in trials.get((route.profile, route.context), ()) if t.candidate == route.model]
        stay = [t for t in tried if route.threshold <= 0 or (t.confidence or 0.0) >= route.threshold]
        escalation = Rate(len(tried) - len(stay), len(tried)) if tried else ASSUMED_ESCALATION
        economy = route.applied and route.tier == ladder.tiers[0]
        found.append(
            RoutePlan(
                profile=route.profile,
                context=route.context,
                model=route.model if route.applied else None,
                escalate_to=route.escalate_to,
                status=route.status,
                escalation=escalation if route.escalate_to else NEVER,
                regret=Rate(sum(t.regret for t in stay), len(stay)),
                checked=route.threshold > 0,
                held_back="" if economy else _held_back(route),
            )
        )
    return tuple(found)


def _held_back(route: Route) -> str:
    for word in ("region", "latency", "limits"):
        if route.reason.startswith(f"{word}:"):
            return word
    if route.applied:
        return f"proven only on {route.tier}" if not route.assumed else f"assumed on {route.tier}"
    if route.evidence is not None and route.evidence.trials:
        return (
            "refuted"
            if route.evidence.regrets > route.evidence.epsilon * route.evidence.trials
            else "unproven"
        )
    return "no evidence"


def regrets(trials: Mapping[tuple[str, str], Sequence[Trial]]) -> dict[tuple[str, str], Rate]:
    """(route, candidate) to the regret its trials show when every answer stays."""
    found: dict[tuple[str, str], Rate] = {}
    for (profile, context), tried in trials.items():
        for name in sorted({trial.candidate for trial in tried}):
            own = [trial for trial in tried if trial.candidate == name]
            found[f"{profile}/{context}", name] = Rate(sum(t.regret for t in own), len(own))
    return found


def _waits(
    trials: Mapping[tuple[str, str], Sequence[Trial]],
) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    found: dict[str, list[float]] = {}
    for trial in (trial for tried in trials.values() for trial in tried):
        if trial.candidate_latency_ms is not None:
            found.setdefault(trial.candidate, []).append(trial.candidate_latency_ms)
    return {name: np.array(values) for name, values in found.items()}


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


def _allowed(table: Sequence[Route], ladder: Ladder, limits: Limits) -> list[Route]:
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


def _fast_enough(
    routes: Sequence[Route],
    assigned: pl.DataFrame,
    plans: Sequence[RoutePlan],
    ladder: Ladder,
    waits: Mapping[str, np.ndarray[tuple[int], np.dtype[np.float64]]],
    bounds: Mapping[str, float],
) -> list[Route]:
    if not bounds:
        return list(routes)
    proposed = proposed_latency(assigned, plans, np.random.default_rng(0), waits)
    out = []
    for route in routes:
        bound = bounds.get(route.profile, bounds.get("*"))
        own = {f"{route.profile}/{route.context}": proposed.get(f"{route.profile}/{route.context}")}
        known = {name: latency for name, latency in own.items() if latency is not None}
        slow = route.applied and bound is not None and too_slow(known, route.profile, bound)
        out.append(kept(route, ladder, f"latency: p95 would pass {bound:,.0f} ms") if slow else route)
    return out


def _within(
    routes: Sequence[Route],
    assigned: pl.DataFrame,
    plans: Sequence[RoutePlan],
    ladder: Ladder,
    limits: Limits,
    overheads: Overheads,
) -> list[Route]:
    if not limits.limits:
        return list(routes)
    today, proposed = _capacity(assigned, plans, overheads, limits)
    before = dict(today.refused_by_limit)
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


def _capacity(
    assigned: pl.DataFrame, plans: Sequence[RoutePlan], overheads: Overheads, limits: Limits
) -> tuple[CapacityUse, CapacityUse]:
    calls = calls_of(assigned, plans=plans, overheads=overheads, rng=np.random.default_rng(0))
    today = calls_of(assigned, model="incumbent")
    return replay(today, limits, "today"), replay(calls, limits, "proposed")


def _checks(frame: pl.DataFrame, book: PriceBook, options: MoneyOptions) -> tuple[Reconciliation, ...]:
    """At the prices of each request's own day: a bill is judged by what was in force."""
    dated = price_incumbents(frame.drop("incumbent", "price_key", "cost_pico"), book, None)
    billed = reprice(dated.frame, dated.prices)
    found = [against_log(billed, options.tolerance)]
    if options.invoice_usd is not None:
        found.append(against_invoice(billed, options.invoice_usd, options.invoice_month, options.tolerance))
    return tuple(found)
