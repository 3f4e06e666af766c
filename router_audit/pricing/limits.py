"""A user's `limits.toml`, validated.

allowed_regions = ["eu-west-1", "eu-central-1"]
max_wait_s = 30

[pins]
extraction = "eu-central-1"

[[limit]]
provider = "anthropic"
model = "claude-haiku-4-5"          # or "*" for all of the provider's models together
rpm = 4000
input_tpm = 2_000_000
output_tpm = 400_000
cached_input_counts = false
regions = ["eu-central-1"]
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from router_audit.errors import InputError
from router_audit.types import PROFILES
from router_audit.types.capacity import LIMIT_KINDS, Limit, Limits

if TYPE_CHECKING:
    from pathlib import Path

_TOP_KEYS = {"allowed_regions", "max_wait_s", "pins", "limit"}
_LIMIT_KEYS = {"provider", "model", "cached_input_counts", "regions", *LIMIT_KINDS}


def read_limits(path: Path) -> Limits:
    """Read and validate a limits file; InputError names the entry and the key that cannot be used."""
    where = str(path)
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=where) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"is not TOML: {error}", where=where) from None
    _known(raw, _TOP_KEYS, where)
    entries = raw.get("limit", [])
    if not isinstance(entries, list):
        raise InputError("write [[limit]], once per model", where=where)
    limits = tuple(_limit(entry, f"{where}: [[limit]] {n}") for n, entry in enumerate(entries, 1))
    refs = [limit.ref for limit in limits]
    for ref in refs:
        if refs.count(ref) > 1:
            raise InputError(f"two limits for {ref}; keep one", where=where)
    pins = raw.get("pins", {})
    for profile, region in pins.items():
        if profile not in PROFILES or not isinstance(region, str):
            raise InputError(f"[pins] maps a profile to a region, not {profile!r} to {region!r}", where=where)
    wait = raw.get("max_wait_s", 60)
    if isinstance(wait, bool) or not isinstance(wait, int | float) or not 0 <= wait <= 86_400:
        raise InputError("`max_wait_s` must be seconds, 0 to 86400", where=where)
    return Limits(limits, _texts(raw, "allowed_regions", where), tuple(pins.items()), float(wait))


def _known(table: dict[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(set(table) - known)
    if unknown:
        raise InputError(f"unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}", where=where)


def _texts(table: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
    values = table.get(key, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise InputError(f"`{key}` must be a list of names", where=where)
    return tuple(values)


def _limit(table: dict[str, Any], where: str) -> Limit:
    _known(table, _LIMIT_KEYS, where)
    names: list[str] = []
    for key in ("provider", "model"):
        value = table.get(key)
        if not isinstance(value, str) or not value:
            raise InputError(f"needs `{key}`", where=where)
        names.append(value.lower())
    amounts: dict[str, int] = {}
    for kind in LIMIT_KINDS:
        if kind in table:
            value = table[kind]
            if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
                raise InputError(f"`{kind}` must be a whole number above 0", where=where)
            amounts[kind] = value
    counts = table.get("cached_input_counts", True)
    if not isinstance(counts, bool):
        raise InputError("`cached_input_counts` is true or false", where=where)
    return Limit(
        names[0],
        names[1],
        amounts.get("rpm"),
        amounts.get("input_tpm"),
        amounts.get("output_tpm"),
        cached_input_counts=counts,
        regions=_texts(table, "regions", where),
    )
