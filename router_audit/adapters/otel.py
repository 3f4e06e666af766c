"""OpenTelemetry GenAI: OTLP JSON spans and logs, SDK span dumps, flat attributes; old and new names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from router_audit.adapters import clock, span_text, spans, usage
from router_audit.adapters.protocol import Each, Reader, Record, RecordError, identity, record_id
from router_audit.adapters.spans import Span, text
from router_audit.types import Filtered, LoggedRequest, Merged, Message, Rejected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router_audit.types import Outcome

_TEXT_OPERATIONS = frozenset(
    {"chat", "text_completion", "generate_content", "completion", "message", "response"}
)
_EVENT_ROLES = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
_DETAILS = "gen_ai.client.inference.operation.details"
_EVALUATION = "gen_ai.evaluation.result"


def is_genai(attributes: dict[str, Any]) -> bool:
    """Whether the attributes are those of a GenAI call (and no embedding, tool or agent span)."""
    operation = attributes.get("gen_ai.operation.name")
    if operation is not None:
        return operation in _TEXT_OPERATIONS
    kind = attributes.get("llm.request.type")
    if kind is not None:
        return kind in ("chat", "completion")
    return "gen_ai.request.model" in attributes or "gen_ai.response.model" in attributes


class _OTel:
    """Spans carry the counts; the text may stand in log records, joined by trace and span id."""

    source = "otel"
    reads = "GenAI spans and logs: OTLP JSON, SDK dumps, bare attributes; old and new names"
    ordered = False

    def detects(self, record: Record) -> bool:
        """OTLP, an SDK span dump with `gen_ai.*`, or a flat object of such attributes."""
        if "resourceSpans" in record or "resourceLogs" in record:
            return True
        attributes = record.get("attributes")
        if isinstance(attributes, dict) and (
            "spanContext" in record or "span_id" in record or "context" in record
        ):
            return any(str(name).startswith("gen_ai.") for name in attributes)
        return (
            "gen_ai.request.model" in record or "gen_ai.operation.name" in record or "gen_ai.system" in record
        )

    def reader(self, file: str) -> Reader:
        """Each record stands alone."""
        return Each(file, _read)


def _read(record: Record, file: str, line: int) -> Iterator[Outcome]:
    if "resourceSpans" in record:
        found = False
        for span in spans.otlp_spans(record):
            found = True
            yield _safely(span, file, line)
        if not found:
            yield Filtered("an envelope without spans")
    elif "resourceLogs" in record:
        yield from _logs(record, file, line)
    else:
        yield _safely(spans.dumped_span(record), file, line)


def _safely(span: Span, file: str, line: int) -> Outcome:
    try:
        return call(span, file, line)
    except RecordError as error:
        return Rejected(file, line, str(error), source="otel")


def _counts(attributes: dict[str, Any]) -> usage.Usage:
    def first(*names: str) -> int | None:
        for name in names:
            if (value := attributes.get(name)) is not None:
                return usage.count(value, name)
        return None

    return usage.inclusive(
        first("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.usage.prompt_tokens"),
        first("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.usage.completion_tokens"),
        cache_read=first(
            "gen_ai.usage.cache_read.input_tokens",
            "gen_ai.usage.cache_read_input_tokens",
            "gen_ai.usage.details.cache_read_tokens",
        ),
        cache_write=first(
            "gen_ai.usage.cache_creation.input_tokens",
            "gen_ai.usage.cache_creation_input_tokens",
            "gen_ai.usage.details.cache_write_tokens",
        ),
        reasoning=first("gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens"),
        total=first("gen_ai.usage.total_tokens", "llm.usage.total_tokens"),
    )


def call(span: Span, file: str, line: int) -> Outcome:
    """The outcome of one span; may raise RecordError."""
    attributes = span.attributes
    if not is_genai(attributes):
        return Filtered("a span that is no call of a model")
    counted = _counts(attributes)
    started, flag = clock.utc(span.start)
    ended, _ = clock.utc(span.end)
    system, conversation = span_text.prompt(span)
    flags = [*counted.flags]
    if flag:
        flags.append(flag)
    if counted.output_tokens == 0 and counted.input_tokens == 0 and span.error is None:
        # Some instrumentations log a streamed call with no counts as zeros.
        counted = msgspec.structs.replace(counted, input_tokens=None, output_tokens=None)
        flags.append("tokens_missing")
    first_chunk = clock.number(attributes.get("gen_ai.response.time_to_first_chunk"))
    cost = attributes.get("gen_ai.cost.total_cost", attributes.get("gen_ai.usage.cost"))
    reasons = attributes.get("gen_ai.response.finish_reasons") or attributes.get(
        "gen_ai.completion.0.finish_reason"
    )
    response_id = text(attributes.get("gen_ai.response.id"))
    placed = bool(span.trace_id and span.span_id)
    resource = span.resource
    score, resolved, origin = _evaluated(span)
    return LoggedRequest(
        request_id=record_id(response_id, {"span": [span.trace_id, span.span_id]} if placed else span.raw),
        join_key=identity("otel", span.trace_id, span.span_id) if placed else None,
        source="otel",
        file=file,
        line=line,
        response_id=response_id,
        started_at=started,
        latency_ms=clock.between_ms(started, ended),
        time_to_first_token_ms=None if first_chunk is None else first_chunk * 1e3,
        provider=span_text.provider(attributes),
        request_model=text(attributes.get("gen_ai.request.model")),
        response_model=text(attributes.get("gen_ai.response.model")),
        region=text(resource.get("cloud.region")),
        system=system,
        messages=conversation,
        output=span_text.answer(span),
        tools=span_text.tools(attributes),
        response_format=span_text.response_format(attributes),
        params=span_text.params(attributes),
        input_tokens=counted.input_tokens,
        output_tokens=counted.output_tokens,
        cache_read_tokens=counted.cache_read_tokens,
        cache_write_tokens=counted.cache_write_tokens,
        reasoning_tokens=counted.reasoning_tokens,
        logged_cost_usd=None if clock.number(cost) is None else str(cost),
        service_tier=span_text.tier(attributes),
        status="ok" if span.error is None else "error",
        error_type=span.error,
        finish_reason=text(reasons[0] if isinstance(reasons, list) and reasons else reasons),
        session_id=text(attributes.get("gen_ai.conversation.id") or attributes.get("session.id")),
        trace_id=span.trace_id,
        parent_id=span.parent_id,
        user=text(attributes.get("user.id") or attributes.get("enduser.id")),
        team=text(resource.get("service.namespace") or attributes.get("team")),
        project=text(resource.get("service.name")),
        resolved=resolved,
        outcome_origin=origin,
        outcome_score=score,
        flags=flags,
    )


def _evaluated(span: Span) -> tuple[float | None, bool | None, str | None]:
    for name, attributes in span.events:
        if name == _EVALUATION:
            return _verdict(attributes)
    return None, None, None


def _verdict(attributes: dict[str, Any]) -> tuple[float | None, bool | None, str | None]:
    score = attributes.get("gen_ai.evaluation.score.value")
    label = str(attributes.get("gen_ai.evaluation.score.label") or "").lower()
    origin = f"score:{attributes.get('gen_ai.evaluation.name') or 'evaluation'}"
    value = float(score) if isinstance(score, (int, float)) else None
    if label in ("pass", "passed", "correct", "relevant", "good", "true", "yes"):
        return value, True, origin
    if label in ("fail", "failed", "incorrect", "irrelevant", "bad", "false", "no"):
        return value, False, origin
    return (value, value >= 0.5, origin) if value is not None else (None, None, None)


def _logs(record: Record, file: str, line: int) -> Iterator[Outcome]:
    """The text of calls whose spans stand elsewhere: one partial call per span, the rest of its records merged."""
    grouped: dict[tuple[str, str], list[tuple[str, dict[str, Any], Any]]] = {}
    found = False
    for entry in spans.otlp_logs(record):
        found = True
        if entry.name not in _EVENT_ROLES and entry.name not in ("gen_ai.choice", _DETAILS, _EVALUATION):
            yield Filtered("a log record that is no event of a model call")
        elif not (entry.trace_id and entry.span_id):
            yield Filtered("an event without trace and span id")
        else:
            key = (entry.trace_id, entry.span_id)
            if key in grouped:
                yield Merged()
            grouped.setdefault(key, []).append((entry.name, entry.attributes, entry.body))
    if not found:
        yield Filtered("an envelope without log records")
    for (trace_id, span_id), events in grouped.items():
        yield _from_events(trace_id, span_id, events, file, line)


def _from_events(
    trace_id: str, span_id: str, events: list[tuple[str, dict[str, Any], Any]], file: str, line: int
) -> LoggedRequest:
    system: list[str] = []
    conversation: list[Message] = []
    output: list[Message] = []
    verdict: tuple[float | None, bool | None, str | None] = (None, None, None)
    for name, attributes, body in events:
        if name == _EVALUATION:
            verdict = _verdict(attributes)
        elif name == _DETAILS:
            span = Span(attributes=attributes)
            instructed, conversation = span_text.prompt(span)
            system += [instructed] if instructed else []
            output = span_text.answer(span)
        elif name == "gen_ai.choice":
            output += span_text.event_message(body, "assistant")
        else:
            made = span_text.event_message(body, _EVENT_ROLES[name])
            if name == "gen_ai.system.message":
                system += [part.content for message in made for part in message.parts if part.content]
            else:
                conversation += made
    score, resolved, origin = verdict
    return LoggedRequest(
        request_id=identity("otel_events", trace_id, span_id),
        join_key=identity("otel", trace_id, span_id),
        half="request",
        source="otel",
        file=file,
        line=line,
        trace_id=trace_id,
        provider=next((span_text.provider(attributes) for _, attributes, _ in events if attributes), None),
        system="\n\n".join(system) or None,
        messages=conversation,
        output=output,
        resolved=resolved,
        outcome_origin=origin,
        outcome_score=score,
        flags=["events_only"],
    )


OTEL = _OTel()
