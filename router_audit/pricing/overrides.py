"""A user's own price file, validated: contracts, self-hosted models, names that only they know.

as_of = 2026-11-01
source = "contract 17"

[aliases]                                  # a name in the log = "provider/model"
"azure/prod-chat" = "azure/gpt-4o"

[[price]]                                  # append a dated entry, never overwrite one
provider = "anthropic"
model = "claude-haiku-4-5"
from = 2026-06-01
input_mtok = 0.80
output_mtok = 4.00
over = [{ input_tokens = 200000, input_mtok = 1.6, output_mtok = 6.0 }]
batch = { input_mtok = 0.4, output_mtok = 2.0 }
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from router_audit.errors import InputError
from router_audit.types.price import Band, ModelPrice, Rates

if TYPE_CHECKING:
    from pathlib import Path

RATE_KEYS = (
    "input_mtok",
    "output_mtok",
    "cache_read_mtok",
    "cache_write_mtok",
    "cache_write_1h_mtok",
    "reasoning_mtok",
)
VARIANTS = ("batch", "priority", "flex", "fast")
_TOP_KEYS = {"as_of", "source", "aliases", "price"}
_ENTRY_KEYS = {
    *RATE_KEYS,
    *VARIANTS,
    "provider",
    "model",
    "from",
    "over",
    "request_usd",
    "context_window",
    "source",
    "retires",
}
_DEAREST_MTOK = 10_000
_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Overrides:
    """A price file as it was read."""

    aliases: dict[str, str] = field(default_factory=dict)
    """A name in the log, lower case, with or without its provider, to `provider/model`."""
    entries: dict[tuple[str, str], tuple[ModelPrice, ...]] = field(default_factory=dict)
    """(provider, model), lower case, to its prices by date, oldest first; `since` is never None here."""

    def price(self, provider: str, model: str, on: date) -> ModelPrice | None:
        """The newest entry that has begun by `on`."""
        begun = [p for p in self.entries.get((provider, model), ()) if p.since is not None and p.since <= on]
        return begun[-1] if begun else None


def read_overrides(path: Path) -> Overrides:
    """Read and validate a price file; InputError names the entry and the key that cannot be used."""
    try:
        raw = tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(path)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"is not TOML: {error}", where=str(path)) from None
    _known_keys(raw, _TOP_KEYS, str(path))
    source = raw.get("source", path.name)
    as_of = _date(raw["as_of"], f"{path}: as_of") if "as_of" in raw else None
    entries: dict[tuple[str, str], list[ModelPrice]] = {}
    for number, entry in enumerate(_tables(raw.get("price", []), f"{path}: price"), 1):
        found = _entry(entry, f"{path}: [[price]] {number}", f"{source} ({path.name})", as_of)
        same = entries.setdefault((found.provider, found.model), [])
        if any(other.since == found.since for other in same):
            raise InputError(
                f"a second price for {found.ref} from {found.since}; give each its own `from`",
                where=f"{path}: [[price]] {number}",
            )
        same.append(found)
    return Overrides(
        _aliases(raw.get("aliases", {}), f"{path}: [aliases]"),
        {key: tuple(sorted(prices, key=lambda p: p.since or date.min)) for key, prices in entries.items()},
    )


def _aliases(raw: Any, where: str) -> dict[str, str]:
    if not isinstance(raw, dict):
        raise InputError("must be a table of names", where=where)
    for name, target in raw.items():
        if not isinstance(target, str) or "/" not in target.strip("/"):
            raise InputError(f'{name!r} must name a "provider/model"', where=where)
    return {name.lower(): target.lower() for name, target in raw.items()}


def _tables(raw: Any, where: str) -> list[dict[str, Any]]:
    if not isinstance(raw, list) or not all(isinstance(entry, dict) for entry in raw):
        raise InputError("must be tables: write [[price]]", where=where)
    return raw


def _known_keys(table: dict[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(set(table) - known)
    if unknown:
        raise InputError(f"unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}", where=where)


def _text(table: dict[str, Any], key: str, where: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"needs `{key}`, a text", where=where)
    return value.strip().lower()


def _date(value: Any, where: str) -> date:
    if isinstance(value, datetime) or not isinstance(value, date):
        raise InputError(f"{value!r} is no date; write 2026-11-01 without quotes", where=where)
    return value


def _amount(value: Any, key: str, where: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise InputError(f"`{key}` must be a number of USD per million tokens", where=where)
    amount = Decimal(value)
    if not amount.is_finite() or amount < 0:
        raise InputError(f"`{key}` is {value}; a price is finite and not negative", where=where)
    if amount > _DEAREST_MTOK:
        raise InputError(f"`{key}` is {value}; prices are USD per *million* tokens", where=where)
    if -int(amount.normalize().as_tuple().exponent) > _DECIMALS:
        raise InputError(f"`{key}` is {value}; at most {_DECIMALS} decimals", where=where)
    return amount


def _rates(table: dict[str, Any], where: str, extra: set[str]) -> Rates:
    _known_keys(table, {*RATE_KEYS, *extra}, where)
    for key in ("input_mtok", "output_mtok"):
        if key not in table:
            raise InputError(f"needs `{key}`, USD per million tokens", where=where)
    return Rates(**{key: _amount(table[key], key, where) for key in RATE_KEYS if key in table})


def _entry(table: dict[str, Any], where: str, source: str, as_of: date | None) -> ModelPrice:
    _known_keys(table, _ENTRY_KEYS, where)
    if "from" in table:
        since = _date(table["from"], where)
    elif as_of is not None:
        since = as_of
    else:
        raise InputError("needs `from`, the date this price begins", where=where)
    bands = []
    for band in _tables(table.get("over", []), f"{where}: over"):
        start = band.get("input_tokens")
        if isinstance(start, bool) or not isinstance(start, int) or start <= 0:
            raise InputError("each of `over` needs `input_tokens`, a whole number", where=where)
        bands.append(Band(start, _rates(band, f"{where}: over", {"input_tokens"})))
    window = table.get("context_window")
    if window is not None and (isinstance(window, bool) or not isinstance(window, int) or window <= 0):
        raise InputError("`context_window` must be a whole number of tokens", where=where)
    provider, model = _text(table, "provider", where), _text(table, "model", where)
    stated = f"{table['source']}" if "source" in table else source

    def made(rates: Rates, over: tuple[Band, ...], variants: dict[str, ModelPrice]) -> ModelPrice:
        return ModelPrice(
            provider=provider,
            model=model,
            rates=rates,
            as_of=since,
            source=stated,
            bands=over,
            variants=variants,
            request_fee_pico=int(_amount(table.get("request_usd", 0), "request_usd", where) * 10**12),
            since=since,
            context_window=window,
            retires=_date(table["retires"], where) if "retires" in table else None,
        )

    variants = {
        name: made(_rates(table[name], f"{where}: {name}", set()), (), {})
        for name in VARIANTS
        if name in table
    }
    own = {key: value for key, value in table.items() if key in RATE_KEYS}
    return made(_rates(own, where, set()), tuple(sorted(bands, key=lambda b: b.over_input_tokens)), variants)
