"""Token counts of a map in which cached and reasoning tokens stand in or beside the sums, version by version."""

from __future__ import annotations

from typing import Any

from router_audit.adapters import usage
from router_audit.adapters.blocks import as_record

_READ = ("input_cached_tokens", "input_cache_read", "cache_read_input_tokens", "input_cached",
         "prompt_details.cache_read")  # fmt: skip
_WRITE = (
    "input_cache_creation",
    "cache_creation_input_tokens",
    "input_cache_write",
    "prompt_details.cache_write",
)
_REASONING = (
    "output_reasoning",
    "output_reasoning_tokens",
    "reasoning_tokens",
    "completion_details.reasoning",
)


def tokens(row: dict[str, Any]) -> usage.Usage:
    """Token counts of a usage map whose cached and reasoning tokens stand in or beside the sums by version.

    Langfuse's own total says which; without one, keys that start with `input_` or `output_` stand beside.
    """
    details = as_record(row.get("usage_details")) or as_record(row.get("usage"))
    if str(details.get("unit") or "TOKENS") != "TOKENS":
        return usage.NOTHING
    known = {
        name: usage.count(value, name) for name, value in details.items() if name != "unit" and _counts(value)
    }
    asked = _first(known, "input", "input_tokens", "promptTokens", "prompt_tokens")
    answered = _first(known, "output", "output_tokens", "completionTokens", "completion_tokens")
    if not known:
        asked, answered = (
            usage.count(row.get("input_usage")) or None,
            usage.count(row.get("output_usage")) or None,
        )
    read, write, reasoning = _first(known, *_READ), _first(known, *_WRITE), _first(known, *_REASONING)
    cached, total = (read or 0) + (write or 0), _first(known, "total", "totalTokens", "total_tokens")
    readings = [(i, o) for i in (0, cached) for o in (0, reasoning or 0)]
    usual = (
        0 if "prompt_details.cache_read" in known else cached,
        0 if "completion_details.reasoning" in known else reasoning or 0,
    )
    plain = (asked or 0) + (answered or 0)
    fitting = [reading for reading in readings if total and plain + sum(reading) == total]
    beside = usual if usual in fitting or not fitting else fitting[0]
    flags = (usage.TOTAL_MISMATCH,) if total and not fitting else ()
    return usage.Usage(
        None if asked is None else asked + beside[0],
        None if answered is None else answered + beside[1],
        read,
        write,
        _first(known, "input_cache_creation_1h"),
        reasoning,
        flags,
    )


def _counts(value: Any) -> bool:
    return value is not None and value != "" and not isinstance(value, (dict, list, bool))


def _first(known: dict[str, int | None], *names: str) -> int | None:
    return next((known[name] for name in names if known.get(name) is not None), None)
