"""From the tagged, priced traffic to the next version of the routing table."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING, Any

from router_audit.certify import evidence_block
from router_audit.constraints import kept, past_alarms
from router_audit.errors import InputError, UserError
from router_audit.files.document import SCHEMA_VERSION
from router_audit.files.tables import TABLES, draft_next, write_next
from router_audit.policy import routes
from router_audit.pricing import default_ladder, load_prices, read_ladders
from router_audit.projection import (
    tiers_by_price,
    traffic_of,
)
from router_audit.proof.observing import block
from router_audit.savings import window
from router_audit.savings.verdict import controls_verdict
from router_audit.stages.alarms import standing_alarms
from router_audit.stages.audited import audited
from router_audit.stages.classifier_files import publish
from router_audit.stages.evidence import evidence
from router_audit.stages.money import (
    MoneyOptions,
    money,
    money_notes,
    savings_content,
)
from router_audit.stages.what_if import what_if_content
from router_audit.types import HUGE_CONTEXT_TOKENS
from router_audit.types.price import ModelPrice
from router_audit.what_if import epsilons

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

    from router_audit.policy import Verdict
    from router_audit.pricing import PriceBook
    from router_audit.stages.audited import Audited
    from router_audit.store import Store
    from router_audit.types import Context, Ladder, Profile, Route, RoutingTable


@dataclass(frozen=True, slots=True)
class TableOptions:
    """What a user may settle about a table."""

    folder: Path = TABLES
    last: int | None = None
    epsilon: float = 0.05
    delta: float = 0.05
    ladder: Path | None = None
    allow_provisional: bool = False
    assume_capable: bool = False
    huge_context_tokens: int = HUGE_CONTEXT_TOKENS
    prices: Path | None = None
    prices_date: date | None = None
    money: MoneyOptions = field(default_factory=MoneyOptions)
    write: bool = True


@dataclass(frozen=True, slots=True)
class TableResult:
    """The table, and whether it says anything new."""

    document: RoutingTable
    path: Path
    written: bool
    """False where the newest table already says exactly this."""
    notes: tuple[str, ...] = ()
    withheld: str = ""
    """Why no saving may be stated; empty where costs and bills agree."""


def build_table(store: Store, options: TableOptions) -> TableResult:
    """Write the next `vNNNN.json` unless the newest table has the same content.

    Where `options.write` is off nothing is written, and `written` says whether it would have been. Raises
    UserError on an empty store, InputError on a ladder or price file that cannot be used.
    """
    book = load_prices(options.prices)
    seen = audited(
        store,
        book,
        last=options.last,
        huge_context_tokens=options.huge_context_tokens,
        as_of=options.prices_date,
    )
    ladder = _ladder(options.ladder, seen)
    prices = {**_ladder_prices(ladder, book, seen.as_of), **seen.prices}
    proven = evidence(
        store,
        seen,
        ladder,
        book,
        prices,
        epsilon=options.epsilon,
        delta=options.delta,
        huge_context_tokens=options.huge_context_tokens,
    )
    traffic, alarms = traffic_of(seen.frame), standing_alarms(store)

    def routes_by(found: Mapping[tuple[Profile, Context], Verdict]) -> list[Route]:
        drawn = routes(
            ladder,
            traffic,
            found,
            allow_provisional=options.allow_provisional,
            assume_capable=options.assume_capable,
        )
        return past_alarms(drawn, ladder, alarms)

    table = routes_by(proven.verdicts)
    tiers = tiers_by_price(ladder, prices)
    projected = money(seen, table, ladder, prices, tiers, proven.trials, book, options.money)
    beside = controls_verdict(projected.controls)
    notes = list(proven.notes)
    if beside.do_not_route and any(route.applied for route in table):
        notes.append(f"Do not route: {beside.do_not_route}. The table keeps every incumbent.")
        table = [
            kept(route, ladder, f"controls: {beside.do_not_route}") if route.applied else route
            for route in projected.routes
        ]
        projected = money(seen, table, ladder, prices, tiers, proven.trials, book, options.money)
    elif beside.beats and not any(better for _, better in beside.beats):
        notes.append("The table beats none of its controls.")
    span = window(seen.frame)
    content: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "code_version": installed_version("router-audit"),
        "classifier": seen.classifier,
        "encoder": seen.encoder,
        "prices": {
            "as_of": seen.as_of.isoformat(),
            "source": book.snapshot.source,
            "models": {
                ref: {
                    "input_mtok": float(price.input_mtok),
                    "output_mtok": float(price.output_mtok),
                    "context_window": price.context_window,
                }
                for ref, price in sorted(prices.items())
            },
        },
        "log_window": {
            "first_at": span.first.isoformat() if span.first else None,
            "last_at": span.last.isoformat() if span.last else None,
            "requests": seen.frame.height,
        },
        "huge_context_tokens": options.huge_context_tokens,
        "epsilon": options.epsilon,
        "delta": options.delta,
        "ladder": {
            "name": ladder.name,
            "as_of": ladder.as_of,
            "tiers": list(ladder.tiers),
            "models": [{"model": rung.ref, "tier": rung.tier} for rung in ladder.models],
            "long_context": ladder.long_context.ref if ladder.long_context else None,
            "assumed": ladder.assumed,
        },
        "options": {
            "allow_provisional": options.allow_provisional,
            "assume_capable": options.assume_capable,
        },
        "routes": [asdict(route) for route in projected.routes],
        "evidence": evidence_block(proven.audit) if proven.audit.routes else {},
        "gaps": [asdict(gap) for gap in proven.gaps],
        "observational": block(proven.observations),
        "economy_share": {
            "before": round(projected.economy.before, 6),
            "after": round(projected.economy.after, 6),
            "held_back": {reason: round(share, 6) for reason, share in projected.economy.held_back},
        },
        "savings": {
            **savings_content(projected),
            "verdict": beside.content,
            "what_if": what_if_content(
                {epsilon: routes_by(proven.verdicts_at(epsilon)) for epsilon in epsilons(options.epsilon)},
                ladder,
                tiers,
                proven.trials,
                projected,
                options.money,
                epsilon=options.epsilon,
                words=_other_options(options),
            ),
        },
        "unpriced_requests": int(seen.frame["cost_pico"].null_count()),
    }
    if seen.classifier is not None and options.write:
        publish(store, seen.classifier, options.folder)
    document, path, written = (write_next if options.write else draft_next)(content, options.folder)
    said = (*notes, *money_notes(projected, book, seen.as_of))
    return TableResult(document, path, written, said, projected.withheld)


def _other_options(options: TableOptions) -> str:
    """The options beside those of the sliders that a reader must repeat to get the same figures."""
    words = [f"--delta {options.delta:g}"] if options.delta != TableOptions().delta else []
    words += ["--allow provisional"] * options.allow_provisional
    words += ["--assume-capable"] * options.assume_capable
    words += [
        f"--max-p95-ms {name}={bound:g}"
        for name, bound in sorted((options.money.max_p95_ms or {}).items())
        if name != "*"
    ]
    return "".join(f" {word}" for word in words)


def _ladder(path: Path | None, seen: Audited) -> Ladder:
    import polars as pl

    if path is not None:
        ladders = read_ladders(path)
        if len(ladders) > 1:
            raise InputError(f"holds {len(ladders)} ladders; keep one", where=str(path))
        return next(iter(ladders.values()))
    by_provider = (
        seen.frame.with_columns(pl.col("price_key").str.split("/").list.first().alias("who"))
        .group_by("who")
        .agg(pl.col("cost_pico").sum())
        .drop_nulls()
    )
    return default_ladder({who: float(cost) for who, cost in by_provider.iter_rows()})


def _ladder_prices(ladder: Ladder, book: PriceBook, on: date) -> dict[str, ModelPrice]:
    rungs = [*ladder.models, *([ladder.long_context] if ladder.long_context else [])]
    found: dict[str, ModelPrice] = {}
    for rung in rungs:
        price = book.resolve(rung.provider, rung.model, on)
        if not isinstance(price, ModelPrice):
            raise UserError(
                f"the ladder's {rung.ref} has no price ({price.reason}); price it with --prices, or pass --ladder",
                where=ladder.name,
            )
        found[rung.ref] = price
    return found
