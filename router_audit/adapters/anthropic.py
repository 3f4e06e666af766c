"""Anthropic Messages: pairs, bare responses, Message Batches (requests and results), streams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router_audit.adapters import bodies, pairs, sse
from router_audit.adapters.protocol import Each, Reader, Record, call_id, identity, record_id
from router_audit.types import Filtered, LoggedRequest, Merged, Rejected

if TYPE_CHECKING:
    from router_audit.types import Outcome

_RESULTS = frozenset({"succeeded", "errored", "canceled", "expired"})


def _bare(record: Record) -> bool:
    """Agents' own logs also write `type: message`, so all three marks are asked for."""
    return (
        record.get("type") == "message"
        and str(record.get("id", "")).startswith("msg_")
        and isinstance(record.get("usage"), dict)
    )


def _shape(record: Record) -> bool:
    answered = pairs.body_of(record, "response")
    if answered.get("type") == "message" and "content" in answered:
        return True
    path = pairs.url_of(record).split("?", 1)[0].rstrip("/")
    if path:
        return path.endswith(("/messages", "/v1/complete", "/count_tokens")) or "api.anthropic.com" in path
    response = record.get("response")
    if isinstance(response, dict):
        response = response.get("body")
    if isinstance(response, (str, list)) and sse.looks_streamed(response):
        return any(str(event.get("type")) in sse.ANTHROPIC for event in sse.events(response)[:3])
    return answered.get("type") == "error" and isinstance(answered.get("error"), dict)


def _batch_result(record: Record) -> bool:
    result = record.get("result")
    return "custom_id" in record and isinstance(result, dict) and str(result.get("type")) in _RESULTS


def _batch_create(record: Record) -> bool:
    requests = record.get("requests")
    return (
        isinstance(requests, list)
        and bool(requests)
        and isinstance(requests[0], dict)
        and "params" in requests[0]
    )


def _batch_line(record: Record) -> bool:
    return "custom_id" in record and isinstance(record.get("params"), dict) and "messages" in record["params"]


class _Anthropic:
    """Pairs, bare messages and batches."""

    source = "anthropic"
    reads = "Messages exchanges, bare replies, Message Batches results"
    ordered = False

    def detects(self, record: Record) -> bool:
        """A pair of this shape, a message object, a batch result or a batch request."""
        if "request" in record and "response" in record:
            return _shape(record)
        return _bare(record) or _batch_result(record) or _batch_create(record) or _batch_line(record)

    def reader(self, file: str) -> Reader:
        """Each record stands alone."""
        return Each(file, read)


def read(record: Record, file: str, line: int) -> list[Outcome]:
    """The outcomes of a record; may raise RecordError."""
    if "request" in record and "response" in record:
        return pairs.read(record, file, line, source="anthropic", provider="anthropic")
    if _batch_result(record):
        return [_result(record, file, line)]
    if _batch_create(record):
        return [
            _asked(entry, file, line)
            if isinstance(entry, dict) and _batch_line(entry)
            else Rejected(file, line, "a batch request without params.messages", source="anthropic")
            for entry in record["requests"]
        ]
    if _batch_line(record):
        return [_asked(record, file, line)]
    return [bare(record, file, line)]


def bare(answered: Record, file: str, line: int) -> Outcome:
    """A message object without its request."""
    fields = bodies.call(None, answered)
    if fields is None:
        return Filtered("no text generation")
    fields["provider"] = "anthropic"
    flags = [*fields.pop("flags", ()), "response_only"]
    made = record_id(fields.get("response_id"), answered)
    return LoggedRequest(request_id=made, source="anthropic", file=file, line=line, flags=flags, **fields)


def _asked(record: Record, file: str, line: int) -> LoggedRequest:
    """The request half of a batch: its result joins it by custom_id."""
    fields = bodies.call(record["params"], None) or {}
    fields["provider"] = "anthropic"
    return LoggedRequest(
        request_id=identity("anthropic_batch", record["custom_id"], record_id(None, record)),
        source="anthropic",
        file=file,
        line=line,
        half="request",
        join_key=identity("anthropic_batch", record["custom_id"]),
        flags=["request_only"],
        **{**fields, "service_tier": "batch"},
    )


def _result(record: Record, file: str, line: int) -> Outcome:
    result = record["result"]
    if result["type"] in ("canceled", "expired"):
        return Filtered(f"batch request {result['type']}: never served, never billed")
    answered = result.get("message")
    error = result.get("error")
    if not isinstance(answered, dict):
        answered = {"type": "message", "content": [], "error": error or "errored"}
    fields = bodies.call(None, answered) or {}
    fields["provider"] = "anthropic"
    flags = [*fields.pop("flags", ()), "response_only"]
    return LoggedRequest(
        request_id=call_id(fields.get("response_id"), "anthropic_batch", record_id(None, record)),
        source="anthropic",
        file=file,
        line=line,
        half="response",
        join_key=identity("anthropic_batch", record["custom_id"]),
        flags=flags,
        **{**fields, "service_tier": "batch"},
    )


class _Chunks:
    """Puts the events of streams together; `message_start` of another message begins the next."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._events: list[Record] = []
        self._line = 0
        self._id = ""

    def feed(self, record: Record, line: int) -> list[Outcome]:
        """Nothing for the first event of a stream (its call comes at the end), `Merged` for each further one."""
        outcomes: list[Outcome] = []
        message = record.get("message")
        if record.get("type") == "message_start" and isinstance(message, dict):
            name = str(message.get("id") or "")
            if self._events and self._id and name != self._id:
                outcomes += self.close()
            self._id = name
        if self._events:
            outcomes.append(Merged())
        else:
            self._line = line
        self._events.append(record)
        return outcomes

    def close(self) -> list[Outcome]:
        """The message whose stream was open."""
        if not self._events:
            return []
        events, self._events, self._id = self._events, [], ""
        return [bare(sse.final(events) or {}, self._file, self._line)]


class _AnthropicStream:
    """Events of a stream, one a record: SSE files, NDJSON dumps."""

    source = "anthropic"
    reads = "streamed Messages replies, event by event"
    ordered = True

    def detects(self, record: Record) -> bool:
        """An event of the Messages stream."""
        return str(record.get("type")) in sse.ANTHROPIC and "sessionId" not in record

    def reader(self, file: str) -> Reader:
        """Events are put together in order."""
        return _Chunks(file)


ANTHROPIC = _Anthropic()
ANTHROPIC_STREAM = _AnthropicStream()
