"""genai-prices' offline snapshot, as our own typed prices."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

from router_audit.pricing.names import is_decoration
from router_audit.types.price import Band, ModelPrice, PriceChange, Rates, Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from genai_prices import types as genai

_CHECKED = re.compile(
    r"(?:checked|as of|verified|retrieved|accessed|observed)\b[^.;]{0,80}?(20\d\d-\d\d-\d\d)", re.IGNORECASE
)
_RETIRES = re.compile(
    r"(?:retire[sd]?|retirement|shut ?down|shutdown|sunset|discontinued)\b[^.;]{0,60}?(20\d\d-\d\d-\d\d)",
    re.IGNORECASE,
)
_VARIANT_KEYS = ("processing", "service_tier", "speed")
_PICO_PER_KCOUNT = 10**9
"""1 USD per thousand requests is 10^9 pico-USD per request."""


def _providers() -> list[genai.Provider]:
    from genai_prices.data_snapshot import get_snapshot

    return get_snapshot().providers


@cache
def snapshot() -> Snapshot:
    """The list in use. Its date is the newest "checked on" that it states itself: it is at least that new."""
    from genai_prices import __version__

    stated = [
        found
        for provider in _providers()
        for text in (provider.price_comments, *(m.price_comments for m in provider.models))
        for found in _CHECKED.findall(text or "")
    ]
    return Snapshot(
        "genai-prices",
        __version__,
        date.fromisoformat(max(stated)),
        sum(len(provider.models) for provider in _providers()),
    )


@cache
def provider_ids() -> frozenset[str]:
    """The ids of every provider in the snapshot."""
    return frozenset(provider.id for provider in _providers())


def find(provider: str | None, model: str) -> tuple[genai.Provider, genai.ModelInfo] | None:
    """The provider and model a name stands for, or None. A provider of None is the model's maker.

    genai-prices matches many names by their beginning; what follows a known id must be a date, a version or
    a channel, else the name is of another model and stays unfound.
    """
    from genai_prices.data_snapshot import get_snapshot

    if provider is not None and provider not in provider_ids():
        return None
    try:
        owner, info = get_snapshot().find_provider_model(model, None, provider, None)
    except LookupError:
        return None
    known = info.id.lower()
    if model != known and not _stated(info.match, model):
        start = -1 if known.startswith("ft:") else model.find(known)
        if start >= 0 and not is_decoration(model[start + len(known) :]):
            return None
    return owner, info


def _stated(match: genai.MatchLogic, model: str) -> bool:
    """Whether the list spells this very name out."""
    from genai_prices.types import ClauseAnd, ClauseEquals, ClauseOr

    match match:
        case ClauseEquals(equals=text):
            return text.lower() == model
        case ClauseOr(or_=parts) | ClauseAnd(and_=parts):
            return any(_stated(part, model) for part in parts)
        case _:
            return False


def price(owner: genai.Provider, info: genai.ModelInfo, on: date) -> ModelPrice | None:
    """The price in force at noon UTC of `on`; None where the model is not sold by the token."""
    base = _model_price(owner, info, on, {})
    if base is None:
        return None
    variants: dict[str, ModelPrice] = {}
    own = any(info is model for model in owner.models)
    for variant in (info.price_variants or ()) if own else ():
        ((key, name), *rest) = variant.when.items()
        if rest or key not in _VARIANT_KEYS or name in variants:
            continue
        found = _model_price(owner, info, on, {key: name})
        if found is not None and (found.rates, found.bands) != (base.rates, base.bands):
            variants[name] = found
    return replace(base, variants=variants)


def _model_price(
    owner: genai.Provider, info: genai.ModelInfo, on: date, context: Mapping[str, str]
) -> ModelPrice | None:
    raw = info.get_prices(datetime.combine(on, time(12), UTC), context or None)
    base = _rates(raw, None)
    if base is None and owner.id == "openrouter" and info.id.endswith(":free"):
        base = Rates(Decimal(0), Decimal(0))
    if base is None:
        return None
    starts = sorted({start for value in vars(raw).values() for start in _starts(value)})
    fee = getattr(raw, "requests_kcount", None) or Decimal(0)
    retires = _RETIRES.search(f"{info.price_comments or ''} {info.description or ''}")
    bands = tuple(Band(start, rates) for start in starts if (rates := _rates(raw, start)) is not None)
    return ModelPrice(
        provider=owner.id,
        model=info.id,
        rates=base,
        as_of=on,
        source=snapshot().source,
        bands=bands,
        request_fee_pico=int(_at(fee, None) * _PICO_PER_KCOUNT),
        since=_since(info, on),
        context_window=info.context_window,
        deprecated=bool(info.deprecated),
        retires=date.fromisoformat(retires[1]) if retires else None,
        note="varies by the hour; the price of 12:00 UTC is used" if _by_hour(info) else "",
    )


def _starts(value: object) -> Iterator[int]:
    from genai_prices.types import TieredPrices

    if isinstance(value, TieredPrices):
        yield from (tier.start for tier in value.tiers)


def _at(value: genai.TieredPrices | Decimal, start: int | None) -> Decimal:
    """The price in the band that begins at `start`; the base price at None."""
    if isinstance(value, Decimal):
        return value
    found = value.base
    for tier in value.tiers:
        if start is not None and tier.start <= start:
            found = tier.price
    return found


def _rates(raw: genai.ModelPrice, start: int | None) -> Rates | None:
    def at(key: str) -> Decimal | None:
        value = getattr(raw, key)
        return None if value is None else _at(value, start)

    input_mtok, output_mtok = at("input_mtok"), at("output_mtok")
    short = at("cache_write_5m_mtok")
    if input_mtok is None:
        return None
    return Rates(
        input_mtok,
        Decimal(0) if output_mtok is None else output_mtok,
        at("cache_read_mtok"),
        at("cache_write_mtok") if short is None else short,
        at("cache_write_1h_mtok"),
        at("output_reasoning_mtok"),
    )


def _by_hour(info: genai.ModelInfo) -> bool:
    from genai_prices.types import TimeOfDateConstraint

    return isinstance(info.prices, list) and any(
        isinstance(entry.constraint, TimeOfDateConstraint) for entry in info.prices
    )


def _start_dates(info: genai.ModelInfo) -> list[date]:
    from genai_prices.types import StartDateConstraint

    entries = info.prices if isinstance(info.prices, list) else []
    return sorted(e.constraint.start_date for e in entries if isinstance(e.constraint, StartDateConstraint))


def _since(info: genai.ModelInfo, on: date) -> date | None:
    return max((start for start in _start_dates(info) if start <= on), default=None)


def changes(owner: genai.Provider, info: genai.ModelInfo, after: date) -> list[PriceChange]:
    """Changes of the standard price and a retirement that are stated for dates after `after`."""
    found: list[PriceChange] = []
    ref = f"{owner.id}/{info.id}"
    before = _model_price(owner, info, after, {})
    for start in _start_dates(info):
        if start > after:
            now = _model_price(owner, info, start, {})
            if now is not None and (before is None or now.rates != before.rates):
                found.append(PriceChange(start, ref, "price", now.input_mtok, now.output_mtok))
            before = now
    if before is not None and before.retires is not None and before.retires > after:
        found.append(PriceChange(before.retires, ref, "retirement"))
    return found


def siblings(provider: str) -> list[tuple[genai.Provider, genai.ModelInfo]]:
    """Every model that the provider sells."""
    return [(owner, info) for owner in _providers() if owner.id == provider for info in owner.models]
