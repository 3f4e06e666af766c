"""Simon Willison's `llm`: its log database, up to version 0.31 and since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from router_audit.adapters import usage
from router_audit.adapters.blocks import as_record, decoded
from router_audit.adapters.clock import number, utc
from router_audit.adapters.conversation import messages_in, split_system
from router_audit.adapters.dialects import counted, finish_reason, logged, params_in, tools_in
from router_audit.adapters.names import text_or_none
from router_audit.adapters.protocol import Each, RecordError
from router_audit.logfile import sqlite_rows
from router_audit.types import Message, Outcome, Part, Rejected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router_audit.adapters.protocol import Reader, Record

_RESPONSES = """
    SELECT responses.*, schemas.content AS schema_content
    FROM responses LEFT JOIN schemas ON schemas.id = responses.schema_id ORDER BY responses.id
"""
_TURNS = """
    SELECT turns.*, schemas.content AS schema_content
    FROM turns LEFT JOIN schemas ON schemas.id = turns.schema_id ORDER BY turns.id
"""
_OFFERED = "SELECT {place}_id AS place, name, description, input_schema FROM {table} JOIN tools ON tools.id = tool_id"
_PARTS = "SELECT message_hash, type, tool_name, text, payload FROM parts ORDER BY message_hash, position"
_MOST_TURNS = 10_000
"""Longer chains of messages are a circle."""


class _SimonwLlm:
    """Reads rows of `responses` and of `turns`: an upgraded database has both."""

    source = "simonw_llm"
    reads = "`logs.db` of the `llm` command, both layouts, opened read-only"
    ordered = False

    def detects(self, record: Record) -> bool:
        """A database with its tables."""
        tables = record.get("tables")
        return (
            "sqlite" in record and isinstance(tables, list) and {"responses", "conversations"} <= set(tables)
        )

    def reader(self, file: str) -> Reader:
        """See `Adapter.reader`."""
        return Each(file, _read)


def _read(record: Record, file: str, _line: int) -> Iterator[Outcome]:
    path, tables = str(record["sqlite"]), set(record["tables"])
    offered = _offered(path, tables, "tool_responses", "response")
    line = 0
    for line, row in enumerate(sqlite_rows(path, _RESPONSES), 1):
        yield _safely(row, _old, offered, file, line)
    if "turns" not in tables:
        return
    offered = _offered(path, tables, "turn_tools", "turn")
    thread = _Thread(path)
    for at, row in enumerate(sqlite_rows(path, _TURNS), line + 1):
        yield _safely(row, thread.spoken, offered, file, at)


def _safely(row: dict[str, Any], spoken: Any, offered: dict[str, list[Any]], file: str, line: int) -> Outcome:
    try:
        fields = _common(row) | spoken(row) | {"tools": tools_in(offered.get(str(row["id"])))}
    except RecordError as error:
        return Rejected(file, line, str(error), source=SIMONW_LLM.source)
    return logged(fields, source=SIMONW_LLM.source, file=file, line=line, native=("row", row["id"]))


def _offered(path: str, tables: set[str], table: str, place: str) -> dict[str, list[Any]]:
    held: dict[str, list[Any]] = {}
    if {table, "tools"} <= tables:
        for row in sqlite_rows(path, _OFFERED.format(table=table, place=place)):
            held.setdefault(str(row.pop("place")), []).append(row)
    return held


def _common(row: dict[str, Any]) -> dict[str, Any]:
    reply = as_record(row.get("response_json"))
    schema = as_record(row.get("schema_content"))
    started, flag = utc(row.get("datetime_utc"), naive="utc")
    counts = _tokens(row)
    served = text_or_none(row.get("resolved_model")) or text_or_none(reply.get("model"))
    return {
        "response_id": text_or_none(reply.get("id")),
        "started_at": started,
        "latency_ms": number(row.get("duration_ms")),
        "request_model": text_or_none(row.get("model")),
        "response_model": served,
        "response_format": {"type": "json_schema", "schema": schema} if schema else None,
        "params": params_in(as_record(row.get("options_json"))),
        "finish_reason": finish_reason(reply),
        **counted(counts),
        "session_id": text_or_none(row.get("conversation_id") or row.get("thread_id")),
        "flags": [*counts.flags, *([flag] if flag else [])],
    }


def _tokens(row: dict[str, Any]) -> usage.Usage:
    """The counts are the provider's own, so the details tell the dialect."""
    details = as_record(row.get("token_details"))
    if "cache_read_input_tokens" in details or "cache_creation_input_tokens" in details:
        return usage.anthropic(
            {**details, "input_tokens": row.get("input_tokens"), "output_tokens": row.get("output_tokens")}
        )
    return usage.openai(
        {**details, "prompt_tokens": row.get("input_tokens"), "completion_tokens": row.get("output_tokens")}
    )


def _old(row: dict[str, Any]) -> dict[str, Any]:
    """`prompt` is the new turn only; what the plug-in sent stands in `prompt_json` where it kept it."""
    asked = as_record(row.get("prompt_json"))
    system, conversation = split_system(messages_in(asked or row.get("prompt")))
    reply = as_record(row.get("response_json"))
    choices = reply.get("choices")
    message = as_record(as_record(choices[0]).get("message")) if isinstance(choices, list) and choices else {}
    calls = decoded(message.get("tool_calls"))
    said: dict[str, Any] = {"role": "assistant", "content": row.get("response"), "tool_calls": calls}
    return {
        "system": text_or_none(row.get("system")) or system,
        "messages": conversation,
        "output": messages_in([said]) if row.get("response") or calls else [],
    }


class _Thread:
    """The messages of the newer layout: each knows the one before it."""

    def __init__(self, path: str) -> None:
        self._before: dict[str, tuple[str | None, str]] = {
            str(row["hash"]): (row["parent_hash"], str(row["role"]))
            for row in sqlite_rows(path, "SELECT hash, parent_hash, role FROM messages")
        }
        self._parts: dict[str, list[Part]] = {}
        for row in sqlite_rows(path, _PARTS):
            self._parts.setdefault(str(row["message_hash"]), []).append(_part(row))

    def spoken(self, row: dict[str, Any]) -> dict[str, Any]:
        """System, history and answer of a turn."""
        asked = self._chain(row.get("parent_message_hash"), None)
        answered = self._chain(row.get("tip_message_hash"), row.get("parent_message_hash"))
        system, conversation = split_system(asked)
        return {"system": system, "messages": conversation, "output": answered}

    def _chain(self, tip: Any, stop: Any) -> list[Message]:
        found: list[Message] = []
        at = tip
        while at is not None and at != stop and str(at) in self._before and len(found) < _MOST_TURNS:
            before, role = self._before[str(at)]
            found.append(Message(role, self._parts.get(str(at), [])))
            at = before
        return found[::-1]


def _part(row: dict[str, Any]) -> Part:
    kind, payload = row.get("type"), as_record(row.get("payload"))
    name, identifier = text_or_none(row.get("tool_name")), text_or_none(payload.get("tool_call_id"))
    if kind == "tool_call":
        return Part("tool_call", id=identifier, name=name, arguments=decoded(payload.get("arguments")))
    if kind in {"tool_result", "tool_response"}:
        return Part(
            "tool_call_response", id=identifier, name=name, response=payload.get("output") or row.get("text")
        )
    if kind in {"text", "reasoning"}:
        return Part(str(kind), content=text_or_none(row.get("text")))
    return Part(
        "blob", modality="file", mime_type=text_or_none(payload.get("type") or payload.get("mime_type"))
    )


SIMONW_LLM = _SimonwLlm()
