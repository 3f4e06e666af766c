"""Requests as columns: what the store keeps of each, checked, in Parquet shards that DuckDB loads."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec

from router_audit.adapters.protocol import RecordError
from router_audit.adapters.usage import MOST_TOKENS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pyarrow as pa

    from router_audit.types import LoggedRequest, Message, Rejected

TEXT_COLUMNS = [
    "request_id",
    "source",
    "file",
    "response_id",
    "provider",
    "request_model",
    "response_model",
    "region",
    "template_id",
    "messages",
    "output",
    "params",
    "logged_cost_usd",
    "service_tier",
    "status",
    "error_type",
    "finish_reason",
    "session_id",
    "trace_id",
    "parent_id",
    "user_id",
    "team",
    "project",
    "tags",
    "outcome_origin",
    "routing",
    "flags",
    "content_hash",
    "half",
    "join_key",
]
COUNT_COLUMNS = [
    "line",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "reasoning_tokens",
    "retry_count",
    "place",
    "known",
]
NUMBER_COLUMNS = ("latency_ms", "time_to_first_token_ms", "outcome_score")

_KNOWN = tuple(
    (1 << bit, name)
    for bit, name in enumerate(
        [
            "response_id",
            "started_at",
            "latency_ms",
            "time_to_first_token_ms",
            "provider",
            "request_model",
            "response_model",
            "region",
            "messages",
            "output",
            "params",
            "input_tokens",
            "output_tokens",
            "cache_read_tokens",
            "cache_write_tokens",
            "cache_write_1h_tokens",
            "reasoning_tokens",
            "logged_cost_usd",
            "service_tier",
            "finish_reason",
            "session_id",
            "trace_id",
            "parent_id",
            "user_id",
            "team",
            "project",
            "tags",
            "resolved",
            "outcome_score",
            "routing",
        ]
    )
)
"""Bits of `known`, so that a record which tells nothing new of a stored call is seen without reading its text."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LARGEST_COST = Decimal(10) ** 9
_encode = msgspec.json.Encoder().encode
_EMPTY_LIST = b"[]"
_EMPTY_MAP = b"{}"

_KEY_MARKS = (
    b"sk-",
    b"sk_",
    b"AKIA",
    b"ghp_",
    b"gho_",
    b"github_pat_",
    b"xox",
    b"AIza",
    b"hf_",
    b"gsk_",
    b"glpat-",
    b"Bearer ",
    b"PRIVATE KEY",
    b"eyJ",
)
"""Cheap to look for; the expressions below are not."""
_KEYS = re.compile(
    rb"sk-[A-Za-z0-9_-]{16,}|sk_(?:live|test)_[A-Za-z0-9]{16,}|AKIA[0-9A-Z]{16}|gh[po]_[A-Za-z0-9]{30,}"
    rb"|github_pat_[A-Za-z0-9_]{30,}|xox[abprs]-[A-Za-z0-9-]{10,}|AIza[0-9A-Za-z_-]{30,}|hf_[A-Za-z0-9]{30,}"
    rb"|gsk_[A-Za-z0-9]{30,}|glpat-[A-Za-z0-9_-]{16,}|(?<=Bearer )[A-Za-z0-9._~+/=-]{20,}"
    rb"|-----BEGIN [A-Z ]*PRIVATE KEY-----.{0,8000}?-----END [A-Z ]*PRIVATE KEY-----"
    rb"|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
    re.DOTALL,
)
MASK = b"[api key]"


def mask_keys(raw: bytes) -> bytes:
    """The text with API keys, tokens and private keys replaced: they are never stored."""
    for mark in _KEY_MARKS:
        if mark in raw:
            return _KEYS.sub(MASK, raw)
    return raw


def _hash(*parts: bytes) -> str:
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(part)
        digest.update(b"\x1f")
    return digest.hexdigest()


def content_hash(system: str | None, conversation: list[Message]) -> str:
    """What identifies equal prompts: the text of system and messages, whatever wrote the log."""
    texts = [system or ""]
    for message in conversation:
        texts.append(message.role)
        for part in message.parts:
            if part.content is not None:
                texts.append(part.content)
            elif part.type != "text":
                texts.append(
                    _encode((part.name, part.arguments, part.response, part.sha256)).decode(
                        "utf-8", "replace"
                    )
                )
    return blake2b("\x1f".join(texts).encode("utf-8", "replace"), digest_size=16).hexdigest()


def _check(request: LoggedRequest) -> None:
    for name in (
        "input_tokens",
        "output_tokens",
        "cache_read_tokens",
        "cache_write_tokens",
        "cache_write_1h_tokens",
        "reasoning_tokens",
    ):
        value = getattr(request, name)
        if value is not None and (value.__class__ is not int or not 0 <= value <= MOST_TOKENS):
            raise RecordError(f"{name} is no token count: {str(value)[:40]}")


def _cost(raw: str | None) -> str | None:
    if raw is None:
        return None
    try:
        value = Decimal(raw)
    except InvalidOperation:
        return None
    return f"{value:.10f}" if value.is_finite() and 0 <= value < _LARGEST_COST else None


NO_TEMPLATE = _hash(b"\x00", b"[]", b"\x00")
"""The template of a call that has neither system prompt nor tools nor response format."""


class Shard:
    """Rows under way to one Parquet file, with the templates they use and the rejects among them."""

    def __init__(self, number: int, redact: Callable[[bytes], bytes] | None = None) -> None:
        self.number = number
        self.rows = 0
        self.columns: dict[str, list[Any]] = {
            name: [] for name in (*TEXT_COLUMNS, *COUNT_COLUMNS, *NUMBER_COLUMNS, "started_at", "resolved")
        }
        self.templates: dict[str, tuple[bytes | None, bytes, bytes | None]] = {}
        self.rejects: list[Rejected] = []
        self._redact = redact

    def _text(self, value: Any) -> bytes:
        raw = mask_keys(_encode(value))
        return self._redact(raw) if self._redact else raw

    def add(self, request: LoggedRequest) -> None:
        """One more row; raises RecordError where its numbers are impossible."""
        _check(request)
        columns = self.columns
        system = None if request.system is None else self._text(request.system)
        tools = self._text(request.tools) if request.tools else _EMPTY_LIST
        shape = None if request.response_format is None else _encode(request.response_format)
        template = _hash(system or b"\x00", tools, shape or b"\x00")
        if template not in self.templates:
            # The encoded text is JSON; the column holds the text itself.
            plain = None if system is None else msgspec.json.decode(system).encode("utf-8", "replace")
            self.templates[template] = (plain, tools, shape)
        started = request.started_at
        values = {
            "request_id": request.request_id,
            "source": request.source,
            "file": request.file,
            "line": request.line,
            "response_id": request.response_id,
            "started_at": None if started is None else (started - _EPOCH) // _MICROSECOND,
            "latency_ms": request.latency_ms,
            "time_to_first_token_ms": request.time_to_first_token_ms,
            "provider": request.provider,
            "request_model": request.request_model,
            "response_model": request.response_model,
            "region": request.region,
            "template_id": template,
            "messages": self._text(request.messages) if request.messages else _EMPTY_LIST,
            "output": self._text(request.output) if request.output else _EMPTY_LIST,
            "params": _encode(request.params) if request.params else _EMPTY_MAP,
            "input_tokens": request.input_tokens,
            "output_tokens": request.output_tokens,
            "cache_read_tokens": request.cache_read_tokens,
            "cache_write_tokens": request.cache_write_tokens,
            "cache_write_1h_tokens": request.cache_write_1h_tokens,
            "reasoning_tokens": request.reasoning_tokens,
            "logged_cost_usd": _cost(request.logged_cost_usd),
            "service_tier": request.service_tier,
            "status": request.status,
            "error_type": request.error_type,
            "finish_reason": request.finish_reason,
            "session_id": request.session_id,
            "trace_id": request.trace_id,
            "parent_id": request.parent_id,
            "user_id": request.user,
            "team": request.team,
            "project": request.project,
            "tags": _encode(request.tags) if request.tags else _EMPTY_LIST,
            "retry_count": min(request.retry_count, 1_000_000),
            "resolved": request.resolved,
            "outcome_origin": request.outcome_origin,
            "outcome_score": request.outcome_score,
            "routing": self._text(request.routing) if request.routing else _EMPTY_MAP,
            "flags": _encode(request.flags) if request.flags else _EMPTY_LIST,
            "content_hash": content_hash(request.system, request.messages),
            "half": request.half,
            "join_key": request.join_key,
            "place": (self.number << 32) | self.rows,
        }
        values["known"] = sum(
            bit
            for bit, name in _KNOWN
            if values[name] is not None and values[name] not in (_EMPTY_LIST, _EMPTY_MAP)
        )
        for name, value in values.items():
            columns[name].append(value)
        self.rows += 1

    def write(self, folder: Path) -> None:
        """The rows, templates and rejects as Parquet files of this shard's number in the folder."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self.rows:
            pq.write_table(self._table(pa), folder / f"requests-{self.number:06}.parquet", compression="lz4")
        if self.templates:
            names = list(self.templates)
            system, tools, shape = zip(*self.templates.values(), strict=True)
            table = pa.table(
                {
                    "template_id": pa.array(names, pa.string()),
                    "system": _strings(pa, list(system)),
                    "tools": _strings(pa, list(tools)),
                    "response_format": _strings(pa, list(shape)),
                }
            )
            pq.write_table(table, folder / f"templates-{self.number:06}.parquet", compression="lz4")
        if self.rejects:
            table = pa.table(
                {
                    "file": pa.array([entry.file for entry in self.rejects], pa.string()),
                    "line": pa.array([entry.line for entry in self.rejects], pa.int64()),
                    "source": pa.array([entry.source for entry in self.rejects], pa.string()),
                    "reason": _strings(
                        pa, [mask_keys(entry.reason.encode("utf-8", "replace")) for entry in self.rejects]
                    ),
                    "excerpt": _strings(pa, [self._plain(entry.excerpt) for entry in self.rejects]),
                }
            )
            pq.write_table(table, folder / f"rejects-{self.number:06}.parquet", compression="lz4")

    def _plain(self, text: str) -> bytes:
        raw = mask_keys(text.encode("utf-8", "replace"))
        return self._redact(raw) if self._redact else raw

    def _table(self, pa: Any) -> pa.Table:
        columns = self.columns
        arrays: dict[str, Any] = {}
        for name in TEXT_COLUMNS:
            arrays[name] = _strings(pa, columns[name])
        for name in COUNT_COLUMNS:
            arrays[name] = pa.array(columns[name], pa.int64())
        for name in NUMBER_COLUMNS:
            arrays[name] = pa.array(columns[name], pa.float64())
        arrays["started_at"] = pa.array(columns["started_at"], pa.timestamp("us"))
        arrays["resolved"] = pa.array(columns["resolved"], pa.bool_())
        return pa.table(arrays)


def _strings(pa: Any, values: list[Any]) -> Any:
    """A string column of texts and of UTF-8 bytes."""
    if any(value.__class__ is bytes for value in values):
        return pa.array(values, pa.large_binary()).cast(pa.large_string())
    return pa.array(values, pa.large_string())
