"""pi, the coding agent: session files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from router_audit.adapters import usage
from router_audit.adapters.blocks import as_record, as_text
from router_audit.adapters.clock import between_ms, number, utc
from router_audit.adapters.conversation import messages_in
from router_audit.adapters.dialects import counted, logged
from router_audit.adapters.names import provider_named, text_or_none
from router_audit.types import Filtered, Merged, Message, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from router_audit.adapters.protocol import Record


class _Pi:
    """Reads one call per assistant message; usage of zero on an aborted call means that nobody counted."""

    source = "pi"
    reads = "session files of the pi coding agent"
    ordered = True

    def detects(self, record: Record) -> bool:
        """A session line, a model change, or an enveloped message of pi's roles."""
        kind = str(record.get("type"))
        if kind == "session":
            return "cwd" in record and "timestamp" in record
        if kind in {"model_change", "thinking_level_change", "compaction", "branch_summary"}:
            return "timestamp" in record and "payload" not in record
        message = record.get("message")
        return kind == "message" and isinstance(message, dict) and "role" in message and "timestamp" in record

    def reader(self, file: str) -> Reader:
        """See `Adapter.reader`."""
        return Reader(file)


class Reader:
    """Follows one session."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._session: dict[str, Any] = {}
        self._asked: list[Message] = []

    def feed(self, record: Record, line: int) -> Iterable[Outcome]:
        """See `Reader.feed` of the protocol."""
        message = as_record(record.get("message"))
        if record.get("type") == "session":
            self._session = record
            yield Merged()
        elif record.get("type") != "message":
            yield Filtered(f"no model call: {str(record.get('type'))[:40]}")
        elif message.get("role") == "assistant":
            yield self._call(record, message, line)
        else:
            self._asked += messages_in([_spoken(message)])
            yield Merged()

    def close(self) -> Iterator[Outcome]:
        """See `Reader.close` of the protocol."""
        return iter(())

    def _call(self, record: Record, message: dict[str, Any], line: int) -> Outcome:
        raw = as_record(message.get("usage"))
        told = _tokens(raw)
        started, flag = utc(message.get("timestamp") or record.get("timestamp"), naive="utc")
        cost = as_record(raw.get("cost")).get("total")
        reason = text_or_none(message.get("stopReason"))
        failed = reason in {"error", "aborted"}
        session = text_or_none(self._session.get("id"))
        fields = {
            "response_id": text_or_none(message.get("responseId")),
            "started_at": started,
            "latency_ms": between_ms(started, utc(record.get("timestamp"), naive="utc")[0]) or None,
            "provider": provider_named(message.get("provider")),
            "request_model": text_or_none(message.get("model")),
            "messages": self._asked,
            "output": messages_in([_spoken(message)], "assistant") if message.get("content") else [],
            **counted(told),
            "logged_cost_usd": repr(cost) if number(cost) else None,
            "status": "error" if failed else None,
            "error_type": reason if failed else None,
            "finish_reason": reason,
            "session_id": session,
            "parent_id": text_or_none(record.get("parentId")),
            "project": text_or_none(self._session.get("cwd")),
            "flags": [*told.flags, *([flag] if flag else []), "history_omitted"],
        }
        self._asked = []
        native = ("message", session, record.get("id"), message.get("timestamp"), as_text(raw))
        return logged(fields, source=PI.source, file=self._file, line=line, native=native)


def _spoken(message: dict[str, Any]) -> dict[str, Any]:
    return {
        "role": message.get("role"),
        "content": message.get("content"),
        "tool_call_id": message.get("toolCallId"),
        "name": message.get("toolName"),
    }


def _tokens(raw: dict[str, Any]) -> usage.Usage:
    if not any(number(raw.get(name)) for name in ("input", "output", "cacheRead", "cacheWrite")):
        return usage.Usage(flags=("no_tokens",))
    return usage.exclusive(
        usage.count(raw.get("input")),
        usage.count(raw.get("output")),
        cache_read=usage.count(raw.get("cacheRead")),
        cache_write=usage.count(raw.get("cacheWrite")),
        reasoning=usage.count(raw.get("reasoning")),
        total=usage.count(raw.get("totalTokens")),
    )


PI = _Pi()
