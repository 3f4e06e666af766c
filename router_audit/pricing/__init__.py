"""Prices: what a model costs on a date. genai-prices' offline snapshot, under the user's own file."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from router_audit.pricing import snapshot as listed
from router_audit.pricing.ladders import default_ladder, read_ladders
from router_audit.pricing.names import Name, provider_id, read
from router_audit.pricing.overrides import Overrides, read_overrides
from router_audit.types.price import ModelPrice, PriceChange, Snapshot, Unresolved

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from pathlib import Path

__all__ = ["PriceBook", "default_ladder", "load_prices", "read_ladders"]

STALE_AFTER_DAYS = 60
"""A snapshot older than this is said to be stale."""


def load_prices(path: Path | None = None) -> PriceBook:
    """The price list, with the user's file over it where one is given."""
    return PriceBook(Overrides() if path is None else read_overrides(path))


@dataclass(slots=True)
class PriceBook:
    """Looks prices up, each (provider, model, date) once."""

    overrides: Overrides = field(default_factory=Overrides)
    _seen: dict[tuple[str | None, str | None, date], ModelPrice | Unresolved] = field(default_factory=dict)

    @property
    def snapshot(self) -> Snapshot:
        """The list under the user's file."""
        return listed.snapshot()

    def resolve(self, provider: str | None, model: str | None, on: date) -> ModelPrice | Unresolved:
        """The price in force on `on` of a model as a log names it; Unresolved, with the reason, where none is."""
        key = (provider, model, on)
        if key not in self._seen:
            self._seen[key] = self._resolve(provider, model, on)
        return self._seen[key]

    def resolve_ref(self, ref: str, on: date) -> ModelPrice | Unresolved:
        """As `resolve`, for one text: `provider/model`, or a model whose maker is plain."""
        return self.resolve(None, ref, on)

    def resolve_all(
        self, names: Iterable[tuple[str | None, str | None]], on: date
    ) -> dict[tuple[str | None, str | None], ModelPrice | Unresolved]:
        """Each distinct (provider, model) of a log, resolved."""
        return {(provider, model): self.resolve(provider, model, on) for provider, model in set(names)}

    def changes(self, price: ModelPrice, after: date) -> list[PriceChange]:
        """Known price changes and the retirement after a date, of the list and of the user's file."""
        found = listed.find(price.provider, price.model.lower())
        known = listed.changes(*found, after) if found else []
        own = [
            PriceChange(entry.since, entry.ref, "price", entry.input_mtok, entry.output_mtok)
            for entry in self.overrides.entries.get((price.provider, price.model.lower()), ())
            if entry.since is not None and entry.since > after
        ]
        return sorted([*known, *own], key=lambda change: change.on)

    def peers(self, price: ModelPrice, on: date, limit: int = 5) -> list[ModelPrice]:
        """Models of the same provider that cost less for input and for output, dearest first.

        Leaves out deprecated and free ones, and those with a smaller context window (where both are known).
        """
        found: dict[str, ModelPrice] = {}
        for owner, info in listed.siblings(price.provider):
            peer = listed.price(owner, info, on)
            if peer is not None:
                peer = self.overrides.price(peer.provider, peer.model.lower(), on) or peer
                if _cheaper(peer, price):
                    found[peer.ref] = peer
        return sorted(found.values(), key=lambda peer: (-peer.blended_mtok, peer.ref))[:limit]

    def _resolve(self, provider: str | None, model: str | None, on: date) -> ModelPrice | Unresolved:
        who, what = self._alias(provider, model)
        reading = read(who, what, listed.provider_ids())
        if not reading.names:
            return Unresolved(provider, model, reading.reason)
        for name in (Name(provider_id(who), (what or "").lower()), *reading.names):
            own = self._own(name, on)
            if own is not None:
                return own
        for name in reading.names:
            found = listed.find(name.provider, name.model)
            if found is None:
                continue
            own = self._own(Name(found[0].id, found[1].id.lower()), on)
            if own is not None:
                return own
            price = listed.price(*found, on)
            if price is None:
                return Unresolved(provider, model, f"{found[1].id} is not sold by the token")
            return price
        return Unresolved(provider, model, _why_not(reading.names[0]))

    def _own(self, name: Name, on: date) -> ModelPrice | None:
        if name.provider is None:
            who, _, what = name.model.partition("/")
            own = self.overrides.price(who, what, on)
        else:
            own = self.overrides.price(name.provider, name.model, on)
        return None if own is None else replace(own, as_of=on)

    def _alias(self, provider: str | None, model: str | None) -> tuple[str | None, str | None]:
        text = (model or "").strip().lower()
        names = [f"{who}/{text}" for who in ((provider or "").strip().lower(), provider_id(provider)) if who]
        for name in (*names, text):
            if name in self.overrides.aliases:
                who, _, what = self.overrides.aliases[name].partition("/")
                return who, what
        return provider, model


def _cheaper(peer: ModelPrice, price: ModelPrice) -> bool:
    windows = (peer.context_window, price.context_window)
    fits = windows[0] is None or windows[1] is None or windows[0] >= windows[1]
    return (
        not peer.deprecated
        and fits
        and 0 < peer.input_mtok < price.input_mtok
        and 0 < peer.output_mtok < price.output_mtok
    )


def _why_not(name: Name) -> str:
    if name.provider is None:
        return "no maker is plain from this name; write provider/model, or map it under [aliases]"
    if name.provider not in listed.provider_ids():
        return (
            f"the price list knows no provider {name.provider!r}; map it under [aliases] or add a [[price]]"
        )
    return f"{name.provider} lists no such model; map it under [aliases] or add a [[price]]"
