"""Models that came and models that go: what is new in the price list, and what of a table is about to retire."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from router_audit.certify import Plan
from router_audit.pricing import load_prices
from router_audit.pricing.catalogue import sold
from router_audit.projection import incumbent_costs_usd, mean_costs_usd
from router_audit.proof.sampling import trials_wanted
from router_audit.stages.audited import audited
from router_audit.types.price import ModelPrice
from router_audit.types.retune import Newcomer, ProfileTest, Retiring

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from router_audit.stages.build_table import TableOptions
    from router_audit.store import Store
    from router_audit.types import RoutingTable

MOST = 20
"""Newcomers that are shown, the largest saving first."""


def _providers(table: RoutingTable) -> set[str]:
    return {name.partition("/")[0] for name in table["prices"]["models"]}


def newcomers(store: Store, table: RoutingTable, options: TableOptions, on: date) -> tuple[Newcomer, ...]:
    """Models priced on a day that no recorded version of the table knew, with what testing each would cost.

    Of the providers that the table prices, and of the user's price file. None where no version is recorded:
    then nothing is known to be new.
    """
    known = set(store.query("models_seen")["model"].to_list())
    if not known:
        return ()
    book = load_prices(options.prices)
    fresh = {
        ref: price
        for ref, price in sold(book, _providers(table), on).items()
        if ref not in known and ref not in table["prices"]["models"]
    }
    if not fresh:
        return ()
    seen = audited(
        store,
        book,
        last=options.last,
        huge_context_tokens=options.huge_context_tokens,
        as_of=options.prices_date,
    )
    today = incumbent_costs_usd(seen.frame)
    costs = mean_costs_usd(seen.frame, fresh)
    least, _ = trials_wanted(options.epsilon, Plan(options.epsilon, options.delta).level / max(len(today), 1))
    found = []
    for ref, price in fresh.items():
        tests = tuple(
            ProfileTest(
                route="/".join(cell),
                trials=least,
                cost_usd=Decimal(str(round(least * cost, 6))),
                saving_per_request=1 - cost / today[cell],
            )
            for cell in sorted(today)
            if (cost := costs.get((cell, ref))) is not None and 0 < cost < today[cell]
        )
        total = sum((test.cost_usd for test in tests), Decimal(0))
        found.append(Newcomer(ref, price.input_mtok, price.output_mtok, tests, total))
    best = sorted(found, key=lambda n: (-max((t.saving_per_request for t in n.tests), default=0.0), n.model))
    return tuple(best[:MOST])


def record_models(store: Store, table: RoutingTable, prices: Path | None, on: date) -> None:
    """Keep which models this version could have known; a version that is recorded stays as it is."""
    import polars as pl

    version = table["version"]
    if version in store.query("models_seen")["table_version"].to_list():
        return
    names = sorted({*sold(load_prices(prices), _providers(table), on), *table["prices"]["models"]})
    with store.transaction():
        store.append("models_seen", pl.DataFrame({"table_version": [version] * len(names), "model": names}))


def retiring(table: RoutingTable, prices: Path | None, on: date, within_days: int) -> tuple[Retiring, ...]:
    """The models that the table's routes use and that stop within so many days of a day, or have stopped."""
    book = load_prices(prices)
    roles: dict[str, list[str]] = {}
    for row in table["routes"]:
        if row["applied"]:
            name = f"{row['profile']}/{row['context']}"
            roles.setdefault(row["model"], []).append(name)
            if row["escalate_to"]:
                roles.setdefault(row["escalate_to"], []).append(f"{name} escalation")
    if roles:
        top = table["ladder"]["tiers"][-1]
        premium = next((rung["model"] for rung in table["ladder"]["models"] if rung["tier"] == top), None)
        if premium:
            roles.setdefault(premium, []).append("canary")
    found = []
    for model, used in sorted(roles.items()):
        price = book.resolve_ref(model.partition("@")[0], on)
        if not isinstance(price, ModelPrice):
            found.append(Retiring(model, tuple(used), None, f"has no price on {on} ({price.reason})"))
        elif price.retires is not None and price.retires <= on + timedelta(days=within_days):
            word = "has retired" if price.retires <= on else "retires"
            found.append(Retiring(model, tuple(used), price.retires, f"{word} on {price.retires}"))
        elif price.deprecated:
            found.append(Retiring(model, tuple(used), None, "is deprecated"))
    return tuple(found)
