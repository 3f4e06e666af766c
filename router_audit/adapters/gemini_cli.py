"""Gemini CLI: chat sessions, as one JSON document or line by line."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from router_audit.adapters import usage
from router_audit.adapters.blocks import as_record
from router_audit.adapters.clock import utc
from router_audit.adapters.conversation import messages_in
from router_audit.adapters.dialects import counted, logged
from router_audit.adapters.guard import guarded
from router_audit.adapters.names import text_or_none
from router_audit.types import Filtered, Merged, Message, Outcome, Part

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from router_audit.adapters.protocol import Record

_TURNS = {"user", "gemini", "model", "info", "error", "warning"}


class _GeminiCli:
    """Reads one call per reply that states its tokens."""

    source = "gemini_cli"
    reads = "chat sessions (JSON, and JSONL with a header line)"
    ordered = True

    def detects(self, record: Record) -> bool:
        """A session, its header, one of its messages, or a patch of it."""
        if "sessionId" in record and ("projectHash" in record or record.get("kind") == "chat"):
            return True
        if "$set" in record:
            return True
        return str(record.get("type")) in _TURNS and {"id", "timestamp"} <= record.keys() and not record.keys() & {
            "message", "payload", "parentUuid", "sessionId",
        }  # fmt: skip

    def reader(self, file: str) -> Reader:
        """See `Adapter.reader`."""
        return Reader(file)


class Reader:
    """Follows one session."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._session: str | None = None
        self._project: str | None = None
        self._asked: list[Message] = []

    def feed(self, record: Record, line: int) -> Iterable[Outcome]:
        """See `Reader.feed` of the protocol: one outcome per message."""
        if "sessionId" in record:
            self._session = text_or_none(record["sessionId"])
            self._project = text_or_none(record.get("projectHash"))
            turns = record.get("messages")
            if not isinstance(turns, list) or not turns:
                yield Merged()
                return
            for turn in turns:
                yield guarded(
                    partial(self._turn, as_record(turn), line),
                    turn,
                    source=GEMINI_CLI.source,
                    file=self._file,
                    line=line,
                )
        elif "$set" in record:
            yield Merged()
        else:
            yield self._turn(record, line)

    def close(self) -> Iterator[Outcome]:
        """See `Reader.close` of the protocol."""
        return iter(())

    def _turn(self, turn: dict[str, Any], line: int) -> Outcome:
        kind = str(turn.get("type"))
        if kind == "user":
            self._asked += messages_in(turn.get("content") or turn.get("parts"), "user")
            return Merged()
        tokens = as_record(turn.get("tokens"))
        if kind not in {"gemini", "model"} or not tokens:
            return Filtered(
                "reply without token counts" if kind in {"gemini", "model"} else f"no model call: {kind}"
            )
        started, flag = utc(turn.get("timestamp"), naive="utc")
        told = _tokens(tokens)
        fields = {
            "started_at": started,
            "provider": "google",
            "request_model": text_or_none(turn.get("model")),
            "messages": list(self._asked),
            "output": _output(turn),
            **counted(told),
            "session_id": self._session,
            "project": self._project,
            "flags": [*told.flags, *([flag] if flag else []), "history_omitted"],
        }
        self._asked = _results(turn)
        native = ("reply", self._session, turn.get("id"), turn.get("timestamp"))
        return logged(fields, source=GEMINI_CLI.source, file=self._file, line=line, native=native)


def _output(turn: dict[str, Any]) -> list[Message]:
    thoughts = [as_record(thought) for thought in turn.get("thoughts") or []]
    parts = [
        Part("reasoning", content=text_or_none(t.get("description") or t.get("subject"))) for t in thoughts
    ]
    parts += [part for message in messages_in(turn.get("content"), "assistant") for part in message.parts]
    for raw in turn.get("toolCalls") or []:
        call = as_record(raw)
        parts.append(
            Part(
                "tool_call",
                id=text_or_none(call.get("id")),
                name=text_or_none(call.get("name")),
                arguments=call.get("args"),
            )
        )
    return [Message("assistant", parts)] if parts else []


def _results(turn: dict[str, Any]) -> list[Message]:
    """What the tools gave back opens the next call."""
    return [
        message
        for raw in turn.get("toolCalls") or []
        for message in messages_in([{"role": "tool", "content": as_record(raw).get("result")}])
        if as_record(raw).get("result")
    ]


def _tokens(raw: dict[str, Any]) -> usage.Usage:
    """Gemini's way: cached inside the input, thoughts and tool prompts beside the sums."""
    return usage.gemini(
        {
            "promptTokenCount": raw.get("input"),
            "toolUsePromptTokenCount": raw.get("tool") or None,
            "candidatesTokenCount": raw.get("output"),
            "thoughtsTokenCount": raw.get("thoughts"),
            "cachedContentTokenCount": raw.get("cached"),
            "totalTokenCount": raw.get("total"),
        }
    )


GEMINI_CLI = _GeminiCli()
