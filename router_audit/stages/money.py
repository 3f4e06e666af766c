"""From routes to money: what limits, regions and latency forbid, what the rest saves, whether costs agree.

A part of `build-table`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from router_audit.capacity import by_model, proposed_latency, samples
from router_audit.constraints import fast_enough, proposed_use, todays_use, where_allowed, within_limits
from router_audit.plans import latencies, plans_of, regrets
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
from router_audit.savings.project import basis
from router_audit.savings.reconcile import TOLERANCE, against_invoice, against_log, withheld
from router_audit.types.capacity import Limits
from router_audit.types.money import Overheads, Unpriced

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from router_audit.capacity import Samples
    from router_audit.plans import Trials
    from router_audit.pricing import PriceBook
    from router_audit.pricing.tokenizers import Tokenizers
    from router_audit.savings.project import Basis
    from router_audit.stages.audited import Audited
    from router_audit.types import Ladder, Route
    from router_audit.types.capacity import CapacityUse, Latency
    from router_audit.types.money import Control, Economics, EconomyShare, Reconciliation, RoutePlan, Saving
    from router_audit.types.price import ModelPrice, PriceChange


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
    unpriced: tuple[Unpriced, ...]
    """Requests in no total, most tokens first."""
    changes: tuple[PriceChange, ...]
    """Announced for a model of the ladder or of the log, after the prices' date."""
    withheld: str
    """Why no headline may be printed; empty where the costs agree."""
    capacity: tuple[CapacityUse, ...]
    latency: tuple[Latency, ...]
    """Per model in the log, then per route under the table, then `all`."""
    overheads: Overheads
    plans: tuple[RoutePlan, ...]
    tokenizers: Tokenizers
    basis: Basis
    """The priced log, ready for other routes."""
    known_waits: Samples
    """`capacity.samples` of the log and its trials."""
    today: CapacityUse | None
    """The log's own calls through the limits, where there are any."""


def money(
    seen: Audited,
    table: Sequence[Route],
    ladder: Ladder,
    prices: Mapping[str, ModelPrice],
    tiers: Mapping[str, str],
    trials: Trials,
    book: PriceBook,
    options: MoneyOptions,
) -> Money:
    """Everything section 6 of the design asks of a table, on the traffic under audit.

    `trials` is by (profile, context). Raises InputError on a limits or tokenizer file that cannot be used.
    """
    limits = read_limits(options.limits) if options.limits else Limits()
    tokenizers = read_tokenizers(options.tokenizers)
    frame = _with_incumbents(seen, prices)
    top = next((rung.ref for rung in ladder.models if rung.tier == ladder.tiers[-1]), None)
    overheads = Overheads(premium=top if top in prices else None, canary_share=options.canary_share)
    routes = where_allowed(table, ladder, limits)
    plans = plans_of(routes, trials, ladder)
    on = basis(frame, prices, tokenizers.factor)
    assigned = on.arrivals.under(plans)
    known = samples(assigned, latencies(trials))
    routes = fast_enough(routes, assigned, plans, ladder, known, options.max_p95_ms or {})
    today = todays_use(assigned, limits) if limits.limits else None
    routes = within_limits(routes, assigned, plans, ladder, limits, overheads, today)
    if (settled := plans_of(routes, trials, ladder)) != plans:
        plans, assigned = settled, on.arrivals.under(settled)
    saving = on.saving(on.costs(assigned, plans, overheads), plans, overheads)
    economy = {ref for ref, tier in tiers.items() if tier == ladder.tiers[0]}
    rungs = [rung.ref for rung in ladder.models if rung.ref in prices]

    def waits(mix: pl.DataFrame) -> dict[str, Latency]:
        return proposed_latency(mix, plans, np.random.default_rng(0), known)

    checks = _checks(frame, book, options)
    return Money(
        routes=routes,
        saving=saving,
        controls=controls(
            assigned,
            saving,
            on.book,
            cheapest=min(rungs, key=lambda ref: (prices[ref].blended_mtok, ref)),
            best_single=overheads.premium or rungs[-1],
            economy=economy,
            regrets=regrets(trials),
            rng=np.random.default_rng(0),
            latency=lambda mix: waits(mix)["all"],
        ),
        economics=economics(frame, prices),
        economy=economy_share(assigned, plans, economy),
        checks=checks,
        unpriced=_unpriced(seen),
        changes=_changes(book, ladder, seen, prices),
        withheld=withheld(checks),
        capacity=(today, proposed_use(assigned, plans, overheads, limits)) if today else (),
        latency=(*by_model(frame), *waits(assigned).values()),
        overheads=overheads,
        plans=plans,
        tokenizers=tokenizers,
        basis=on,
        known_waits=known,
        today=today,
    )


def _with_incumbents(seen: Audited, prices: Mapping[str, ModelPrice]) -> pl.DataFrame:
    """The traffic as the calculations of money read it: `incumbent` where it has a price, `session_id` as logged."""
    return seen.frame.with_columns(
        pl.when(pl.col("price_key").is_in(list(prices))).then("price_key").alias("incumbent"),
        pl.col("conversation_id").alias("session_id"),
    )


def _changes(
    book: PriceBook, ladder: Ladder, seen: Audited, prices: Mapping[str, ModelPrice]
) -> tuple[PriceChange, ...]:
    refs = {rung.ref for rung in ladder.models} | set(seen.prices)
    known = [
        change for ref in sorted(refs & prices.keys()) for change in book.changes(prices[ref], seen.as_of)
    ]
    return tuple(sorted(known, key=lambda change: (change.on, change.model)))


def _unpriced(seen: Audited) -> tuple[Unpriced, ...]:
    reasons = {(name.provider, name.model): name.reason for name, _ in seen.unresolved}
    counted = (
        seen.frame.filter(pl.col("cost_pico").is_null())
        .group_by("provider", "model")
        .agg(pl.len().alias("n"), pl.col("input_tokens", "output_tokens").sum())
    )
    found = [
        Unpriced(model or "", reasons.get((provider, model), "no usable token counts"), n, given, made)
        for provider, model, n, given, made in counted.iter_rows()
    ]
    return tuple(
        sorted(found, key=lambda item: (-item.input_tokens - item.output_tokens, item.model, item.reason))
    )


def savings_content(found: Money) -> dict[str, Any]:
    """The `savings` block of the table."""
    return {
        **savings_block(found.saving, found.withheld),
        "assumptions": assumptions_block(found.overheads, found.plans, found.tokenizers.as_of),
        "controls": controls_block(found.controls),
        "economics": economics_block(found.economics, found.saving.months),
        "reconciliation": reconciliation_block(found.checks),
        "price_changes": [
            {
                "on": change.on.isoformat(),
                "model": change.model,
                "what": change.what,
                "input_mtok": None if change.input_mtok is None else float(change.input_mtok),
                "output_mtok": None if change.output_mtok is None else float(change.output_mtok),
            }
            for change in found.changes
        ],
        "unpriced": [asdict(item) for item in found.unpriced],
        "capacity": capacity_block(found.capacity),
        "latency": latency_block(found.latency),
    }


def money_notes(found: Money, book: PriceBook, on: date) -> list[str]:
    """What a reader has to be told in words: a withheld headline, a stale list, changes that are coming."""
    notes = []
    if found.withheld:
        notes.append(f"No saving is stated: {found.withheld}.")
        notes += [f"- {line}" for check in found.checks if not check.holds for line in check.explanations]
    age = book.snapshot.age_days(on)
    if age > STALE_AFTER_DAYS:
        notes.append(f"The price list {book.snapshot.source} is {age} days older than the prices' date {on}.")
    for change in found.changes:
        if change.what == "retirement":
            notes.append(f"{change.model} retires on {change.on}.")
        else:
            notes.append(
                f"{change.model} costs {change.input_mtok}/{change.output_mtok} per Mtok from {change.on}."
            )
    return notes


def _checks(frame: pl.DataFrame, book: PriceBook, options: MoneyOptions) -> tuple[Reconciliation, ...]:
    """At the prices of each request's own day: a bill is judged by what was in force."""
    dated = price_incumbents(frame.drop("incumbent", "price_key", "cost_pico"), book, None)
    billed = reprice(dated.frame, dated.prices)
    found = [against_log(billed, options.tolerance)]
    if options.invoice_usd is not None:
        found.append(against_invoice(billed, options.invoice_usd, options.invoice_month, options.tolerance))
    return tuple(found)
