"""What a model costs on a date, how old that knowledge is, what is cheaper, and what will change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from router_audit.errors import InputError
from router_audit.pricing import STALE_AFTER_DAYS, load_prices, read_ladders
from router_audit.types.price import ModelPrice

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal
    from pathlib import Path

    from router_audit.pricing import PriceBook
    from router_audit.types.price import PriceChange, Rates, Unresolved

PEERS = 5


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One name that was asked for."""

    asked: str
    found: ModelPrice | Unresolved
    peers: tuple[ModelPrice, ...] = ()
    changes: tuple[PriceChange, ...] = ()


@dataclass(frozen=True, slots=True)
class PricesResult:
    """The names that were asked for, and the list that answered."""

    rows: tuple[PriceRow, ...]
    on: date
    source: str
    age_days: int
    """From the list's own date to `on`; negative where an older date was asked for."""

    @property
    def stale(self) -> bool:
        """Whether the list is too old to speak for that date."""
        return self.age_days > STALE_AFTER_DAYS


def prices(models: Sequence[str], on: date | None, path: Path | None) -> PricesResult:
    """Look up each model as a log would name it; without a name, every model of the shipped ladders.

    Raises InputError on a price file that cannot be used, or where one model is asked for and not found.
    """
    book = load_prices(path)
    day = on or datetime.now(UTC).date()
    names = list(models) or _of_ladders()
    rows = tuple(_row(book, name, day) for name in names)
    if len(rows) == 1 and not isinstance(rows[0].found, ModelPrice):
        raise InputError(f"no price: {rows[0].found.reason}", where=rows[0].asked)
    return PricesResult(rows, day, book.snapshot.source, book.snapshot.age_days(day))


def _of_ladders() -> list[str]:
    rungs = [
        rung
        for ladder in read_ladders().values()
        for rung in (*ladder.models, *([ladder.long_context] if ladder.long_context else []))
    ]
    return list(dict.fromkeys(rung.ref for rung in rungs))


def _row(book: PriceBook, name: str, on: date) -> PriceRow:
    found = book.resolve_ref(name, on)
    if not isinstance(found, ModelPrice):
        return PriceRow(name, found)
    return PriceRow(name, found, tuple(book.peers(found, on, PEERS)), tuple(book.changes(found, on)))


def as_json(result: PricesResult) -> dict[str, Any]:
    """One model's object where one was asked for, else `models` and the list they come from."""
    listed = {"source": result.source, "age_days": result.age_days, "stale": result.stale}
    rows = [_object(row) for row in result.rows]
    if len(rows) == 1:
        return {**rows[0], "list": listed}
    return {"models": rows, "as_of": result.on.isoformat(), "list": listed}


def _object(row: PriceRow) -> dict[str, Any]:
    price = row.found
    if not isinstance(price, ModelPrice):
        return {"asked": row.asked, "model": None, "provider": None, "unresolved": price.reason}
    return {
        "asked": row.asked,
        "model": price.model,
        "provider": price.provider,
        **_rates(price.rates),
        "as_of": price.as_of.isoformat(),
        "source": price.source,
        "since": price.since.isoformat() if price.since else None,
        "context_window": price.context_window,
        "deprecated": price.deprecated,
        "retires": price.retires.isoformat() if price.retires else None,
        "note": price.note or None,
        "long_context": [
            {"over_input_tokens": band.over_input_tokens, **_rates(band.rates)} for band in price.bands
        ],
        "service_tiers": {name: _rates(variant.rates) for name, variant in price.variants.items()},
        "request_usd": price.request_fee_pico / 10**12,
        "cheaper_peers": [
            {
                "model": peer.model,
                "provider": peer.provider,
                "input_mtok": _number(peer.input_mtok),
                "output_mtok": _number(peer.output_mtok),
            }
            for peer in row.peers
        ],
        "changes": [
            {
                "on": change.on.isoformat(),
                "what": change.what,
                "input_mtok": _number(change.input_mtok),
                "output_mtok": _number(change.output_mtok),
            }
            for change in row.changes
        ],
    }


def _rates(rates: Rates) -> dict[str, float | None]:
    return {
        name: _number(getattr(rates, name))
        for name in (
            "input_mtok",
            "output_mtok",
            "cache_read_mtok",
            "cache_write_mtok",
            "cache_write_1h_mtok",
            "reasoning_mtok",
        )
    }


def _number(price: Decimal | None) -> float | None:
    return None if price is None else float(price)
