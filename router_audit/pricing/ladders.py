"""Ladders from TOML: the shipped defaults of `data/ladders.toml` and a user's own."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from router_audit.errors import InputError
from router_audit.types import PROFILES, Ladder, LadderModel

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_KEYS = {"as_of", "source", "ladder"}
_LADDER_KEYS = {"tiers", "models", "long_context", "assumed", "providers"}


def read_ladders(path: Path | None = None) -> dict[str, Ladder]:
    """The ladders of a file, by name; without a path, the shipped ones."""
    where = "data/ladders.toml" if path is None else str(path)
    try:
        text = (
            (files("router_audit") / "data" / "ladders.toml").read_text("utf-8")
            if path is None
            else path.read_text("utf-8")
        )
        raw = tomllib.loads(text)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=where) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"is not TOML: {error}", where=where) from None
    unknown = sorted(set(raw) - _KEYS)
    if unknown:
        raise InputError(f"unknown key {unknown[0]!r}; known are {', '.join(sorted(_KEYS))}", where=where)
    ladders = raw.get("ladder")
    if not isinstance(ladders, dict) or not ladders:
        raise InputError("names no ladder; write [ladder.NAME]", where=where)
    return {
        name: _ladder(name, table, str(raw.get("as_of", "")), f"{where}: [ladder.{name}]")
        for name, table in ladders.items()
    }


def default_ladder(spend_by_provider: Mapping[str, float]) -> Ladder:
    """The shipped ladder of the provider that costs the most today; ties and strangers fall to the first.

    Spend may be any weight: dollars, or tokens where nothing is priced.
    """
    ladders = read_ladders()
    order = sorted(spend_by_provider.items(), key=lambda item: (-item[1], item[0]))
    served = {model.provider: ladder for ladder in reversed(ladders.values()) for model in ladder.models}
    for provider, weight in order:
        if weight > 0 and provider in served:
            return served[provider]
    return next(iter(ladders.values()))


def _model(text: Any, tier: str, where: str) -> LadderModel:
    if not isinstance(text, str) or "/" not in text.strip("/"):
        raise InputError(f"tier {tier!r} must name models as provider/model, not {text!r}", where=where)
    provider, _, model = text.partition("/")
    return LadderModel(provider, model, tier)


def _ladder(name: str, table: Any, as_of: str, where: str) -> Ladder:
    if not isinstance(table, dict):
        raise InputError("must be a table", where=where)
    unknown = sorted(set(table) - _LADDER_KEYS)
    if unknown:
        raise InputError(
            f"unknown key {unknown[0]!r}; known are {', '.join(sorted(_LADDER_KEYS))}", where=where
        )
    tiers, models = table.get("tiers"), table.get("models")
    if not isinstance(tiers, list) or len(tiers) < 2 or not all(isinstance(t, str) for t in tiers):
        raise InputError("needs `tiers`, two names or more, cheapest first", where=where)
    if not isinstance(models, dict) or set(models) != set(tiers):
        raise InputError("needs `models`, one entry for each of its tiers and no other", where=where)
    rungs = tuple(
        _model(text, tier, where)
        for tier in tiers
        for text in (models[tier] if isinstance(models[tier], list) else [models[tier]])
    )
    assumed = table.get("assumed", {})
    for key, tier in assumed.items():
        if key not in {*PROFILES, "huge"} or tier not in tiers:
            raise InputError(
                f"`assumed` maps a profile or `huge` to a tier, not {key!r} to {tier!r}", where=where
            )
    long = table.get("long_context")
    return Ladder(
        name=name,
        tiers=tuple(tiers),
        models=rungs,
        long_context=None if long is None else _model(long, tiers[0], where),
        assumed=dict(assumed),
        as_of=as_of,
    )
