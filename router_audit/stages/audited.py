"""The audited requests with their prices: the one place where a log's model names meet the price list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from router_audit.errors import UserError
from router_audit.projection import with_cells
from router_audit.savings import reprice
from router_audit.types.price import ModelPrice, Unresolved

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from router_audit.pricing import PriceBook
    from router_audit.store import Store


@dataclass(frozen=True, slots=True)
class Audited:
    """The traffic under audit, priced."""

    frame: pl.DataFrame
    """One row per request: `price_key` (provider/model), cost terms, `cost_pico`, `profile`, `context`."""
    prices: Mapping[str, ModelPrice]
    """By `price_key`."""
    unresolved: tuple[tuple[Unresolved, int], ...]
    """Model names without a price, and how many requests each."""
    as_of: date
    classifier: str | None
    encoder: str | None


def audited(
    store: Store, book: PriceBook, *, last: int | None, huge_context_tokens: int, as_of: date | None
) -> Audited:
    """Select the last N requests, price each at `as_of` (default: the day of the last one).

    Raises UserError where the store holds no request.
    """
    import polars as pl

    store.run("select_window", last=last)
    seen = store.query("window").row(0, named=True)
    if not seen["requests"]:
        raise UserError(
            "the store holds no request yet; run `router-audit ingest PATH…` first", where=str(store.path)
        )
    on = as_of or (seen["last_at"] or datetime.now(UTC)).date()
    latest = store.query("latest_classifier")
    version = latest["version"][0] if latest.height else None
    store.run("bound_memory", limit="256MB")
    try:
        frame = store.query("traffic", classifier=version or "", huge_context_tokens=huge_context_tokens)
    finally:
        store.run("free_memory")

    by = ["provider", "model", "asked"]
    names = frame.group_by(by).len().sort(by)
    prices: dict[str, ModelPrice] = {}
    unresolved: list[tuple[Unresolved, int]] = []
    keys: list[str | None] = []
    for provider, model, asked, requests in names.iter_rows():
        found = _incumbent(book, provider, model, asked, on)
        if isinstance(found, ModelPrice):
            prices[found.ref] = found
            keys.append(found.ref)
        else:
            unresolved.append((found, requests))
            keys.append("/".join(part for part in (provider, model) if part) or None)
    keyed = frame.join(
        names.with_columns(pl.Series("price_key", keys, dtype=pl.String)).drop("len"),
        on=by,
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )
    return Audited(
        frame=reprice(with_cells(keyed), prices),
        prices=prices,
        unresolved=tuple(unresolved),
        as_of=on,
        classifier=version,
        encoder=latest["encoder"][0] if latest.height else None,
    )


def _incumbent(
    book: PriceBook, provider: str | None, model: str | None, asked: str | None, on: date
) -> ModelPrice | Unresolved:
    """The model that served a request; where a table had moved it, the one that would have without the table.

    Else a routed month would be its own incumbent: the next table would see nothing to move, and undo it all.
    """
    if asked is not None:
        found = book.resolve_ref(asked, on)
        if isinstance(found, ModelPrice):
            return found
    return book.resolve(provider, model, on)
