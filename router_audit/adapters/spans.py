"""Spans and log records of OpenTelemetry, however they were written down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from router_audit.adapters.messages import mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router_audit.adapters.protocol import Record


class Span(msgspec.Struct, kw_only=True):
    """One span, whatever wrote it."""

    attributes: dict[str, Any]
    name: str = ""
    trace_id: str | None = None
    span_id: str | None = None
    parent_id: str | None = None
    start: Any = None
    """As `clock.utc` takes it."""
    end: Any = None
    error: str | None = None
    """The error's type where the span failed."""
    events: list[tuple[str, dict[str, Any]]] = []
    resource: dict[str, Any] = {}
    scope: str = ""
    raw: dict[str, Any] = {}


class Event(msgspec.Struct, frozen=True):
    """One log record."""

    name: str
    trace_id: str
    span_id: str
    attributes: dict[str, Any]
    body: Any


def text(value: Any) -> str | None:
    """A non-empty text, else None."""
    return value if isinstance(value, str) and value else None


_LONGEST_INT64 = 20


def whole(value: Any) -> Any:
    """An OTLP int64, which JSON writes as a text; what is none stays as it is."""
    if value.__class__ is str and len(value) <= _LONGEST_INT64 and value.removeprefix("-").isdecimal():
        return int(value)
    return value


def any_value(raw: Any) -> Any:
    """The value in an OTLP AnyValue, which has one of these."""
    if not isinstance(raw, dict):
        return raw
    if (value := raw.get("stringValue")) is not None:
        return value
    if (value := raw.get("intValue")) is not None:
        return whole(value)
    if (value := raw.get("doubleValue")) is not None:
        return value
    if (value := raw.get("boolValue")) is not None:
        return value
    if (value := raw.get("arrayValue")) is not None:
        values = mapping(value).get("values")
        return [any_value(entry) for entry in values] if isinstance(values, list) else []
    if (value := raw.get("kvlistValue")) is not None:
        return key_values(mapping(value).get("values"))
    return None


def key_values(raw: Any) -> dict[str, Any]:
    """A dict of an OTLP KeyValue list; a plain dict stays one."""
    if isinstance(raw, dict):
        return raw
    if not isinstance(raw, list):
        return {}
    made: dict[str, Any] = {}
    for entry in raw:
        if entry.__class__ is dict and (key := entry.get("key")).__class__ is str:
            value = entry.get("value")
            made[key] = any_value(value)
    return made


def _dicts(raw: Any) -> Iterator[dict[str, Any]]:
    if isinstance(raw, list):
        for entry in raw:
            if isinstance(entry, dict):
                yield entry


def otlp_spans(record: Record) -> Iterator[Span]:
    """The spans of an OTLP JSON envelope; where `otlp_lean` read it, they are made already."""
    groups = record.get("resourceSpans")
    if groups.__class__ is tuple:
        yield from groups
        return
    for group in _dicts(groups):
        resource = key_values(mapping(group.get("resource")).get("attributes"))
        for scoped in _dicts(group.get("scopeSpans") or group.get("instrumentationLibrarySpans")):
            scope = str(mapping(scoped.get("scope")).get("name") or "")
            for raw in _dicts(scoped.get("spans")):
                attributes = key_values(raw.get("attributes"))
                yield Span(
                    attributes=attributes,
                    name=str(raw.get("name") or ""),
                    trace_id=text(raw.get("traceId")),
                    span_id=text(raw.get("spanId")),
                    parent_id=text(raw.get("parentSpanId")),
                    start=raw.get("startTimeUnixNano"),
                    end=raw.get("endTimeUnixNano"),
                    error=error_of(mapping(raw.get("status")), attributes),
                    events=[
                        (str(event.get("name") or ""), key_values(event.get("attributes")))
                        for event in _dicts(raw.get("events"))
                    ],
                    resource=resource,
                    scope=scope,
                    raw=raw,
                )


def dumped_span(record: Record) -> Span:
    """A span as an SDK's exporter prints it, or a flat object of attributes."""
    attributes = record.get("attributes")
    if not isinstance(attributes, dict):
        return Span(attributes=record, raw=record)
    context = mapping(record.get("spanContext") or record.get("context"))
    parent = mapping(record.get("parentSpanContext"))
    return Span(
        attributes=attributes,
        name=str(record.get("name") or ""),
        trace_id=text(context.get("traceId") or context.get("trace_id") or record.get("trace_id")),
        span_id=text(context.get("spanId") or context.get("span_id") or record.get("span_id")),
        parent_id=text(parent.get("spanId") or record.get("parentSpanId") or record.get("parent_id")),
        start=record.get("startTime", record.get("start_time")),
        end=record.get("endTime", record.get("end_time")),
        error=error_of(mapping(record.get("status")), attributes),
        events=[
            (str(event.get("name") or ""), key_values(event.get("attributes")))
            for event in _dicts(record.get("events"))
        ],
        resource=key_values(mapping(record.get("resource")).get("attributes")),
        raw=record,
    )


def otlp_logs(record: Record) -> Iterator[Event]:
    """The log records of an OTLP JSON envelope."""
    for group in _dicts(record.get("resourceLogs")):
        for scoped in _dicts(group.get("scopeLogs")):
            for raw in _dicts(scoped.get("logRecords")):
                attributes = key_values(raw.get("attributes"))
                yield Event(
                    str(raw.get("eventName") or attributes.get("event.name") or ""),
                    str(raw.get("traceId") or ""),
                    str(raw.get("spanId") or ""),
                    attributes,
                    any_value(raw.get("body")),
                )


def error_of(status: dict[str, Any], attributes: dict[str, Any]) -> str | None:
    """The error's type, or what the status says of it; None where there was none."""
    kind = text(attributes.get("error.type"))
    if status.get("code") in (2, "ERROR", "STATUS_CODE_ERROR") or status.get("status_code") == "ERROR":
        return kind or (text(status.get("message")) or "error")[:200]
    return kind
