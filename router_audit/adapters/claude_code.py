"""Claude Code transcripts: one reply of the API is several lines, each repeating a growing usage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from router_audit.adapters import clock, messages, usage
from router_audit.adapters.protocol import Reader, Record, identity
from router_audit.types import Filtered, LoggedRequest, Merged, Message

if TYPE_CHECKING:
    from datetime import datetime

    from router_audit.types import Outcome

_OPEN = 64
"""Replies that may still get further lines; sub-agents interleave, so more than one is open."""


class _ClaudeCode:
    """Main sessions and sub-agents; a resumed or forked session repeats lines, whose ids the store knows."""

    source = "claude_code"
    reads = "session transcripts, sub-agents included"
    ordered = True

    def detects(self, record: Record) -> bool:
        """`sessionId` with a message that has usage, or with the links between lines."""
        if "sessionId" not in record and "parentUuid" not in record:
            return ("agentId" in record and "key" in record) or (
                record.get("type") in ("file-history-snapshot", "summary")
                and ("messageId" in record or "leafUuid" in record)
            )
        message = record.get("message")
        return (
            (isinstance(message, dict) and "usage" in message)
            or "parentUuid" in record
            or (isinstance(record.get("type"), str) and "sessionId" in record and "payload" not in record)
        )

    def reader(self, file: str) -> Reader:
        """Lines build on each other."""
        return _Session(file)


class _Reply:
    """One reply under way."""

    def __init__(self, record: Record, message: dict[str, Any], line: int) -> None:
        self.record = record
        self.message = message
        self.line = line
        self.started: datetime | None = clock.utc(record.get("timestamp"))[0]
        self.content: list[Any] = []
        self.counted = usage.NOTHING
        self.usage: dict[str, Any] = {}
        self.finish: str | None = None
        self.asked: list[Message] = []
        self.asked_at: datetime | None = None

    def add(self, record: Record, message: dict[str, Any]) -> None:
        """A further line: its content is new, its usage replaces a smaller one; may raise RecordError."""
        raw = message.get("usage")
        counted = usage.anthropic(raw)
        if isinstance(raw, dict) and (counted.output_tokens or 0) >= (self.counted.output_tokens or 0):
            self.counted, self.usage = counted, raw
        content = message.get("content")
        self.content += content if isinstance(content, list) else [content] if content else []
        self.finish = message.get("stop_reason") or self.finish
        at = clock.utc(record.get("timestamp"))[0]
        if at is not None and (self.started is None or at < self.started):
            self.started = at


class _Session:
    """The state between the lines of one transcript."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._open: dict[str, _Reply] = {}
        self._prompt: dict[bool, Message] = {}
        self._results: dict[bool, list[Message]] = {}
        self._asked_at: dict[bool, datetime | None] = {}

    def feed(self, record: Record, line: int) -> list[Outcome]:
        """A reply's call comes when it is complete; its further lines are merged, all other lines filtered."""
        message = record.get("message")
        kind = record.get("type")
        if not isinstance(message, dict):
            return [Filtered(f"no message: {kind}")]
        if kind == "user" or (kind is None and message.get("role") == "user"):
            self._hear(record, message)
            return [Filtered("the user's turn, kept with the call that answers it")]
        if not isinstance(message.get("usage"), dict):
            return [Filtered("a message without usage")]
        if message.get("model") == "<synthetic>" or record.get("isApiErrorMessage"):
            return [Filtered("written by the client, not by a model")]
        return self._answer(record, message, line)

    def _hear(self, record: Record, message: dict[str, Any]) -> None:
        side = bool(record.get("isSidechain"))
        self._asked_at[side] = clock.utc(record.get("timestamp"))[0]
        for turn in messages.conversation([{**message, "role": "user"}])[1]:
            if any(part.type == "tool_call_response" for part in turn.parts):
                self._results.setdefault(side, []).append(Message("tool", turn.parts))
            elif turn.parts:
                self._prompt[side] = turn
                self._results[side] = []

    def _answer(self, record: Record, message: dict[str, Any], line: int) -> list[Outcome]:
        name = str(message.get("id") or record.get("uuid") or line)
        reply = self._open.get(name)
        if reply is not None:
            reply.add(record, message)
            return [Merged()]
        reply = _Reply(record, message, line)
        reply.add(record, message)
        side = bool(record.get("isSidechain"))
        prompt = self._prompt.get(side)
        reply.asked = [*([prompt] if prompt else []), *self._results.get(side, [])]
        reply.asked_at = self._asked_at.get(side)
        self._results[side] = []
        self._open[name] = reply
        if len(self._open) > _OPEN:
            return [self._made(self._open.pop(next(iter(self._open))))]
        return []

    def close(self) -> list[Outcome]:
        """The replies still open."""
        made: list[Outcome] = [self._made(reply) for reply in self._open.values()]
        self._open.clear()
        return made

    def _made(self, reply: _Reply) -> LoggedRequest:
        record, message = reply.record, reply.message
        response_id = message.get("id") if isinstance(message.get("id"), str) else None
        flags = ["history_omitted", *reply.counted.flags]
        if reply.finish is None:
            flags.append("tokens_lower_bound")
        side = bool(record.get("isSidechain"))
        speed = reply.usage.get("speed") or reply.usage.get("service_tier")
        agent = record.get("agentId")
        tags = [f"branch:{record['gitBranch']}"] if record.get("gitBranch") else []
        if side:
            tags.append(f"sidechain:{agent}" if agent else "sidechain")
        counts = {
            name: value for name, value in msgspec.structs.asdict(reply.counted).items() if name != "flags"
        }
        effort = record.get("effort")
        return LoggedRequest(
            request_id=_identity(response_id, record),
            source="claude_code",
            file=self._file,
            line=reply.line,
            response_id=response_id,
            started_at=reply.started,
            latency_ms=clock.between_ms(reply.asked_at, reply.started),
            provider="anthropic",
            request_model=_text(message.get("model")),
            response_model=_text(message.get("model")),
            messages=reply.asked,
            output=messages.assistant(reply.content),
            params={"effort": effort} if isinstance(effort, str) else {},
            logged_cost_usd=_cost(record.get("costUSD")),
            service_tier=speed if isinstance(speed, str) and speed != "standard" else None,
            finish_reason=_text(reply.finish),
            session_id=_text(record.get("sessionId")),
            parent_id=_text(record.get("parentUuid")),
            project=_text(record.get("cwd")),
            tags=tags,
            flags=flags,
            **counts,
        )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _cost(value: Any) -> str | None:
    return None if clock.number(value) is None else str(value)


def _identity(response_id: str | None, record: Record) -> str:
    """The message id where it is a provider's; else the id within its session."""
    if response_id and response_id.startswith("msg_") and len(response_id) >= 16:
        return identity("response", response_id)
    return identity(
        "claude_code", record.get("sessionId"), response_id or record.get("uuid"), record.get("requestId")
    )


CLAUDE_CODE = _ClaudeCode()
