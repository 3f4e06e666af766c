"""The spans of an OTLP line, typed: what the adapters read of them, without a dict for each attribute's value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from router_audit.adapters.messages import mapping
from router_audit.adapters.spans import Span, any_value, error_of, text, whole

if TYPE_CHECKING:
    from router_audit.adapters.protocol import Record


class _Value(msgspec.Struct, gc=False, frozen=True):
    stringValue: Any = None  # noqa: N815  OTLP's names
    intValue: Any = None  # noqa: N815
    doubleValue: Any = None  # noqa: N815
    boolValue: Any = None  # noqa: N815
    arrayValue: Any = None  # noqa: N815
    kvlistValue: Any = None  # noqa: N815


class _Pair(msgspec.Struct, gc=False):
    key: str
    value: _Value = _Value()


class _Event(msgspec.Struct, gc=False):
    name: Any = None
    attributes: list[_Pair] = []


class _Span(msgspec.Struct, gc=False, rename="camel"):
    trace_id: str
    span_id: str
    name: Any = None
    parent_span_id: Any = None
    start_time_unix_nano: Any = None
    end_time_unix_nano: Any = None
    attributes: list[_Pair] = []
    status: Any = None
    events: list[_Event] = []


class _Scoped(msgspec.Struct, gc=False):
    scope: Any = None
    spans: list[_Span] = []


class _Resource(msgspec.Struct, gc=False, frozen=True):
    attributes: list[_Pair] = []


class _Group(msgspec.Struct, gc=False, rename="camel"):
    resource: _Resource = _Resource()
    scope_spans: list[_Scoped] = []
    instrumentation_library_spans: None = None


class _Envelope(msgspec.Struct, gc=False, rename="camel", forbid_unknown_fields=True):
    resource_spans: list[_Group]


_decode = msgspec.json.Decoder(_Envelope).decode


def _dict(pairs: list[_Pair]) -> dict[str, Any]:
    """What `spans.key_values` makes of them."""
    made: dict[str, Any] = {}
    for pair in pairs:
        value = pair.value
        if (held := value.stringValue) is not None:
            made[pair.key] = held
        elif (held := value.intValue) is not None:
            made[pair.key] = whole(held)
        elif (held := value.doubleValue) is not None:
            made[pair.key] = held
        else:
            made[pair.key] = any_value(msgspec.structs.asdict(value))
    return made


def envelope(raw: bytes) -> Record | None:
    """The line as `spans.otlp_spans` takes it; None where it is to be read in full.

    That is all that is no OTLP, and an envelope with a span that has no ids, or is of OpenInference.
    """
    try:
        if not raw.isascii():
            raw.decode()  # what is passed over is not looked at otherwise
        groups = _decode(raw).resource_spans
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    made: list[Span] = []
    for group in groups:
        resource = _dict(group.resource.attributes)
        for scoped in group.scope_spans:
            scope = str(mapping(scoped.scope).get("name") or "")
            for one in scoped.spans:
                attributes = _dict(one.attributes)
                if not (one.trace_id and one.span_id) or "openinference.span.kind" in attributes:
                    return None
                made.append(
                    Span(
                        attributes=attributes,
                        name=str(one.name or ""),
                        trace_id=one.trace_id,
                        span_id=one.span_id,
                        parent_id=text(one.parent_span_id),
                        start=one.start_time_unix_nano,
                        end=one.end_time_unix_nano,
                        error=error_of(mapping(one.status), attributes),
                        events=[(str(event.name or ""), _dict(event.attributes)) for event in one.events],
                        resource=resource,
                        scope=scope,
                    )
                )
    return {"resourceSpans": tuple(made)}
