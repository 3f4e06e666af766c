"""When two answers say the same: normalised text, and values compared field by field."""

from __future__ import annotations

import json
import re
import unicodedata
from decimal import Decimal, InvalidOperation
from typing import Any

_FENCE = re.compile(r"\A\s*```[a-zA-Z]*\s*\n(.*?)\n?\s*```\s*\Z", re.DOTALL)
_EDGES = "\"'`“”‘’«».,;:!()[]{}*_ \t\r\n"
_NUMBER = re.compile(
    r"\A[^\w+\-−–.$€£¥]*(?P<sign>[-+−–])?\s*(?P<before>[$€£¥])?\s*(?P<number>\d[\d,  ']*(?:\.\d+)?|\.\d+)(?P<power>[eE][-+]?\d{1,3})?\s*"
    r"(?P<unit>%|[$€£¥]|[A-Za-zµ°²³/]{0,12})?[\s.]*\Z"
)
_CURRENCIES = {"$": "usd", "€": "eur", "£": "gbp", "¥": "jpy"}
LONGEST = 4_000
"""Characters beyond which a text is no number, label or short answer: not searched."""


def normal(text: str) -> str:
    """Lower case, composed, one space for any run of white space, without quotes and full stops at its edges."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(plain.split()).strip(_EDGES)


def unfenced(text: str) -> str:
    """The text within a Markdown code fence, where that is all there is."""
    found = _FENCE.match(text)
    return found[1] if found else text.strip()


def as_json(text: str) -> Any:
    """The value of a text that is JSON, fenced or not. Raises ValueError where it is none."""
    try:
        return json.loads(unfenced(text))
    except RecursionError:
        raise ValueError("nested too deep") from None


def quantity(text: str) -> tuple[Decimal, str] | None:
    """The number a short text consists of and its unit, "" for none; None where it is no number.

    Thousands separators are allowed; currency signs are read as their codes.
    """
    found = _NUMBER.match(text.strip().strip("*`")) if len(text) <= 60 else None
    if not found:
        return None
    sign = "-" if found["sign"] in {"-", "−", "–"} else ""
    digits = re.sub(r"[,  ']", "", found["number"])
    unit = (found["before"] or found["unit"] or "").casefold()
    try:
        return Decimal(sign + digits + (found["power"] or "")), _CURRENCIES.get(unit, unit)
    except InvalidOperation:
        return None


def same_quantity(one: tuple[Decimal, str], other: tuple[Decimal, str]) -> bool:
    """The same number, and no other unit: a unit may be left out."""
    return same_number(one[0], other[0]) and (one[1] == other[1] or not one[1] or not other[1])


def same_number(one: Decimal, other: Decimal) -> bool:
    """Equal to one part in a million."""
    return abs(one - other) <= Decimal("1e-6") * max(abs(one), abs(other))


def same_value(one: Any, other: Any) -> bool:
    """Two JSON values say the same: texts normalised, numbers to one part in a million, lists in order."""
    if isinstance(one, dict) and isinstance(other, dict):
        filled = {key for key, value in one.items() if value is not None}
        return filled == {key for key, value in other.items() if value is not None} and all(
            same_value(one[key], other[key]) for key in filled
        )
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_value, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    left, right = _scalar(one), _scalar(other)
    if isinstance(left, Decimal) and isinstance(right, Decimal):
        return same_number(left, right)
    return type(left) is type(right) and left == right


def _scalar(value: Any) -> Any:
    if isinstance(value, int | float):
        found = Decimal(str(value))
        return found if found.is_finite() else str(value)
    if isinstance(value, str):
        return normal(value)
    return value
