"""What the price list sells: every model of some providers, with the user's own on top."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router_audit.pricing import snapshot as listed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from router_audit.pricing import PriceBook
    from router_audit.types.price import ModelPrice


def sold(book: PriceBook, providers: Iterable[str], on: date) -> dict[str, ModelPrice]:
    """The models that these providers sell by the token on a day, and all of the user's file, by `provider/model`."""
    found: dict[str, ModelPrice] = {}
    for provider in sorted(set(providers)):
        for owner, info in listed.siblings(provider):
            price = listed.price(owner, info, on)
            if price is not None and not price.deprecated:
                found[price.ref] = price
    for provider, model in book.overrides.entries:
        own = book.overrides.price(provider, model, on)
        if own is not None:
            found[own.ref] = own
    return dict(sorted(found.items()))
