"""opencode: message files of its storage, and exported sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from router_audit.adapters import usage
from router_audit.adapters.blocks import as_record
from router_audit.adapters.clock import between_ms, number, utc
from router_audit.adapters.conversation import messages_in
from router_audit.adapters.dialects import counted, logged
from router_audit.adapters.names import provider_named, text_or_none
from router_audit.adapters.protocol import Each
from router_audit.types import Filtered, Merged, Message, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router_audit.adapters.protocol import Reader, Record


class _OpenCode:
    """Reads one call per assistant message; a message file holds no text, an export does."""

    source = "opencode"
    reads = "message files and exported sessions of opencode"
    ordered = False

    def detects(self, record: Record) -> bool:
        """A message of a session, or an export of one."""
        if "sessionID" in record and "role" in record:
            return True
        turns = record.get("messages")
        first = turns[0] if isinstance(turns, list) and turns else None
        return "info" in record and isinstance(first, dict) and "info" in first

    def reader(self, file: str) -> Reader:
        """See `Adapter.reader`."""
        return Each(file, _read)


def _read(record: Record, file: str, line: int) -> Iterator[Outcome]:
    if "sessionID" in record:
        yield _call(record, [], [], file, line)
        return
    asked: list[Message] = []
    for turn in map(as_record, record["messages"]):
        info, parts = as_record(turn.get("info")), turn.get("parts")
        if info.get("role") == "user":
            asked = messages_in([{"role": "user", "content": parts}])
            yield Merged()
        else:
            yield _call(info, asked, messages_in([{"role": "assistant", "content": parts}]), file, line)


def _call(
    info: dict[str, Any], asked: list[Message], answered: list[Message], file: str, line: int
) -> Outcome:
    if info.get("role") != "assistant":
        return Filtered("no model call: a user's message")
    raw, time = as_record(info.get("tokens")), as_record(info.get("time"))
    cache = as_record(raw.get("cache"))
    told = usage.exclusive(
        usage.count(raw.get("input")),
        usage.count(raw.get("output")),
        cache_read=usage.count(cache.get("read")),
        cache_write=usage.count(cache.get("write")),
        reasoning=usage.count(raw.get("reasoning")),
        total=usage.count(raw.get("total")),
    )
    started, flag = utc(time.get("created"), naive="utc")
    error = as_record(info.get("error"))
    fields = {
        "started_at": started,
        "latency_ms": between_ms(started, utc(time.get("completed"), naive="utc")[0]),
        "provider": provider_named(info.get("providerID")),
        "request_model": text_or_none(info.get("modelID")),
        "messages": asked,
        "output": answered,
        **counted(told),
        "logged_cost_usd": repr(info["cost"]) if number(info.get("cost")) else None,
        "status": "error" if error else None,
        "error_type": text_or_none(error.get("name")),
        "finish_reason": text_or_none(info.get("finish")),
        "session_id": text_or_none(info.get("sessionID")),
        "parent_id": text_or_none(info.get("parentID")),
        "project": text_or_none(as_record(info.get("path")).get("cwd")),
        "flags": [*told.flags, *([flag] if flag else []), "history_omitted"],
    }
    native = ("message", info.get("sessionID"), info.get("id"))
    return logged(fields, source=OPENCODE.source, file=file, line=line, native=native)


OPENCODE = _OpenCode()
