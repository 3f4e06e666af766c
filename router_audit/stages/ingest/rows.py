"""Requests as columns: what the store keeps of each, checked and masked, in Parquet shards that DuckDB loads."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec

from router_audit.adapters.protocol import RecordError
from router_audit.adapters.usage import MOST_TOKENS
from router_audit.stages.ingest import mask, redact

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from router_audit.types import LoggedRequest, Message, Rejected

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
MASKED = ("messages", "output", "params", "routing", "tags", "error_type", "user_id", "session_id")
"""Columns in which a caller may have put anything."""

FEW = (
    "source", "file", "provider", "request_model", "response_model", "region", "template_id", "params",
    "service_tier", "status", "error_type", "finish_reason", "team", "project", "tags", "outcome_origin",
    "routing", "flags", "half", "user_id", "reason",
)  # fmt: skip
"""Columns with few distinct values, for which a dictionary is worth its making."""

KNOWN = (
    "response_id", "started_at", "latency_ms", "time_to_first_token_ms", "provider", "request_model",
    "response_model", "region", "messages", "output", "params", "input_tokens", "output_tokens",
    "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens", "reasoning_tokens",
    "logged_cost_usd", "service_tier", "finish_reason", "session_id", "trace_id", "parent_id", "user_id",
    "team", "project", "tags", "resolved", "outcome_score", "routing",
)  # fmt: skip
"""Bits of `known`, so that a record which tells nothing new of a stored call is seen without reading its text."""

_COUNTS = COUNTS[1:7]
_COLLECTIONS = {"messages": "[]", "output": "[]", "params": "{}", "tags": "[]", "routing": "{}"}
_LARGEST_COST = Decimal(10) ** 9
_LEAST = 1 << 29
_encode = msgspec.json.Encoder().encode
_encode_sorted = msgspec.json.Encoder(order="sorted").encode


def _hash(*parts: bytes) -> str:
    return blake2b(b"\x1f".join(parts), digest_size=16).hexdigest()


NO_TEMPLATE = _hash(b"\x00", b"[]", b"\x00")
"""The template of a call that has neither system prompt nor tools nor response format."""


def content_hash(template: str, conversation: bytes) -> str:
    """What identifies equal prompts: template and messages as they are stored, whatever wrote the log."""
    return blake2b(template.encode() + conversation, digest_size=16).hexdigest()


def ask_hash(conversation: list[Message]) -> str | None:
    """What identifies the question, if it is a user's turn that the call answers; case and outer spaces aside."""
    if not conversation or conversation[-1].role != "user":
        return None
    parts = conversation[-1].parts
    said = (
        parts[0].content if len(parts) == 1 else "\n".join([part.content for part in parts if part.content])
    )
    if not said:
        return None
    return blake2b(said.strip().lower().encode("utf-8", "replace"), digest_size=8).hexdigest()


def _check(request: LoggedRequest) -> None:
    for name in _COUNTS:
        value = getattr(request, name)
        if value is not None and (value.__class__ is not int or not 0 <= value <= MOST_TOKENS):
            raise RecordError(f"{name} is no token count: {str(value)[:40]}")


def _cost(raw: str) -> str | None:
    try:
        value = Decimal(raw)
    except InvalidOperation:
        return None
    return f"{value:.10f}" if value.is_finite() and 0 <= value < _LARGEST_COST else None


class Shard:
    """Rows under way to one Parquet file, with the templates they use and the rejects among them."""

    def __init__(self, number: int, *, redacting: bool = False) -> None:
        self.number = number
        self.rejects: list[Rejected] = []
        self._redacting = redacting
        self._rows: list[tuple[Any, ...]] = []
        self._templates: dict[tuple[str | None, bytes, bytes | None], str] = {}

    @property
    def rows(self) -> int:
        """How many rows there are so far."""
        return len(self._rows)

    def _template(self, request: LoggedRequest) -> str:
        tools = _encode_sorted(request.tools) if request.tools else b"[]"
        shape = None if request.response_format is None else _encode_sorted(request.response_format)
        key = (request.system, tools, shape)
        made = self._templates.get(key)
        if made is None:
            system = b"\x00" if request.system is None else request.system.encode("utf-8", "replace")
            made = self._templates[key] = _hash(system, tools, shape or b"\x00")
        return made

    def add(self, request: LoggedRequest) -> None:
        """One more row; raises RecordError where its numbers are impossible."""
        if self._redacting:
            request = redact.redacted(request)
        try:
            counts = (
                (request.input_tokens or 0)
                | (request.output_tokens or 0)
                | (request.cache_read_tokens or 0)
                | (request.cache_write_tokens or 0)
                | (request.cache_write_1h_tokens or 0)
                | (request.reasoning_tokens or 0)
            )
            suspect = not 0 <= counts < _LEAST
        except TypeError:
            suspect = True
        if suspect:
            _check(request)
        cost = request.logged_cost_usd
        conversation = _encode(request.messages)
        template = self._template(request)
        self._rows.append(
            (
                request.request_id,
                request.source,
                request.file,
                request.response_id,
                request.provider,
                request.request_model,
                request.response_model,
                request.region,
                template,
                conversation,
                _encode(request.output),
                _encode_sorted(request.params) if request.params else b"{}",
                None if cost is None else _cost(cost),
                request.service_tier,
                request.status,
                request.error_type,
                request.finish_reason,
                request.session_id,
                request.trace_id,
                request.parent_id,
                request.user,
                request.team,
                request.project,
                _encode(request.tags) if request.tags else b"[]",
                request.outcome_origin,
                _encode_sorted(request.routing) if request.routing else b"{}",
                _encode(request.flags) if request.flags else b"[]",
                content_hash(template, conversation),
                None if request.session_id is None else ask_hash(request.messages),
                request.half,
                request.join_key,
                request.line,
                request.input_tokens,
                request.output_tokens,
                request.cache_read_tokens,
                request.cache_write_tokens,
                request.cache_write_1h_tokens,
                request.reasoning_tokens,
                request.retry_count,
                request.latency_ms,
                request.time_to_first_token_ms,
                request.outcome_score,
                request.started_at,
                request.resolved,
            )
        )

    def write(self, folder: Path) -> None:
        """The rows, templates and rejects as Parquet files of this shard's number in the folder."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        for kind, table in (
            ("requests", self._requests(pa)),
            ("templates", self._template_rows(pa)),
            ("rejects", self._reject_rows(pa)),
        ):
            if table is not None:
                pq.write_table(
                    table,
                    folder / f"{kind}-{self.number:06}.parquet",
                    compression="lz4",
                    use_dictionary=[name for name in FEW if name in table.column_names],
                    write_statistics=False,
                    store_schema=False,
                )

    def _requests(self, pa: Any) -> pa.Table | None:
        if not self._rows:
            return None
        columns = dict(zip(COLUMNS, zip(*self._rows, strict=True), strict=True))
        arrays = {name: _strings(pa, columns[name]) for name in TEXTS}
        arrays |= {name: pa.array(columns[name], pa.int64()) for name in COUNTS}
        arrays |= {name: pa.array(columns[name], pa.float64()) for name in NUMBERS}
        arrays["started_at"] = pa.array(columns["started_at"], pa.timestamp("us", "UTC")).cast(
            pa.timestamp("us")
        )
        arrays["resolved"] = pa.array(columns["resolved"], pa.bool_())
        first = self.number << 20
        arrays["place"] = pa.array(range(first, first + len(self._rows)), pa.int64())
        arrays["known"] = _known(arrays)
        return pa.table(mask.masked(arrays, MASKED))

    def _template_rows(self, pa: Any) -> pa.Table | None:
        if not self._templates:
            return None
        system, tools, shape = zip(*self._templates, strict=True)
        arrays = {
            "template_id": pa.array(list(self._templates.values()), pa.large_string()),
            "system": _strings(
                pa, [None if text is None else text.encode("utf-8", "replace") for text in system]
            ),
            "tools": _strings(pa, tools),
            "response_format": _strings(pa, shape),
        }
        return pa.table(mask.masked(arrays, ("system", "tools")))

    def _reject_rows(self, pa: Any) -> pa.Table | None:
        if not self.rejects:
            return None
        arrays = {
            "file": pa.array([one.file for one in self.rejects], pa.large_string()),
            "line": pa.array([one.line for one in self.rejects], pa.int64()),
            "source": pa.array([one.source for one in self.rejects], pa.large_string()),
            "reason": _strings(pa, [one.reason.encode("utf-8", "replace") for one in self.rejects]),
            "excerpt": _strings(pa, [one.excerpt.encode("utf-8", "replace") for one in self.rejects]),
        }
        return pa.table(mask.masked(arrays, ("reason", "excerpt")))


def _known(arrays: dict[str, Any]) -> Any:
    """For every row the bits of the columns it fills."""
    import numpy as np
    import pyarrow.compute as pc

    bits = np.zeros(len(arrays["place"]), np.int64)
    for bit, name in enumerate(KNOWN):
        array = arrays[name]
        if array.null_count < len(array):
            empty = _COLLECTIONS.get(name)
            told = array.is_valid() if empty is None else pc.not_equal(array, empty)
            bits |= told.to_numpy(zero_copy_only=False).astype(np.int64) << bit
    return bits


def _strings(pa: Any, values: Any) -> Any:
    """A text column, of texts or of UTF-8 bytes."""
    first = next((value for value in values if value is not None), "")
    if first.__class__ is bytes:
        return pa.array(values, pa.large_binary()).cast(pa.large_string())
    return pa.array(values, pa.large_string())
