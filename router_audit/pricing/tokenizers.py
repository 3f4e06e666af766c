"""How many of one model's tokens make one of another's: a dated data file, or the user's own."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from router_audit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ONE = Decimal(1)
_PLACES = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Family:
    """Models that cut text alike."""

    name: str
    models: re.Pattern[str]
    low: Decimal
    """Tokens for the same text, relative to the file's unit: the low end of what sources say."""
    high: Decimal
    source: str


@dataclass(frozen=True)
class Tokenizers:
    """The families of a file; `factor` is what `savings` asks for."""

    families: tuple[Family, ...]
    pairs: Mapping[tuple[str, str], Decimal]
    as_of: str
    learnt: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)
    """(family, family) to a factor measured on this log's trials: it wins over the file."""
    _seen: dict[tuple[str, str], Decimal] = field(default_factory=dict, repr=False, compare=False)

    def family(self, ref: str) -> str | None:
        """The family of a `provider/model`; the last of the file that matches, None where none does."""
        return next((f.name for f in reversed(self.families) if f.models.search(ref.lower())), None)

    def factor(self, incumbent: str, candidate: str) -> Decimal:
        """The candidate's tokens per token of the incumbent, for the same text.

        One within a family, and where either family is not known. Else what trials taught, what the file says
        of the pair, or the candidate's high end over the incumbent's low end, which saves least.
        """
        key = (incumbent, candidate)
        if key not in self._seen:
            self._seen[key] = self._factor(self.family(incumbent), self.family(candidate))
        return self._seen[key]

    def _factor(self, old: str | None, new: str | None) -> Decimal:
        if old is None or new is None:
            return ONE
        for known in (self.learnt, self.pairs):
            if (old, new) in known:
                return known[old, new]
        if old == new:
            return ONE
        by_name = {family.name: family for family in self.families}
        return (by_name[new].high / by_name[old].low).quantize(_PLACES)

    def with_learnt(self, learnt: Mapping[tuple[str, str], Decimal]) -> Tokenizers:
        """The same, with factors measured on trials over it."""
        return replace(self, learnt={**self.learnt, **learnt}, _seen={})


@cache
def _shipped() -> Tokenizers:
    text = (files("router_audit") / "data" / "tokenizers.toml").read_text("utf-8")
    return _parse(text, "data/tokenizers.toml")


def read_tokenizers(path: Path | None = None) -> Tokenizers:
    """The shipped file, or the user's; InputError says what cannot be used."""
    if path is None:
        return _shipped()
    try:
        return _parse(path.read_text("utf-8"), str(path))
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(path)) from None
    except UnicodeDecodeError as error:
        raise InputError(f"is not TOML: {error}", where=str(path)) from None


def _parse(text: str, where: str) -> Tokenizers:
    try:
        raw = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"is not TOML: {error}", where=where) from None
    families = tuple(
        _family(table, f"{where}: [[family]] {number}")
        for number, table in enumerate(raw.get("family", []), 1)
    )
    names = {family.name for family in families}
    pairs: dict[tuple[str, str], Decimal] = {}
    for number, table in enumerate(raw.get("pair", []), 1):
        at = f"{where}: [[pair]] {number}"
        if table.get("from") not in names or table.get("to") not in names:
            raise InputError("`from` and `to` must each name a [[family]]", where=at)
        pairs[table["from"], table["to"]] = _factor(table.get("factor"), "factor", at)
    return Tokenizers(families, pairs, str(raw.get("as_of", "")))


def _factor(value: Any, key: str, where: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 < value <= 10:
        raise InputError(f"`{key}` must be a factor above 0 and at most 10", where=where)
    return Decimal(value)


def _family(table: dict[str, Any], where: str) -> Family:
    name, models = table.get("name"), table.get("models")
    if not isinstance(name, str) or not isinstance(models, str):
        raise InputError("needs `name` and `models`, a pattern of model names", where=where)
    try:
        pattern = re.compile(models)
    except re.error as error:
        raise InputError(f"`models` is no pattern: {error}", where=where) from None
    low = _factor(table.get("low"), "low", where)
    high = _factor(table.get("high"), "high", where)
    if high < low:
        raise InputError("`high` is below `low`", where=where)
    return Family(name, pattern, low, high, str(table.get("source", "")))
