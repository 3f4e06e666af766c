"""The columns of a staged call: what the store keeps of each, checked and masked, as Arrow."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from router_audit.stages.ingest import mask

if TYPE_CHECKING:
    import pyarrow as pa

TEXTS = (
    "request_id", "source", "file", "response_id", "provider", "request_model", "response_model", "region",
    "template_id", "messages", "output", "params", "logged_cost_usd", "service_tier", "status",
    "error_type", "finish_reason", "session_id", "trace_id", "parent_id", "user_id", "team", "project",
    "tags", "outcome_origin", "routing", "flags", "content_hash", "ask_hash", "half", "join_key",
)  # fmt: skip
COUNTS = (
    "line", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens",
    "cache_write_1h_tokens", "reasoning_tokens", "retry_count",
)  # fmt: skip
NUMBERS = ("latency_ms", "time_to_first_token_ms", "outcome_score")
COLUMNS = (*TEXTS, *COUNTS, *NUMBERS, "started_at", "resolved")

KEYS = (
    "place", "request_id", "join_key", "half", "source", "started_at", "output_tokens", "known",
    "request_model", "response_model", "body_bytes", "status", "error_type", "template_id", "retry_count", "flags",
    "resolved", "outcome_origin", "ask_hash",
)  # fmt: skip
"""What tells which records are one call, which of them say the same, and which calls are asked for."""

MASKED = ("messages", "output", "params", "routing", "tags", "error_type", "user_id", "session_id")
"""Columns in which a caller may have put anything."""

KNOWN = (
    "response_id", "started_at", "latency_ms", "time_to_first_token_ms", "provider", "request_model",
    "response_model", "region", "messages", "output", "params", "input_tokens", "output_tokens",
    "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens", "reasoning_tokens",
    "logged_cost_usd", "service_tier", "finish_reason", "session_id", "trace_id", "parent_id", "user_id",
    "team", "project", "tags", "resolved", "outcome_score", "routing",
)  # fmt: skip
"""Bits of `known`, so that a record which tells nothing new of a stored call is seen without reading its text."""

UNSAID = {
    "messages": "[]", "output": "[]", "params": "{}", "tags": "[]", "routing": "{}", "flags": "[]",
    "status": "ok", "retry_count": 0,
}  # fmt: skip
"""What a column holds where the log said nothing, and it may not be NULL."""

MOST_RETRIES = 1000
"""A count beyond is kept as this one."""
_LARGEST_COST_USD = Decimal(10) ** 9


def cost_text(raw: str) -> str | None:
    """A cost in USD as DECIMAL takes it; None for what is none."""
    try:
        value = Decimal(raw)
    except InvalidOperation:
        return None
    return f"{value:.10f}" if value.is_finite() and 0 <= value < _LARGEST_COST_USD else None


def types(pa: Any) -> dict[str, Any]:
    """The Arrow type of every staged column."""
    text, count, number = pa.string(), pa.int64(), pa.float64()
    found = dict.fromkeys(TEXTS, text) | dict.fromkeys(COUNTS, count)
    found |= dict.fromkeys(NUMBERS, number)
    return found | {
        "started_at": pa.timestamp("us"),
        "resolved": pa.bool_(),
        "place": count,
        "known": count,
        "body_bytes": count,
    }


def schema() -> pa.Schema:
    """Of the staged calls."""
    import pyarrow as pa

    return pa.schema(list(types(pa).items()))


def batch(columns: dict[str, Any], count: int) -> pa.RecordBatch:
    """The columns (each a sequence of `count` values; those not given hold what `UNSAID` says) as Arrow."""
    import pyarrow as pa
    import pyarrow.compute as pc

    arrays = {
        name: _array(pa, kind, columns.get(name, UNSAID.get(name)), count) for name, kind in types(pa).items()
    }
    arrays = mask.masked(arrays, MASKED)
    arrays["known"] = _known(arrays)
    lengths = [pc.binary_length(arrays[name]) for name in ("messages", "output")]
    arrays["body_bytes"] = pc.add(*lengths).cast(pa.int64())
    return pa.record_batch(arrays)


def _array(pa: Any, kind: Any, values: Any, count: int) -> pa.Array:
    """A column of a list of values, or of one for all."""
    if values.__class__ in (list, tuple):
        if values[0] != values[-1] or values.count(values[0]) < count:
            return strings(pa, values) if kind == pa.string() else pa.array(values, kind)
        values = values[0]
    if values is None:
        return pa.nulls(count, kind)
    return pa.repeat(pa.scalar(values.decode() if values.__class__ is bytes else values, kind), count)


def strings(pa: Any, values: Any) -> pa.Array:
    """A text column, of texts or of UTF-8 bytes."""
    first = next((value for value in values if value is not None), "")
    with suppress(TypeError):  # None among them, or both kinds
        if first.__class__ is bytes:
            return _joined(pa, b"".join(values), values)
        if (text := "".join(values)).isascii():
            return _joined(pa, text.encode(), values)
    if first.__class__ is bytes:
        return pa.array(values, pa.binary()).view(pa.string())
    return pa.array(values, pa.string())


def _joined(pa: Any, text: bytes, values: Any) -> pa.Array:
    """The column whose values are one text, joined: far cheaper than to convert each."""
    import numpy as np

    assert len(text) < 1 << 31, "a shard is flushed long before"
    ends = np.zeros(len(values) + 1, np.int32)
    np.cumsum(np.fromiter(map(len, values), np.int64, len(values)), out=ends[1:], dtype=np.int32)
    return pa.StringArray.from_buffers(len(values), pa.py_buffer(ends), pa.py_buffer(text))


def _known(arrays: dict[str, Any]) -> Any:
    """For every row the bits of the columns it fills."""
    import numpy as np
    import pyarrow.compute as pc

    everywhere = 0
    bits = np.zeros(len(arrays["place"]), np.int64)
    for bit, name in enumerate(KNOWN):
        array = arrays[name]
        if name in UNSAID:
            # What says nothing is two characters long, what says something is longer.
            told = pc.greater(pc.binary_length(array), 2)
        elif not array.null_count:
            everywhere |= 1 << bit
            continue
        elif array.null_count == len(array):
            continue
        else:
            told = array.is_valid()
        bits |= told.to_numpy(zero_copy_only=False).astype(np.int64) << bit
    return bits | everywhere
