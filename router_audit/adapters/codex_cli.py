"""Codex CLI: session rollouts of every layout, and what `codex exec --json` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from router_audit.adapters import usage
from router_audit.adapters.blocks import as_record, as_text
from router_audit.adapters.clock import utc
from router_audit.adapters.conversation import messages_in, split_system
from router_audit.adapters.dialects import counted, logged, tools_in
from router_audit.adapters.names import provider_named, text_or_none
from router_audit.types import Filtered, LoggedRequest, Merged, Message, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from router_audit.adapters.protocol import Record

_ROLLOUT = {"session_meta", "turn_context", "event_msg", "response_item", "compacted", "world_state"}
_EXEC = {"thread.started", "turn.started", "turn.completed", "turn.failed", "item.started", "item.updated",
         "item.completed"}  # fmt: skip
_ENVELOPE = {"timestamp", "type", "payload", "ordinal"}
_SPOKEN = {"agent_message", "user_message"}


class _CodexCli:
    """Reads one call per report of token counts; the messages since the last one are its text."""

    source = "codex_cli"
    reads = "session rollouts (old and new layouts) and the output of `codex exec --json`"
    ordered = True

    def detects(self, record: Record) -> bool:
        """An enveloped event of a rollout, or an event of `exec`."""
        if isinstance(record.get("payload"), dict) and "timestamp" in record:
            return str(record.get("type")) in _ROLLOUT or record.keys() <= _ENVELOPE
        return str(record.get("type")) in _EXEC

    def reader(self, file: str) -> Reader:
        """See `Adapter.reader`."""
        return Reader(file)


class Reader:
    """Follows one session: who speaks, with which model, and what was counted so far."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._session: dict[str, Any] = {}
        self._turn: dict[str, Any] = {}
        self._asked: list[Message] = []
        self._answered: list[Message] = []
        self._spoken: list[Message] = []
        self._total: dict[str, Any] | None = None
        self._uncounted: list[LoggedRequest] = []
        self._counted = False

    def feed(self, record: Record, line: int) -> Iterable[Outcome]:
        """See `Reader.feed` of the protocol: a report of counts is the call, all else completes it."""
        kind = str(record.get("type"))
        payload = as_record(record.get("payload"))
        if kind in _EXEC:
            yield self._exec(record, line)
        elif kind == "session_meta":
            self._session = self._session or payload
            yield Merged()
        elif kind == "turn_context":
            if payload.get("turn_id") != self._turn.get("turn_id") and self._has_answer():
                # What a turn that never ended had said belongs to no later call.
                self._forget()
            self._turn = payload
            yield Merged()
        elif kind == "response_item":
            yield self._item(payload)
        elif kind == "event_msg":
            yield from self._event(record, payload, line)
        else:
            yield Filtered(f"no model call: {str(kind)[:40]}")

    def close(self) -> Iterator[Outcome]:
        """See `Reader.close` of the protocol: turns of a session that counts nothing stand for their calls."""
        for call in self._uncounted:
            yield Merged() if self._counted else call

    def _item(self, payload: dict[str, Any]) -> Outcome:
        kind = str(payload.get("type"))
        answers = kind.endswith("_output") or (kind == "message" and payload.get("role") != "assistant")
        if kind.endswith("_call") and "name" not in payload:
            payload = {
                **payload,
                "type": "function_call",
                "name": kind.removesuffix("_call"),
                "id": payload.get("id"),
            }
        (self._asked if answers else self._answered).extend(
            messages_in([payload], "user" if answers else "assistant")
        )
        return Merged()

    def _event(self, record: Record, payload: dict[str, Any], line: int) -> Iterator[Outcome]:
        kind = str(payload.get("type"))
        if kind in _SPOKEN:
            role = "user" if kind == "user_message" else "assistant"
            self._spoken += messages_in(text_or_none(payload.get("message")), role)
            yield Merged()
        elif kind == "token_count":
            yield self._report(record, payload, line)
        elif kind == "turn.completed" and as_record(payload.get("usage")):
            yield self._call(record, as_record(payload["usage"]), as_record(payload["usage"]), line)
        elif kind == "task_complete" and not self._counted and payload.get("last_agent_message"):
            if not self._has_answer():
                self._spoken += messages_in([{"role": "assistant", "content": payload["last_agent_message"]}])
            self._uncounted.append(self._call(record, {}, payload, line))
        else:
            yield Filtered(f"no model call: {str(kind)[:40]}")

    def _report(self, record: Record, payload: dict[str, Any], line: int) -> Outcome:
        info = as_record(payload.get("info"))
        total = as_record(info.get("total_token_usage"))
        last = as_record(info.get("last_token_usage"))
        if not last and ("prompt" in info or "completion" in info):
            last = {"input_tokens": info.get("prompt"), "output_tokens": info.get("completion")}
        if not last and total:
            before = self._total or {}
            last = {
                name: value - before.get(name, 0) for name, value in total.items() if isinstance(value, int)
            }
        if not any(last.values()):
            return Filtered("token report without counts")
        if total and total == self._total:
            return Merged()
        self._total = total or self._total
        model = text_or_none(info.get("model"))
        if model:
            self._turn = {**self._turn, "model": model}
        return self._call(record, last, total or last, line)

    def _call(self, record: Record, counts: dict[str, Any], mark: dict[str, Any], line: int) -> LoggedRequest:
        self._counted = self._counted or bool(counts)
        started, flag = utc(record.get("timestamp"), naive="utc")
        spoken = {message.role for message in (*self._asked, *self._answered)}
        extra = [message for message in self._spoken if message.role not in spoken]
        asked = [*self._asked, *(message for message in extra if message.role == "user")]
        told = _tokens(counts)
        system, conversation = split_system(asked)
        base = as_record(self._session.get("base_instructions")).get("text")
        session = text_or_none(self._session.get("id") or self._session.get("session_id"))
        effort = text_or_none(self._turn.get("effort"))
        fields = {
            "started_at": started,
            "provider": provider_named(self._session.get("model_provider")),
            "request_model": text_or_none(self._turn.get("model") or self._session.get("model")),
            "system": "\n\n".join(text for text in (text_or_none(base), system) if text) or None,
            "messages": conversation,
            "output": [*self._answered, *(message for message in extra if message.role == "assistant")],
            "tools": tools_in(self._session.get("dynamic_tools")),
            "params": {"effort": effort} if effort else {},
            **counted(told),
            "session_id": session,
            "trace_id": text_or_none(self._turn.get("trace_id")),
            "parent_id": text_or_none(
                self._session.get("parent_thread_id") or self._session.get("forked_from_id")
            ),
            "project": text_or_none(self._session.get("cwd")),
            "tags": _branch(self._session),
            "flags": [
                *told.flags,
                *([flag] if flag else []),
                *([] if counts else ["no_tokens"]),
                "history_omitted",
            ],
        }
        self._forget()
        native = ("report", session, record.get("timestamp"), as_text(mark))
        return logged(fields, source=CODEX_CLI.source, file=self._file, line=line, native=native)

    def _has_answer(self) -> bool:
        return any(message.role == "assistant" for message in (*self._answered, *self._spoken))

    def _forget(self) -> None:
        self._asked, self._answered, self._spoken = [], [], []

    def _exec(self, record: Record, line: int) -> Outcome:
        kind, item = str(record.get("type")), as_record(record.get("item"))
        if kind == "thread.started":
            self._session = {"id": record.get("thread_id")}
        elif kind == "item.completed":
            self._answered += _exec_item(item)
        elif kind in {"turn.completed", "turn.failed"}:
            return self._exec_turn(record, line)
        return Merged()

    def _exec_turn(self, record: Record, line: int) -> Outcome:
        told = _tokens(as_record(record.get("usage")))
        failure = text_or_none(as_record(record.get("error")).get("message"))
        failed = record.get("type") == "turn.failed"
        session = text_or_none(self._session.get("id"))
        fields = {
            "output": list(self._answered),
            **counted(told),
            "status": "error" if failed else None,
            "error_type": (failure or "turn.failed")[:200] if failed else None,
            "session_id": session,
            "flags": [*told.flags, "turn_total"],
        }
        self._forget()
        native = ("turn", session, line, as_text(record))
        return logged(fields, source=CODEX_CLI.source, file=self._file, line=line, native=native)


def _exec_item(item: dict[str, Any]) -> list[Message]:
    kind = item.get("type")
    if kind == "reasoning":
        return messages_in([{"type": "reasoning", "text": item.get("text")}], "assistant")
    if kind == "agent_message":
        return messages_in(text_or_none(item.get("text")), "assistant")
    call = {"type": "function_call", "id": item.get("id"), "name": kind, "arguments": item.get("command")}
    result = {
        "type": "function_call_output",
        "call_id": item.get("id"),
        "output": item.get("aggregated_output"),
    }
    return messages_in([call, result], "assistant")


def _branch(session: dict[str, Any]) -> list[str]:
    branch = text_or_none(as_record(session.get("git")).get("branch"))
    return [f"branch:{branch}"] if branch else []


def _tokens(raw: dict[str, Any]) -> usage.Usage:
    """Reasoning is inside the output whatever the total says, so a total that disagrees is only flagged."""
    asked, answered = usage.count(raw.get("input_tokens")), usage.count(raw.get("output_tokens"))
    told = usage.inclusive(
        asked,
        answered,
        cache_read=usage.count(raw.get("cached_input_tokens")),
        cache_write=usage.count(raw.get("cache_write_input_tokens")),
        reasoning=usage.count(raw.get("reasoning_output_tokens")),
    )
    total = usage.count(raw.get("total_tokens"))
    if total and total != (asked or 0) + (answered or 0):
        return msgspec.structs.replace(told, flags=(*told.flags, usage.TOTAL_MISMATCH))
    return told


CODEX_CLI = _CodexCli()
