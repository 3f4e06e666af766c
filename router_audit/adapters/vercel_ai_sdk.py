"""Vercel AI SDK: telemetry spans, of which a parent and its child both carry the usage."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from router_audit.adapters import usage
from router_audit.adapters.blocks import as_record, as_text, decoded
from router_audit.adapters.clock import between_ms, number, utc
from router_audit.adapters.conversation import messages_in, split_system
from router_audit.adapters.dialects import counted, logged, tools_in
from router_audit.adapters.names import provider_named, text_or_none
from router_audit.adapters.spans import Span, dumped_span
from router_audit.types import Filtered, LoggedRequest, Merged, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from router_audit.adapters.protocol import Record

PARENTS = 5_000
"""How many parents, and how many marks of children, are remembered at once."""
_CHILD = (".doGenerate", ".doStream")
_CALLS = ("ai.generateText", "ai.streamText", "ai.generateObject", "ai.streamObject")
_PARAMS = {
    "max_tokens": ("ai.settings.maxOutputTokens", "ai.settings.maxTokens", "gen_ai.request.max_tokens"),
    "temperature": ("ai.settings.temperature", "gen_ai.request.temperature"),
    "top_p": ("ai.settings.topP", "gen_ai.request.top_p"),
}


class _VercelAiSdk:
    """Counts children; a parent stands for its call only where no child of it is in the file."""

    source = "vercel_ai_sdk"
    reads = "telemetry spans (`ai.generateText.doGenerate`, ...) of SDK versions 4 to 6, as span dumps"
    ordered = True

    def detects(self, record: Record) -> bool:
        """An operation of the SDK among the attributes."""
        attributes = record.get("attributes")
        return isinstance(attributes, dict) and "ai.operationId" in attributes

    def reader(self, file: str) -> Reader:
        """See `Adapter.reader`."""
        return Reader(file)


class Reader:
    """Holds parents until it is clear whether their children stand in the file."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._parents: OrderedDict[str, tuple[set[str], LoggedRequest]] = OrderedDict()
        self._children: OrderedDict[str, None] = OrderedDict()

    def feed(self, record: Record, line: int) -> Iterable[Outcome]:
        """See `Reader.feed` of the protocol."""
        span = dumped_span(record)
        operation = str(span.attributes.get("ai.operationId"))
        if operation in _CALLS:
            marks = _marks(span)
            call = self._call(span, record, line, parent=True)
            self._parents[f"{span.trace_id}/{span.span_id}/{line}"] = (marks, call)
            if len(self._parents) > PARENTS:
                yield self._settle()
        elif operation.endswith(_CHILD):
            for mark in _marks(span):
                self._children[mark] = None
            while len(self._children) > 2 * PARENTS:
                self._children.popitem(last=False)
            yield self._call(span, record, line, parent=False)
        else:
            yield Filtered(f"no model call: {operation[:40]}")

    def close(self) -> Iterator[Outcome]:
        """See `Reader.close` of the protocol."""
        while self._parents:
            yield self._settle()

    def _settle(self) -> Outcome:
        marks, call = self._parents.popitem(last=False)[1]
        return Merged() if any(mark in self._children for mark in marks) else call

    def _call(self, span: Span, record: Record, line: int, *, parent: bool) -> LoggedRequest:
        fields = _fields(span)
        if parent:
            fields["flags"] = [*fields["flags"], "parent_span"]
        return logged(fields, source=VERCEL_AI_SDK.source, file=self._file, line=line, native=record)


def _response_id(span: Span) -> str | None:
    stated = text_or_none(span.attributes.get("ai.response.id") or span.attributes.get("gen_ai.response.id"))
    told = as_record(span.attributes.get("ai.response.providerMetadata"))
    return stated or next(
        (str(held["responseId"]) for held in map(as_record, told.values()) if held.get("responseId")), None
    )


def _marks(span: Span) -> set[str]:
    """What a parent and its child have in common: the reply, or the place in the trace."""
    response = _response_id(span)
    place = span.parent_id if str(span.attributes.get("ai.operationId")).endswith(_CHILD) else span.span_id
    return {mark for mark in (response, f"{span.trace_id}/{place}" if place else None) if mark}


def _fields(span: Span) -> dict[str, Any]:
    held = span.attributes
    started, flag = utc(span.start)
    counts = _tokens(held)
    asked = decoded(held.get("ai.prompt.messages")) or decoded(held.get("ai.prompt"))
    system, conversation = split_system(messages_in(asked))
    schema = as_record(held.get("ai.schema"))
    offered = held.get("ai.prompt.tools")
    params = {
        name: next((held[key] for key in keys if held.get(key) is not None), None)
        for name, keys in _PARAMS.items()
    }
    streamed = "stream" in str(held.get("ai.operationId")).lower()
    metadata = {
        name.removeprefix("ai.telemetry.metadata."): value
        for name, value in held.items()
        if name.startswith("ai.telemetry.metadata.")
    }
    session = next(
        (metadata.pop(key) for key in ("sessionId", "session_id", "threadId") if key in metadata), None
    )
    user = next((metadata.pop(key) for key in ("userId", "user_id") if key in metadata), None)
    return {
        "response_id": _response_id(span),
        "started_at": started,
        "latency_ms": between_ms(started, utc(span.end)[0]),
        "time_to_first_token_ms": number(held.get("ai.response.msToFirstChunk")),
        "provider": provider_named(held.get("ai.model.provider"), held.get("gen_ai.system")),
        "request_model": text_or_none(held.get("ai.model.id") or held.get("gen_ai.request.model")),
        "response_model": text_or_none(held.get("ai.response.model") or held.get("gen_ai.response.model")),
        "system": system,
        "messages": conversation,
        "output": messages_in(_answer(held), "assistant"),
        "tools": tools_in(offered),
        "response_format": {"type": "json_schema", "schema": schema} if schema else None,
        "params": {
            **{name: value for name, value in params.items() if value is not None},
            "stream": streamed,
        },
        **counted(counts),
        "finish_reason": text_or_none(held.get("ai.response.finishReason")),
        "status": "error" if span.error else None,
        "error_type": span.error,
        "session_id": text_or_none(session),
        "trace_id": span.trace_id,
        "parent_id": span.parent_id,
        "user": text_or_none(user),
        "project": text_or_none(held.get("ai.telemetry.functionId")),
        "tags": [f"{name}:{as_text(value)}" for name, value in metadata.items()],
        "flags": [*counts.flags, *([flag] if flag else [])],
    }


def _answer(held: dict[str, Any]) -> Any:
    parts: list[Any] = []
    if held.get("ai.response.reasoning"):
        parts.append({"type": "reasoning", "text": held["ai.response.reasoning"]})
    said = [held[key] for key in ("ai.response.text", "ai.response.object") if held.get(key)]
    parts += [{"type": "text", "text": as_text(value)} for value in said]
    calls = decoded(held.get("ai.response.toolCalls"))
    parts += [{**as_record(call), "type": "tool-call"} for call in calls] if isinstance(calls, list) else []
    return {"role": "assistant", "content": parts} if parts else None


def _tokens(held: dict[str, Any]) -> usage.Usage:
    def said(*names: str) -> int | None:
        return next(
            (usage.count(held[f"ai.usage.{n}"], n) for n in names if held.get(f"ai.usage.{n}") is not None),
            None,
        )

    asked, answered = said("inputTokens", "promptTokens"), said("outputTokens", "completionTokens")
    read = said("inputTokenDetails.cacheReadTokens", "cachedInputTokens")
    write = said("inputTokenDetails.cacheWriteTokens")
    total, reasoning = said("totalTokens"), said("outputTokenDetails.reasoningTokens", "reasoningTokens")
    if read and asked is not None and read > asked:
        # Version 5 left what Anthropic had cached out of the input.
        return usage.exclusive(asked, answered, cache_read=read, cache_write=write, reasoning=reasoning)
    return usage.inclusive(
        asked, answered, cache_read=read, cache_write=write, reasoning=reasoning, total=total
    )


VERCEL_AI_SDK = _VercelAiSdk()
