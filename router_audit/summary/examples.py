"""Three requests of every route, as a reader may see them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import polars as pl

from router_audit.types.report import Example

if TYPE_CHECKING:
    from collections.abc import Mapping

PER_ROUTE = 3
LONGEST = 280
_LOOK_AT = 4_000

_MASKS = (
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), "[e-mail]"),
    (re.compile(r"https?://[^\s<>\"']+"), "[link]"),
    (re.compile(r"\b(?:[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}|(?:\d[ -]?){13,19})\b"), "[account]"),
    (re.compile(r"(?<![\w.])\+?\d[\d ()/-]{6,}\d"), "[number]"),
    (re.compile(r"\b(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{16,}\b"), "[key]"),
    (re.compile(r"\d"), "•"),
)
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def typical_requests(frame: pl.DataFrame) -> dict[str, tuple[str, int]]:
    """Of each route's three most used templates one request each: its id to (route, requests of the template)."""
    tagged = frame.filter(pl.col("profile").is_not_null())
    if tagged.is_empty():
        return {}
    counted = (
        tagged.group_by(pl.concat_str("profile", "context", separator="/").alias("route"), "template_id")
        .agg(pl.len().alias("n"), pl.col("request_id").min())
        .sort(["route", "n", "template_id"], descending=[False, True, False])
        .group_by("route", maintain_order=True)
        .head(PER_ROUTE)
    )
    return {row["request_id"]: (row["route"], row["n"]) for row in counted.iter_rows(named=True)}


def example_of(row: Mapping[str, Any], route: str, like_it: int, *, redact: bool) -> Example:
    """A stored request (`file`, `line`, `messages`) as an example; without its text where `redact` says so."""
    where = f"{str(row['file']).replace(chr(92), '/').rsplit('/', 1)[-1]}:{row['line']}"
    return Example(route, where, "" if redact else masked_text(_last_words(row["messages"])), like_it)


def masked_text(text: str) -> str:
    """At most 280 characters, with addresses, links, keys, long numbers and every digit masked.

    Characters that steer a terminal or turn the direction of writing are taken out.
    """
    seen = " ".join(_UNSEEN.sub("", text[:_LOOK_AT]).split())
    for pattern, instead in _MASKS:
        seen = pattern.sub(instead, seen)
    return seen if len(seen) <= LONGEST else seen[: LONGEST - 1].rstrip() + "…"


def _last_words(messages: str) -> str:
    """The text of the last user turn that has any, else of the last turn that has any."""
    try:
        turns = json.loads(messages)
    except ValueError:
        return ""
    said: list[tuple[str, str]] = []
    for turn in turns if isinstance(turns, list) else ():
        parts = turn.get("parts") if isinstance(turn, dict) else None
        words = [
            part["content"]
            for part in (parts if isinstance(parts, list) else ())
            if isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("content"), str)
        ]
        if any(word.strip() for word in words):
            said.append((str(turn.get("role")), "\n".join(words)))
    users = [words for role, words in said if role == "user"]
    return users[-1] if users else (said[-1][1] if said else "")
